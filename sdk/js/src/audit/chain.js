// The hash chain: records that each name the hash of the one before, so that none can
// be changed, dropped or moved without breaking the next.
//
// Pure: nothing here may touch a file or a clock.

import { sha256 } from "../../vendor/sha256.js";

/** What comes before the first record. */
export const ZERO = "0".repeat(64);

/** Where a chain is broken first; becomes a `StorageError` that names the file. */
export class Broken {
  constructor(reason) {
    this.reason = reason;
  }
}

export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The hash of a record: SHA-256 over exactly 80 bytes, which are sequence (8), previous
 * (32), SHA-256 of the payload (32) and time (8), numbers with the most significant byte
 * first. `sequence` and `time` are BigInt. */
export function recordHash({ sequence, previous, payload, time }) {
  const bytes = new Uint8Array(80);
  const numbers = new DataView(bytes.buffer);
  numbers.setBigUint64(0, sequence);
  for (let at = 0; at < 32; at += 1) bytes[8 + at] = parseInt(previous.slice(2 * at, 2 * at + 2), 16);
  bytes.set(sha256(payload), 40);
  numbers.setBigUint64(72, time);
  return hex(sha256(bytes));
}

/** The head after `link`, if that follows `head`. */
export function follow(head, link) {
  const sequence = head.count + 1;
  if (link.sequence !== BigInt(sequence)) throw new Broken(`its sequence is ${link.sequence}`);
  if (link.previous !== head.hash) {
    throw new Broken(`it follows ${link.previous}, but the hash of the record before is ${head.hash}`);
  }
  return { count: sequence, hash: link.hash };
}
