// Values as JSON in files: indented, for people to read, in the form that the other
// SDKs write.
//
// What would not come back as it was must be refused, not changed on the way.

import { StorageError, corrupt, notSerializable, shown } from "./errors.js";
import { decode, isWellFormed, validUpTo } from "./text.js";

export function parse(path, bytes) {
  const text = decode(bytes);
  if (text === null) throw corrupt(path, `it is not UTF-8 from byte ${validUpTo(bytes)} on`);
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw corrupt(path, text === "" ? "it is empty" : `it is not JSON: ${error.message}`);
  }
  const number = inexactNumber(text);
  if (number !== undefined) {
    // Not corrupt: other languages can hold it, so it must not be set aside either.
    throw new StorageError(
      "inexact-number",
      path,
      `${shown(path)} was left as it is: JavaScript cannot hold its number ${number} exactly, and would change it`,
    );
  }
  return value;
}

export function stringify(path, value) {
  let text;
  try {
    text = JSON.stringify(value, refuseWhatChanges, 2);
  } catch (error) {
    throw notSerializable(path, error.message);
  }
  if (text === undefined) throw notSerializable(path, `it is ${typeof value}`);
  return text;
}

/** For `JSON.stringify`, which would write `null` or `{}`, or leave it out. */
function refuseWhatChanges(key, value) {
  const where = key === "" ? "it" : `its member ${JSON.stringify(key)}`;
  const is = (what) => new TypeError(`${where} is ${what}`);
  if (!isWellFormed(key)) throw new TypeError(`${where} has half of a surrogate pair as its name`);
  switch (typeof value) {
    case "number":
      if (!Number.isFinite(value)) throw is(String(value));
      break;
    case "string":
      if (!isWellFormed(value)) throw is("text with half of a surrogate pair");
      break;
    case "bigint":
      throw is("a BigInt");
    case "function":
    case "symbol":
      throw is(`a ${typeof value}`);
    case "undefined":
      if (Array.isArray(this)) throw is("undefined");
      break;
    default:
      if (value instanceof Map || value instanceof Set || ArrayBuffer.isView(value)) {
        throw is(`a ${value.constructor.name}`);
      }
  }
  return value;
}

/** An integer that would not come back as it was, as other languages may write it. */
function inexactNumber(text) {
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g)) {
    const isLong = token.length > 15 && /^-?\d+$/.test(token);
    if (isLong && BigInt(token) !== BigInt(Number(token))) return token;
  }
  return undefined;
}
