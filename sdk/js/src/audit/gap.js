// Bytes in a log that do not follow the chain, and the record that continues it.
//
// Pure: nothing here may touch a file or a clock.

import { sha256 } from "../../vendor/sha256.js";
import { encode } from "../text.js";
import { Broken, hex, recordHash } from "./chain.js";
import { fromLine, toLine } from "./line.js";

/** Ends a line that has no end, without making a record of it: none has a tab. */
const END_OF_TORN_LINE = encode("\t\n");

const LINE_FEED = 10;

/** The bytes behind the last record that follows the chain. */
export class Gap {
  size = 0;
  #sequence;
  #hash = sha256.create();
  #endsInLineFeed = true;

  constructor(head, reason) {
    this.reason = reason;
    this.#sequence = BigInt(head.count + 1);
    const start = new Uint8Array(40);
    new DataView(start.buffer).setBigUint64(0, BigInt(head.count));
    for (let at = 0; at < 32; at += 1) start[8 + at] = parseInt(head.hash.slice(2 * at, 2 * at + 2), 16);
    this.#hash.update(encode("ability-storage audit break\n")).update(start);
  }

  add(bytes) {
    this.#hash.update(bytes);
    this.size += bytes.length;
    this.#endsInLineFeed = bytes[bytes.length - 1] === LINE_FEED;
  }

  /** What to append to continue the chain behind these bytes, and the head after it. */
  continued(time) {
    const end = this.#endsInLineFeed ? new Uint8Array(0) : END_OF_TORN_LINE;
    // It belongs to the bytes that do not follow.
    if (end.length > 0) this.add(end);
    const payload = encode(
      `the chain is broken at record ${this.#sequence}: ${this.reason}; ` +
        `${this.size} bytes that do not follow it were left in their place`,
    );
    const link = { sequence: this.#sequence, time, previous: this.#previous(), payload };
    link.hash = recordHash(link);
    const line = toLine(link);
    const bytes = new Uint8Array(end.length + line.length);
    bytes.set(end);
    bytes.set(line, end.length);
    return { bytes, head: { count: Number(link.sequence), hash: link.hash } };
  }

  /** The link of this line, if it continues the chain behind these bytes; else `null`. */
  continuedBy(line) {
    let link;
    try {
      link = fromLine(line);
    } catch (error) {
      if (error instanceof Broken) return null;
      throw error;
    }
    return link.sequence === this.#sequence && link.previous === this.#previous() ? link : null;
  }

  /** This gap, as the record that continues the chain shows it. */
  recorded() {
    return { record: Number(this.#sequence), reason: this.reason, size: this.size };
  }

  /** Names head and bytes, where other records have the hash of the one before. */
  #previous() {
    return hex(this.#hash.clone().digest());
  }
}
