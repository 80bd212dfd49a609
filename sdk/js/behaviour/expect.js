// Cases and expectations that need nothing of Node.

import { StorageError } from "ability-storage";

/** All cases, in the order of their modules. */
export const cases = [];

export function test(name, run) {
  cases.push({ name, run });
}

export const bytes = (...values) => Uint8Array.from(values);

export function assert(condition, message) {
  if (!condition) throw new Error(`expected otherwise: ${message}`);
}

export function equal(found, expected) {
  assert(same(found, expected), `found ${show(found)}, not ${show(expected)}`);
}

/** The error that `call` throws: of this class, or a `StorageError` of this code. */
export function throws(expected, call) {
  let returned;
  try {
    returned = call();
  } catch (error) {
    const isIt =
      typeof expected === "string"
        ? error instanceof StorageError && error.code === expected
        : error instanceof expected && !(error instanceof StorageError);
    if (isIt) return error;
    throw new Error(`expected ${expected.name ?? expected}, not ${error?.code ?? ""} ${error?.stack ?? error}`);
  }
  throw new Error(`expected ${expected.name ?? expected}, but it returned ${show(returned)}`);
}

function same(one, other) {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (one.constructor !== other.constructor) return false;
  const [keys, others] = [Object.keys(one), Object.keys(other)];
  return keys.length === others.length && keys.every((key) => key in other && same(one[key], other[key]));
}

function show(value) {
  if (value instanceof Uint8Array) return `bytes ${Array.from(value.subarray(0, 40)).join(" ")}`;
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
