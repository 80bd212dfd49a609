// The records of a log, verified one by one as they are read, in bounded memory.

import { FileEnd } from "../end.js";
import { StorageError, shown } from "../errors.js";
import { Broken, ZERO, follow } from "./chain.js";
import { Gap } from "./gap.js";
import { MAX_LINE, fromLine } from "./line.js";

export const START = { count: 0, hash: ZERO };

/** A chain as far as it was read. */
export class Chain {
  /** The last recorded break that was passed. */
  lastBreak = null;
  /** What stands behind the chain where it breaks; all of it, once there was an error. */
  gap = null;

  /** `end` is how the file ends up to what was read. */
  constructor(head = START, end = new FileEnd()) {
    this.head = head;
    this.end = end;
  }

  /** Whether the chain that has just come to its head may be one that had `kept`. */
  checkKept(path, kept) {
    const found = this.lastBreak;
    if (found && found.record > kept.count) {
      throw brokenChain(path, found.record, `${found.reason}; record ${found.record} says so`);
    }
    const { count, hash } = this.head;
    if (count === kept.count && hash !== kept.hash) {
      throw brokenChain(path, count, `its hash is ${hash}, but the head that was kept says ${kept.hash}`);
    }
  }

  /** Whether the chain has as many records as it had with `kept`. */
  checkEnd(path, kept) {
    if (this.head.count >= kept.count) return;
    const reason = `it is missing, for the head that was kept counts ${kept.count} records`;
    throw brokenChain(path, this.head.count + 1, reason);
  }
}

/** The links of what `reader` gives, which come behind what `chain` has; it goes along. */
export function* links(path, reader, chain) {
  const lines = reader.rawLines(MAX_LINE);
  const next = () => {
    const { value = null } = lines.next();
    if (value) chain.end = chain.end.and(value);
    return value;
  };
  for (let line = next(); line; line = next()) {
    let link;
    try {
      link = fromLine(line);
      chain.head = follow(chain.head, link);
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      link = passGap(path, next, chain, line, error.reason);
    }
    yield link;
  }
}

/** From a line that does not follow to the one that continues the chain. */
function passGap(path, next, chain, first, reason) {
  const gap = new Gap(chain.head, reason);
  for (let line = first; line; ) {
    gap.add(line);
    line = next();
    const link = line && gap.continuedBy(line);
    if (link) {
      chain.head = { count: Number(link.sequence), hash: link.hash };
      chain.lastBreak = gap.recorded();
      return link;
    }
  }
  chain.gap = gap;
  throw brokenChain(path, chain.head.count + 1, reason);
}

function brokenChain(path, record, reason) {
  const message = `${shown(path)} was left as it is, because its chain is broken at record ${record}: ${reason}`;
  return new StorageError("broken-chain", path, message, { record, reason });
}
