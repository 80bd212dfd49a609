// What a command is given besides storage, in the same words for all engines.

import { host } from "./host/current.js";
import { decode, encode } from "./text.js";

export function args() {
  // The first is the name of the program, by which nobody can be addressed.
  return host().arguments().slice(1);
}

export function env(name) {
  const found = host()
    .environment()
    .find(([variable]) => variable === name);
  return found?.[1];
}

export function print(text = "") {
  host().writeOutput(encode(`${text}\n`.toWellFormed()));
}

export function printError(text = "") {
  host().writeErrors(encode(`${text}\n`.toWellFormed()));
}

export function sleep(milliseconds) {
  if (!(milliseconds >= 0)) throw new TypeError("a time to sleep is a number of milliseconds");
  host().sleep(milliseconds);
}

/** What was read of a host's standard input and not yet given, and whether its end was
 * seen. */
let input = { of: null, chunks: [], ended: false };

const LINE_FEED = 10;

export function readLine() {
  if (input.of !== host()) input = { of: host(), chunks: [], ended: false };
  const line = [];
  for (;;) {
    const chunk = input.chunks.shift() ?? nextChunk();
    if (chunk === null) return line.length === 0 ? null : toLine(line);
    const end = chunk.indexOf(LINE_FEED);
    if (end < 0) {
      line.push(chunk);
      continue;
    }
    line.push(chunk.subarray(0, end));
    if (end + 1 < chunk.length) input.chunks.unshift(chunk.subarray(end + 1));
    return toLine(line);
  }
}

function nextChunk() {
  if (input.ended) return null;
  let chunk;
  do chunk = host().readInput(65536);
  while (chunk?.length === 0);
  input.ended = chunk === null;
  return chunk;
}

function toLine(parts) {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  const text = decode(bytes);
  if (text === null) throw new Error("a line of standard input is not UTF-8");
  return text.endsWith("\r") ? text.slice(0, -1) : text;
}
