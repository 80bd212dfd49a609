// The engine's own `JSON.parse`, for long texts of which it changes nothing.
//
// An engine that interprets needs a microsecond for each step of `Parser`, which is seconds for a
// file of megabytes. Nothing may be taken from here that `Parser` would read in another way.

import { MAX_DEPTH } from "./limits.js";
import { Malformed } from "./parser.js";

/** Shorter texts are read by `Parser`, which says more exactly what is wrong. */
export const MIN_NATIVE_BYTES = 16_384;

const QUOTE = 34;
const BACKSLASH = 92;

/** What a byte outside of strings does to the depth; 2 begins a string. */
const STEPS = new Int8Array(256);
for (const open of "[{") STEPS[open.charCodeAt(0)] = 1;
for (const close of "]}") STEPS[close.charCodeAt(0)] = -1;
STEPS[QUOTE] = 2;

/** How deeply the brackets of JSON are nested, and whether all of them are closed. No deeper
 * text may be given to `JSON.parse`, which can end the program when the stack is exhausted. */
export function nesting(bytes) {
  let [depth, deepest] = [0, 0];
  for (let at = 0; at < bytes.length; at += 1) {
    const step = STEPS[bytes[at]];
    if (step === 0) continue;
    if (step === 2) {
      at = stringEnd(bytes, at);
      if (at < 0) return { depth: deepest, isClosed: false };
      continue;
    }
    depth += step;
    if (depth > deepest) deepest = depth;
  }
  return { depth: deepest, isClosed: depth === 0 };
}

/** Where the string that begins at `start` has its second quote; -1 if it has none. */
function stringEnd(bytes, start) {
  for (let quote = bytes.indexOf(QUOTE, start + 1); quote >= 0; quote = bytes.indexOf(QUOTE, quote + 1)) {
    let before = quote - 1;
    while (bytes[before] === BACKSLASH) before -= 1;
    if ((quote - before) % 2 === 1) return quote;
  }
  return -1;
}

/** Whether `text` can have no more than `MAX_DEPTH` brackets inside each other. */
export function isFlat(text) {
  let brackets = 0;
  for (const open of "[{") {
    for (let at = text.indexOf(open); at >= 0; at = text.indexOf(open, at + 1)) {
      brackets += 1;
      if (brackets > MAX_DEPTH) return false;
    }
  }
  return true;
}

/** The value of `text` in an object; `null` where only `Parser` can tell what it is. Throws
 * `Malformed`. `text` must not be nested more than `MAX_DEPTH` times. */
export function parseNatively(text) {
  if (hasLongInteger(text)) return null;
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new Malformed(error.message);
    throw error;
  }
  return isWhole(text, value) ? { value } : null;
}

/** Whether `text` has an integer that a number cannot hold. A run of 16 digits covers a place
 * that is divided by 16, so that few places need a look. */
function hasLongInteger(text) {
  for (let at = 0; at < text.length; at += 16) {
    if (!isDigit(text.charCodeAt(at))) continue;
    let [start, end] = [at, at + 1];
    while (isDigit(text.charCodeAt(start - 1))) start -= 1;
    while (isDigit(text.charCodeAt(end))) end += 1;
    if (end - start < 16) continue;
    // In front of a number there is nothing else; behind a letter or a quote it is in a string.
    const mayBeNumber = start === 0 || "[:,- \n\r\t".includes(text[start - 1]);
    if (mayBeNumber && (end - start > 20 || !Number.isSafeInteger(Number(text.slice(start, end))))) return true;
    at += 16 * Math.floor((end - 1 - at) / 16);
  }
  return false;
}

function isDigit(code) {
  return code >= 48 && code <= 57;
}

/** Whether `value` has all that is in `text`: no member was there twice, no number became
 * infinite, and no string has half of a surrogate pair. */
function isWhole(text, value) {
  const hasEscapes = text.includes("\\u");
  if (!hasEscapes && !text.includes(":") && !text.includes("e") && !text.includes("E")) return true;
  // An escape may stand for a colon, and hide that another one is missing.
  if (hasEscapes && (text.includes("\\u003a") || text.includes("\\u003A"))) return false;
  const written = JSON.stringify(value);
  if (hasEscapes && written.includes("\\ud")) return false;
  return count(text, ":") === count(written, ":") && count(text, "null") === count(written, "null");
}

/** How often `part` is in `text`; counted by the engine. */
function count(text, part) {
  return text.includes(part) ? (text.length - text.replaceAll(part, "").length) / part.length : 0;
}
