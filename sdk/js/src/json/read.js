// The value in a file of JSON.
//
// A file that is JSON but holds a value which could not be written again must be refused
// and left as it is, not taken for a corrupt one.

import { corrupt, unsupported } from "../errors.js";
import { IS_UTF_16, decode, isUtf16, validUpTo, withoutMark } from "../text.js";
import { Malformed, Parser } from "./parser.js";

/** The value in the file at `path`, which holds `bytes`. */
export function parse(path, bytes) {
  if (isUtf16(bytes)) throw unsupported(path, IS_UTF_16);
  const text = decode(withoutMark(bytes));
  if (text === null) throw corrupt(path, `it is not UTF-8 from byte ${validUpTo(bytes)} on`);
  return parseText(path, text);
}

/** The value of `text`, which is in the file at `path`. */
export function parseText(path, text) {
  const parser = new Parser(text);
  let value;
  try {
    value = parser.parse();
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw corrupt(path, text === "" ? "it is empty" : `it is not JSON: ${error.reason}`);
  }
  if (parser.refused !== null) throw unsupported(path, parser.refused);
  return value;
}
