// UTF-8, strictly, in engines with TextEncoder and without.
//
// Nothing here may replace what it cannot convert: a file that changes by being read
// and written is corrupt. A byte order mark is kept, as any other character.

const encoder = globalThis.TextEncoder && new TextEncoder();
const decoder = globalThis.TextDecoder && new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Whether `text` has no half of a surrogate pair, so that UTF-8 can hold it. */
export function isWellFormed(text) {
  return text.isWellFormed();
}

/** The bytes of well-formed `text`. */
export function encode(text) {
  return encoder ? encoder.encode(text) : encodeByHand(text);
}

/** The text that `bytes` are; `null` if they are not UTF-8. */
export function decode(bytes) {
  if (!decoder) return decodeByHand(bytes);
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

export function encodeByHand(text) {
  // Three bytes hold what one unit of UTF-16 can need.
  const bytes = new Uint8Array(text.length * 3);
  let end = 0;
  for (let at = 0; at < text.length; at += 1) {
    let point = text.charCodeAt(at);
    if (point < 0x80) {
      bytes[end++] = point;
      continue;
    }
    if (point < 0x800) {
      bytes[end++] = 0xc0 | (point >> 6);
    } else {
      if (point >= 0xd800 && point < 0xe000) {
        point = text.codePointAt(at);
        at += 1;
        bytes[end++] = 0xf0 | (point >> 18);
        bytes[end++] = 0x80 | ((point >> 12) & 0x3f);
      } else {
        bytes[end++] = 0xe0 | (point >> 12);
      }
      bytes[end++] = 0x80 | ((point >> 6) & 0x3f);
    }
    bytes[end++] = 0x80 | (point & 0x3f);
  }
  return bytes.slice(0, end);
}

export const IS_UTF_16 = "it is UTF-16; save it as UTF-8";

/** Whether `bytes` begin with a byte order mark of UTF-16. */
export function isUtf16(bytes) {
  const [first, second] = bytes;
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}

/** `bytes` without the byte order mark of UTF-8, with which some editors begin a file. */
export function withoutMark(bytes) {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return hasMark ? bytes.subarray(3) : bytes;
}

/** How many bytes one call of `String.fromCharCode` is given. */
const PIECE = 8192;

/** Piece by piece, each with functions that are native in every engine: a loop over the bytes
 * takes an engine that interprets seconds for a file of megabytes. */
export function decodeByHand(bytes) {
  const parts = [];
  for (let at = 0; at < bytes.length; ) {
    let end = Math.min(at + PIECE, bytes.length);
    // No character may be divided. None has more than four bytes.
    for (let back = 0; back < 3 && (bytes[end] & 0xc0) === 0x80; back += 1) end -= 1;
    const piece = bytes.subarray(at, end);
    const units = String.fromCharCode.apply(null, piece);
    const part = isAscii(piece) ? units : decodeUnits(units);
    if (part === null) return null;
    parts.push(part);
    at = end;
  }
  return parts.join("");
}

/** The text of which `units` are the bytes; `null` if they are not UTF-8. */
function decodeUnits(units) {
  try {
    return decodeURIComponent(escape(units));
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}

function isAscii(bytes) {
  const from = (4 - (bytes.byteOffset % 4)) % 4;
  const words = Math.max(0, (bytes.length - from) >> 2);
  let all = 0;
  for (let at = 0; at < Math.min(from, bytes.length); at += 1) all |= bytes[at];
  for (let at = from + 4 * words; at < bytes.length; at += 1) all |= bytes[at];
  // Four bytes at a time.
  const four = words > 0 ? new Uint32Array(bytes.buffer, bytes.byteOffset + from, words) : [];
  for (let at = 0; at < words; at += 1) all |= four[at];
  return (all & 0x80808080) === 0;
}

/** How many bytes from the start of `bytes` are UTF-8. */
export function validUpTo(bytes) {
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length === 0) break;
    at += length;
  }
  return at;
}

/** How long the character at `at` is; 0 if there is none. Table 3-7 of Unicode: no
 * overlong form, no surrogate, nothing beyond U+10FFFF. */
export function sequenceLength(bytes, at) {
  const lead = bytes[at];
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const second = bytes[at + 1];
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (!(second >= lowest && second <= highest)) return 0;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  for (let more = 2; more < length; more += 1) {
    // Beyond the end this is `undefined`, which is no continuation either.
    if ((bytes[at + more] & 0xc0) !== 0x80) return 0;
  }
  return length;
}
