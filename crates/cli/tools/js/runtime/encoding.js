// TextEncoder and TextDecoder for UTF-8, as far as packages use them.

import { decode, encode, validUpTo } from "ability-storage/runtime";

export class TextEncoder {
  get encoding() {
    return "utf-8";
  }

  encode(text = "") {
    return encode(String(text).toWellFormed());
  }
}

export class TextDecoder {
  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!/^\s*utf-?8\s*$/i.test(label)) {
      throw new RangeError(`only UTF-8 can be decoded here, not ${label}`);
    }
    this.fatal = fatal;
    this.ignoreBOM = ignoreBOM;
  }

  get encoding() {
    return "utf-8";
  }

  decode(input = new Uint8Array(0), { stream = false } = {}) {
    if (stream) throw new TypeError("decoding piece by piece is not supported here");
    const bytes = bytesOf(input);
    const text = decode(bytes) ?? this.#replaced(bytes);
    return !this.ignoreBOM && text.startsWith("\ufeff") ? text.slice(1) : text;
  }

  #replaced(bytes) {
    if (this.fatal) throw new TypeError("what is to be decoded is not UTF-8");
    let text = "";
    let rest = bytes;
    while (rest.length > 0) {
      const valid = validUpTo(rest);
      text += decode(rest.subarray(0, valid));
      rest = rest.subarray(valid);
      if (rest.length === 0) break;
      text += "\ufffd";
      rest = rest.subarray(brokenLength(rest));
    }
    return text;
  }
}

/** How many bytes one replacement character stands for: the longest beginning of a
 * character that is there, else one byte. */
function brokenLength(bytes) {
  for (let length = Math.min(3, bytes.length); length > 1; length -= 1) {
    const start = bytes.subarray(0, length);
    if (canBeContinued(start)) return length;
  }
  return 1;
}

function canBeContinued(start) {
  for (const next of [0x80, 0x90, 0xa0]) {
    const longer = [...start, next, 0x80, 0x80];
    for (let length = start.length + 1; length <= 4; length += 1) {
      if (validUpTo(longer.slice(0, length)) === length) return true;
    }
  }
  return false;
}

function bytesOf(input) {
  if (input instanceof Uint8Array) return input;
  if (ArrayBuffer.isView(input)) {
    return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  }
  return new Uint8Array(input);
}
