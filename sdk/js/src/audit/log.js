// `AuditLog`: a log in which no record can be changed unseen.
//
// Must never add to a chain that it has not verified, and never write anything but
// whole records at the end.

import { checkPath, scopeOf, toBytes } from "../check.js";
import { StorageError, shown } from "../errors.js";
import { appendFile, statFile, toText } from "../files.js";
import { hasCode } from "../retry.js";
import { openReader } from "../streams.js";
import { Broken, ZERO, follow, recordHash } from "./chain.js";
import { MAX_LINE, MAX_PAYLOAD, fromLine, toLine } from "./line.js";

const START = { count: 0, hash: ZERO };

export class AuditLog {
  static MAX_PAYLOAD = MAX_PAYLOAD;

  #path;
  #inAbilityDirectory;
  #head = START;
  #size = 0;

  constructor(path, inAbilityDirectory = true) {
    scopeOf(inAbilityDirectory);
    this.#path = checkPath(path);
    this.#inAbilityDirectory = inAbilityDirectory;
    try {
      ({ head: this.#head, size: this.#size } = readToTheEnd(path, inAbilityDirectory));
    } catch (error) {
      if (!hasCode(error, "not-found")) throw error;
    }
  }

  append(payload) {
    // A copy: what is hashed must be what is written.
    const bytes = Uint8Array.from(toBytes(payload));
    if (bytes.length > MAX_PAYLOAD) throw tooLong(this.#path);
    if (this.#sizeNow() !== this.#size) throw logChanged(this.#path);
    const link = {
      sequence: BigInt(this.#head.count + 1),
      // A clock before 1970 is no reason to lose a record.
      time: BigInt(Math.max(0, Math.floor(Date.now() / 1000))),
      previous: this.#head.hash,
      payload: bytes,
    };
    link.hash = recordHash(link);
    const line = toLine(link);
    const added = () => {
      this.#head = { count: this.#head.count + 1, hash: link.hash };
      this.#size += line.length;
    };
    try {
      appendFile(this.#path, line, this.#inAbilityDirectory);
    } catch (error) {
      // What is not confirmed is in the file mostly: the next record follows it.
      if (error instanceof StorageError && error.isApplied && this.#isSize(this.#size + line.length)) added();
      throw error;
    }
    added();
    return this.head;
  }

  get head() {
    return { ...this.#head };
  }

  get count() {
    return this.#head.count;
  }

  static verify(path, inAbilityDirectory = true) {
    return { ...readToTheEnd(path, inAbilityDirectory).head };
  }

  static records(path, inAbilityDirectory = true) {
    return records(path, inAbilityDirectory);
  }

  /** Whether the file is known to have that size. */
  #isSize(size) {
    try {
      return this.#sizeNow() === size;
    } catch (error) {
      if (error instanceof StorageError) return false;
      throw error;
    }
  }

  #sizeNow() {
    try {
      return statFile(this.#path, this.#inAbilityDirectory).size;
    } catch (error) {
      if (hasCode(error, "not-found")) return 0;
      throw error;
    }
  }
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

/** The records, each verified before it is given; in the end, the head and the length
 * of all lines. */
function* records(path, inAbilityDirectory) {
  const reader = openReader(path, inAbilityDirectory);
  let head = START;
  let size = 0;
  try {
    for (const line of reader.rawLines(MAX_LINE)) {
      let link;
      try {
        link = fromLine(line);
        head = follow(head, link);
      } catch (error) {
        if (error instanceof Broken) throw brokenChain(path, head.count + 1, error.reason);
        throw error;
      }
      size += line.length;
      yield new AuditRecord(path, link);
    }
  } finally {
    reader.close();
  }
  return { head, size };
}

function readToTheEnd(path, inAbilityDirectory) {
  const all = records(path, inAbilityDirectory);
  let next;
  do next = all.next();
  while (!next.done);
  return next.value;
}

function brokenChain(path, record, reason) {
  const message = `${shown(path)} was left as it is, because its chain is broken at record ${record}: ${reason}`;
  return new StorageError("broken-chain", path, message, { record, reason });
}

function logChanged(path) {
  const message = `${shown(path)} was not changed: someone else has changed it since it was opened`;
  return new StorageError("log-changed", path, message);
}

function tooLong(path) {
  const message = `${shown(path)} was not changed: one record of it holds at most ${MAX_PAYLOAD} bytes`;
  return new StorageError("record-too-long", path, message, { limit: MAX_PAYLOAD });
}
