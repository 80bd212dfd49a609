// The value in a file of JSON.
//
// A file that is JSON but holds a value which could not be written again must be refused
// and left as it is, not taken for a corrupt one.

import { corrupt, unsupported } from "../errors.js";
import { IS_UTF_16, decode, isUtf16, validUpTo, withoutMark } from "../text.js";
import { MAX_DEPTH } from "./limits.js";
import { MIN_NATIVE_BYTES, isFlat, nesting, parseNatively } from "./native.js";
import { Malformed, Parser, TOO_DEEP } from "./parser.js";

/** The value in the file at `path`, which holds `bytes`. */
export function parse(path, bytes) {
  if (isUtf16(bytes)) throw unsupported(path, IS_UTF_16);
  const plain = withoutMark(bytes);
  const text = decode(plain);
  if (text === null) throw corrupt(path, `it is not UTF-8 from byte ${validUpTo(bytes)} on`);
  if (bytes.length < MIN_NATIVE_BYTES) return parseText(path, text);
  return parseLong(path, text, plain);
}

/** The value of `text`, which is in the file at `path`. */
export function parseText(path, text) {
  const parser = new Parser(text);
  const value = orCorrupt(path, text, () => parser.parse());
  if (parser.refused !== null) throw unsupported(path, parser.refused);
  return value;
}

function parseLong(path, text, bytes) {
  if (!isFlat(text)) {
    const { depth, isClosed } = nesting(bytes);
    if (depth > MAX_DEPTH) throw (isClosed ? unsupported : corrupt)(path, TOO_DEEP);
  }
  const found = orCorrupt(path, text, () => parseNatively(text));
  return found === null ? parseText(path, text) : found.value;
}

function orCorrupt(path, text, read) {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw corrupt(path, text === "" ? "it is empty" : `it is not JSON: ${error.reason}`);
  }
}
