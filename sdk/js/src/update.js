// `updateFile` and `updateJson`: change a file such that no change of others is lost.
//
// A file that is corrupt is an error, and is left as it is.

import { checkBatch } from "./batch.js";
import { checkFunction } from "./check.js";
import { parse, parseText } from "./json/read.js";
import { stringify } from "./json/write.js";
import { update } from "./retry.js";

export function updateFile(path, change, inAbilityDirectory = true) {
  checkFunction(change, "change");
  return update(path, inAbilityDirectory, (old) => {
    const contents = refusePromise(change(old?.contents ?? null));
    return { contents, result: contents };
  }).result;
}

export function updateJson(path, change, defaultValue, inAbilityDirectory = true) {
  checkFunction(change, "change");
  return update(path, inAbilityDirectory, (old) => {
    const value = old === null ? fresh(path, defaultValue) : parse(path, old.contents);
    const result = changed(value, change);
    return { contents: stringify(path, result), result };
  }).result;
}

export function updateJsonIn(batch, path, change, defaultValue) {
  checkBatch(batch);
  checkFunction(change, "change");
  const old = batch.read(path);
  const value = old === null ? fresh(path, defaultValue) : parse(path, old);
  const result = changed(value, change);
  batch.write(path, stringify(path, result));
  return result;
}

/** What `change` makes of `value`: what it returns, or the object that it changed. */
export function changed(value, change) {
  const result = refusePromise(change(value));
  if (result !== undefined) return result;
  if (typeof value === "object" && value !== null) return value;
  throw new TypeError("the change returned nothing, and was not made: return the new value");
}

/** A value of its own for each caller, so that nobody changes the default. */
export function fresh(path, defaultValue) {
  if (typeof defaultValue === "function") return defaultValue();
  return defaultValue === undefined ? undefined : parseText(path, stringify(path, defaultValue));
}

function refusePromise(result) {
  if (typeof result?.then !== "function") return result;
  throw new TypeError("a change cannot be asynchronous, and was not made: return the new value itself");
}
