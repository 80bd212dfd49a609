// `AuditLog`: a log in which no record can be changed unseen.
//
// Must never add to a chain that it has not verified, and never write anything but
// whole records at the end.

import { THEN, checkBatch } from "../batch.js";
import { checkOptions, checkPath, kind, scopeOf, toBytes } from "../check.js";
import { FileEnd } from "../end.js";
import { StorageError, shown } from "../errors.js";
import { appendFileIf, toText } from "../files.js";
import { Faster, again, hasCode } from "../retry.js";
import { openReader, rawLines } from "../streams.js";
import { recordHash } from "./chain.js";
import { MAX_PAYLOAD, toLine } from "./line.js";
import { Chain, START, links } from "./read.js";

/** Says to the constructor that it is `continueBroken`; no author has it. */
const TO_CONTINUE = Symbol("to continue");

export class AuditLog {
  static MAX_PAYLOAD = MAX_PAYLOAD;

  #path;
  #inAbilityDirectory;
  #head = START;
  #end = new FileEnd();

  constructor(path, inAbilityDirectory = true, purpose = undefined) {
    scopeOf(inAbilityDirectory);
    this.#path = checkPath(path);
    this.#inAbilityDirectory = inAbilityDirectory;
    const chain = purpose === TO_CONTINUE ? this.#upToBreak() : this.#whole();
    [this.#head, this.#end] = [chain.head, chain.end];
    if (chain.gap) {
      const { bytes, head } = chain.gap.continued(unixTime());
      this.#append(bytes, head);
    }
  }

  /** All of the log, which must hold. */
  #whole() {
    const chain = new Chain();
    unlessAbsent(() => this.#read(chain));
    return chain;
  }

  /** All of the log, up to what does not follow the chain, if there is any. */
  #upToBreak() {
    const chain = new Chain();
    try {
      unlessAbsent(() => this.#read(chain));
    } catch (error) {
      if (!hasCode(error, "broken-chain")) throw error;
    }
    return chain;
  }

  append(payload) {
    // A copy: what is hashed must be what is written.
    const bytes = Uint8Array.from(toBytes(payload, this.#path));
    if (bytes.length > MAX_PAYLOAD) throw tooLong(this.#path);
    let isFirst = true;
    return again(() => {
      if (!isFirst) this.#follow();
      isFirst = false;
      const { line, head } = recordBehind(this.#head, bytes);
      this.#append(line, head);
      return this.head;
    });
  }

  appendIn(batch, payload) {
    const bytes = Uint8Array.from(toBytes(payload, this.#path));
    if (bytes.length > MAX_PAYLOAD) throw tooLong(this.#path);
    checkBatch(batch, this.#inAbilityDirectory);
    const contents = batch.read(this.#path) ?? new Uint8Array(0);
    const { size, lastBytes } = this.#end;
    if (!isSame(contents.subarray(Math.max(0, size - lastBytes.length), size), lastBytes)) throw logChanged(this.#path);
    const chain = new Chain(this.#head, this.#end);
    for (const _ of links(this.#path, { rawLines: (most) => rawLines([contents.subarray(size)], most) }, chain));
    const { line, head } = recordBehind(chain.head, bytes);
    batch.append(this.#path, line);
    const end = chain.end.and(line);
    batch[THEN](() => {
      [this.#head, this.#end] = [head, end];
    });
    return { ...head };
  }

  get head() {
    return { ...this.#head };
  }

  get count() {
    return this.#head.count;
  }

  static verify(path, inAbilityDirectory = true, kept = {}) {
    checkOptions(kept, ["head"], "verify");
    const { head = START } = kept;
    if (!Number.isSafeInteger(head?.count) || typeof head.hash !== "string") {
      throw new TypeError(`pass { head } with the head that was kept, not ${kind(head)}`);
    }
    const chain = new Chain();
    reading(path, inAbilityDirectory, (reader) => {
      for (const _ of links(path, reader, chain)) chain.checkKept(path, head);
    });
    chain.checkEnd(path, head);
    return { ...chain.head };
  }

  static inspect(path, inAbilityDirectory = true) {
    const chain = new Chain();
    const breaks = [];
    let broken = null;
    try {
      reading(path, inAbilityDirectory, (reader) => {
        for (const _ of links(path, reader, chain)) {
          if (chain.lastBreak !== (breaks.at(-1) ?? null)) breaks.push(chain.lastBreak);
        }
      });
    } catch (error) {
      if (!hasCode(error, "broken-chain")) throw error;
      broken = { record: error.record, reason: error.reason };
    }
    return { head: { ...chain.head }, breaks, broken, brokenSize: chain.gap?.size ?? 0 };
  }

  static continueBroken(path, inAbilityDirectory = true) {
    return again(() => new AuditLog(path, inAbilityDirectory, TO_CONTINUE));
  }

  static records(path, inAbilityDirectory = true) {
    return records(path, inAbilityDirectory);
  }

  /** Appends what leads to `head`, unless another writer was faster. */
  #append(line, head) {
    const end = this.#end.and(line);
    try {
      appendFileIf(this.#path, line, this.#end, this.#inAbilityDirectory);
    } catch (error) {
      if (hasCode(error, "other-end")) throw new Faster(error);
      // It comes next, or is nowhere: that was the condition.
      if (hasCode(error, "unconfirmed") && this.#isNext(line)) {
        [this.#head, this.#end] = [head, end];
      }
      throw error;
    }
    [this.#head, this.#end] = [head, end];
  }

  #read(chain) {
    reading(this.#path, this.#inAbilityDirectory, (reader) => {
      for (const _ of links(this.#path, reader, chain));
    });
  }

  /** Reads and verifies what other writers have appended. */
  #follow() {
    const chain = new Chain(this.#head, this.#end);
    const isThere = unlessAbsent(() =>
      reading(this.#path, this.#inAbilityDirectory, (reader) => {
        if (!this.#skipKnown(reader)) throw logChanged(this.#path);
        for (const _ of links(this.#path, reader, chain));
        return true;
      }),
    );
    if (!isThere && this.#end.size > 0) throw logChanged(this.#path);
    [this.#head, this.#end] = [chain.head, chain.end];
  }

  /** Whether the file is known to go on with this line. */
  #isNext(line) {
    try {
      return reading(this.#path, this.#inAbilityDirectory, (reader) =>
        this.#skipKnown(reader) && isSame(readFully(reader, line.length), line),
      );
    } catch (error) {
      if (error instanceof StorageError) return false;
      throw error;
    }
  }

  /** To what stands behind the records that are known; `false` if those are not there
   * any more. */
  #skipKnown(reader) {
    const { size, lastBytes } = this.#end;
    if (reader.size < size) return false;
    reader.skip(size - lastBytes.length);
    return isSame(readFully(reader, lastBytes.length), lastBytes);
  }
}

/** The line of a record that follows `head`, and the head after it. */
function recordBehind({ count, hash }, payload) {
  const link = { sequence: BigInt(count + 1), time: unixTime(), previous: hash, payload };
  link.hash = recordHash(link);
  return { line: toLine(link), head: { count: count + 1, hash: link.hash } };
}

/** One record, as far as an author is concerned. */
class AuditRecord {
  #path;

  constructor(path, link) {
    this.#path = path;
    this.sequence = Number(link.sequence);
    this.time = Number(link.time);
    this.previous = link.previous;
    this.hash = link.hash;
    this.payload = link.payload;
  }

  get text() {
    return toText(this.#path, this.payload);
  }
}

/** The records, each verified before it is given. */
function* records(path, inAbilityDirectory) {
  const reader = openReader(path, inAbilityDirectory);
  try {
    for (const link of links(path, reader, new Chain())) yield new AuditRecord(path, link);
  } finally {
    reader.close();
  }
}

function reading(path, inAbilityDirectory, read) {
  const reader = openReader(path, inAbilityDirectory);
  try {
    return read(reader);
  } finally {
    reader.close();
  }
}

/** What `read` returns; `undefined` if there is no file. */
function unlessAbsent(read) {
  try {
    return read();
  } catch (error) {
    if (hasCode(error, "not-found")) return undefined;
    throw error;
  }
}

/** The next `length` bytes, or all that are left. */
function readFully(reader, length) {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const piece = reader.read(length - at);
    if (piece.length === 0) break;
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes.subarray(0, at);
}

function isSame(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/** In whole seconds. A clock before 1970 is no reason to lose a record. */
function unixTime() {
  return BigInt(Math.max(0, Math.floor(Date.now() / 1000)));
}

function logChanged(path) {
  const message = `${shown(path)} was not changed: it does not have the records any more that were in it`;
  return new StorageError("log-changed", path, message);
}

function tooLong(path) {
  const message = `${shown(path)} was not changed: one record of it holds at most ${MAX_PAYLOAD} bytes`;
  return new StorageError("record-too-long", path, message, { limit: MAX_PAYLOAD });
}
