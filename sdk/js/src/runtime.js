// What the entry of a component needs of the SDK. Not for abilities.

import { running } from "#host";
import { setHost } from "./host/current.js";

/** Says that `main()` is about to be called. */
export function begin() {
  setHost(running);
}

export { StorageError } from "./errors.js";
export { host } from "./host/current.js";
export { decode, encode, validUpTo } from "./text.js";
