// That what an author passed can be handed to the host, which trusts the types.

import { StorageError, notEncodable, shown } from "./errors.js";
import { encode, isWellFormed } from "./text.js";

export function checkPath(path) {
  if (typeof path !== "string") throw new TypeError(`a path is a string, not ${kind(path)}`);
  if (isWellFormed(path)) return path;
  const reason = "it has half of a surrogate pair";
  throw new StorageError("invalid-path", path, `${shown(path)} cannot be used as a path: ${reason}`);
}

/** The scope that the last parameter of all functions stands for. */
export function scopeOf(inAbilityDirectory) {
  if (inAbilityDirectory === true) return "ability";
  if (inAbilityDirectory === false) return "user";
  throw new TypeError(`inAbilityDirectory is true or false, not ${kind(inAbilityDirectory)}`);
}

/** The bytes that are written for `contents` to the file at `path`, if it is known: text as
 * UTF-8, as it is. */
export function toBytes(contents, path) {
  if (contents instanceof Uint8Array) return contents;
  if (typeof contents !== "string") {
    throw new TypeError(`contents are a string or a Uint8Array, not ${kind(contents)}`);
  }
  if (isWellFormed(contents)) return encode(contents);
  if (typeof path === "string") throw notEncodable(path, halfPairAt(contents));
  throw new TypeError("contents have half of a surrogate pair, which UTF-8 cannot hold");
}

/** How many characters come before the first half of a surrogate pair. */
function halfPairAt(text) {
  let position = 0;
  for (const character of text) {
    if (!isWellFormed(character)) break;
    position += 1;
  }
  return position;
}

/** A precondition for the host: `version` or, if that is `null`, that there be no file. */
export function preconditionOf(options) {
  const version = options?.version;
  if (version === null) return { tag: "absent" };
  if (typeof version === "string" && isWellFormed(version)) return { tag: "version", val: version };
  const isObject = typeof options === "object" && options !== null;
  const found = isObject ? `{ version: ${kind(version)} }` : kind(options);
  throw new TypeError(
    `what is expected is { version } with the version that was read, or { version: null } for no file, not ${found}`,
  );
}

/** As `preconditionOf`; without `version`, anything may be there. */
export function optionalPrecondition(options) {
  return options?.version === undefined ? { tag: "any" } : preconditionOf(options);
}

/** What is misspelt, or passed without its name, would be ignored, and nobody told. */
export function checkOptions(options, names, what) {
  const is = typeof options === "object" && options !== null && !Array.isArray(options);
  const unknown = is ? Object.keys(options).find((name) => !names.includes(name)) : undefined;
  if (is && unknown === undefined) return;
  const found = is ? JSON.stringify(unknown) : kind(options);
  throw new TypeError(`the options of ${what} are { ${names.join(", ")} }, not ${found}`);
}

export function checkFunction(value, what) {
  if (typeof value !== "function") throw new TypeError(`${what} is a function, not ${kind(value)}`);
}

export function kind(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? (value.constructor?.name ?? "an object") : typeof value;
}
