// How an ability ends: with a number, or with an error that its author can read.

import { StorageError, encode, host } from "ability-storage/runtime";
import { framesOf } from "./stack.js";

export const STUCK = new Error(
  "main() can never end: it waits for a promise that nothing is left to settle",
);

/** WASI 0.2 knows success and failure only. */
export function exitCode(returned) {
  return typeof returned === "number" && returned !== 0 ? 1 : 0;
}

/** Says on standard error what `main` threw. */
export function report(error) {
  host().writeErrors(encode(`${described(error)}\n`.toWellFormed()));
  return 1;
}

function described(error) {
  if (!(error instanceof Error)) return `main() threw ${String(error)}`;
  const name = error instanceof StorageError ? `${error.name} (${error.code})` : error.name;
  return [`${name}: ${error.message}`, ...framesOf(error).map((frame) => `    ${frame}`)].join("\n");
}
