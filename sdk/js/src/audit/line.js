// A record as one line of text.
//
// A record has exactly one form, and a line that deviates from it in any byte is
// refused; so a change of any byte of the file is found.

import { decode, encode, isUtf16, sequenceLength, withoutMark } from "../text.js";
import { Broken, recordHash } from "./chain.js";

/** The longest payload of a record, in bytes. */
export const MAX_PAYLOAD = 64 * 1024;

/** The longest line: numbers of 20 digits, hashes of 64, the four spaces and the line
 * feed, and a payload of which every byte is written as `\xNN`. */
export const MAX_LINE = 2 * 20 + 2 * 64 + 4 + 1 + 4 * MAX_PAYLOAD;

const LARGEST = 2n ** 64n - 1n;
const BACKSLASH = 0x5c;
const LETTER_X = 0x78;
const DIGITS = encode("0123456789abcdef");
const LINE_FEED = 10;
const RETURN = 13;

/** The line of a link that has its hash, with the line feed. */
export function toLine({ sequence, time, previous, hash, payload }) {
  const start = encode(`${sequence} ${time} ${previous} ${hash} `);
  const escaped = escape(payload);
  const line = new Uint8Array(start.length + escaped.length + 1);
  line.set(start);
  line.set(escaped, start.length);
  line[line.length - 1] = LINE_FEED;
  return line;
}

/** The link of `line`, with its line feed. Throws `Broken`. */
export function fromLine(line) {
  const wrong = (what) => new Broken(`its line ${what}`);
  const edited = whatEditorsMake(line);
  if (edited) throw wrong(edited);
  if (line[line.length - 1] !== LINE_FEED) {
    throw wrong(line.length < MAX_LINE ? "has no end" : "is too long");
  }
  const parsed = parse(line);
  if (!parsed) throw wrong("is not one of an audit log");
  const hash = recordHash(parsed);
  if (hash !== parsed.hash) throw new Broken(`its hash is ${hash}, but the line says ${parsed.hash}`);
  if (!same(toLine(parsed), line)) throw wrong("is not in the form in which this log writes");
  return parsed;
}

/** What an editor has made of the line, and how to undo that. */
function whatEditorsMake(line) {
  if (isUtf16(line)) return "begins with the mark of UTF-16: save the file as UTF-8, without a mark";
  if (withoutMark(line) !== line) return "begins with a byte order mark: save the file without it";
  if (line[line.length - 1] === LINE_FEED && line[line.length - 2] === RETURN) {
    return "ends in a carriage return: save the file with line feeds alone";
  }
  return undefined;
}

function parse(line) {
  const text = decode(line.subarray(0, -1));
  // Numbers may be longer than they need be: that they are not is for the form to say.
  const [start, sequence, time, previous, hash] =
    text?.match(/^(\d{1,40}) (\d{1,40}) ([0-9a-f]{64}) ([0-9a-f]{64}) /) ?? [];
  if (start === undefined) return null;
  const link = { sequence: BigInt(sequence), time: BigInt(time), previous, hash };
  const payload = unescape(line.subarray(start.length, -1));
  if (payload === null || link.sequence > LARGEST || link.time > LARGEST) return null;
  return { ...link, payload };
}

/** Readable text as it is; a backslash as `\\`; bytes that are not UTF-8, control
 * characters and the line ends of Unicode as `\xNN`, byte by byte. */
function escape(payload) {
  const escaped = new Uint8Array(4 * payload.length);
  let end = 0;
  for (let at = 0; at < payload.length; ) {
    const length = sequenceLength(payload, at);
    const stays = length > 0 && isReadable(payload, at, length);
    for (const next = at + Math.max(length, 1); at < next; at += 1) {
      const byte = payload[at];
      if (!stays) {
        escaped[end++] = BACKSLASH;
        escaped[end++] = LETTER_X;
        escaped[end++] = DIGITS[byte >> 4];
        escaped[end++] = DIGITS[byte & 15];
        continue;
      }
      if (byte === BACKSLASH) escaped[end++] = BACKSLASH;
      escaped[end++] = byte;
    }
  }
  return escaped.subarray(0, end);
}

/** Whether the character is no control character (Cc), nor U+2028 or U+2029. */
function isReadable(bytes, at, length) {
  if (length === 1) return bytes[at] >= 0x20 && bytes[at] !== 0x7f;
  if (length === 2) return bytes[at] !== 0xc2 || bytes[at + 1] >= 0xa0;
  const isSeparator = bytes[at] === 0xe2 && bytes[at + 1] === 0x80 && (bytes[at + 2] & 0xfe) === 0xa8;
  return length !== 3 || !isSeparator;
}

function unescape(text) {
  const payload = new Uint8Array(text.length);
  let end = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] !== BACKSLASH) {
      payload[end++] = text[at];
    } else if (text[at + 1] === BACKSLASH) {
      payload[end++] = BACKSLASH;
      at += 1;
    } else {
      const [high, low] = [digitOf(text[at + 2]), digitOf(text[at + 3])];
      if (text[at + 1] !== LETTER_X || high < 0 || low < 0) return null;
      payload[end++] = high * 16 + low;
      at += 3;
    }
  }
  return payload.slice(0, end);
}

/** What a digit stands for, in either case; -1 for what is none. */
function digitOf(code) {
  return code >= 0x41 && code <= 0x46 ? code - 0x37 : DIGITS.indexOf(code);
}

function same(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
