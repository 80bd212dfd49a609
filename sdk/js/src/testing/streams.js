// Writers and readers of the storage in memory. As those of the host: one with which
// anything went wrong does not go on.

import { HostError, checkRules } from "./volume.js";

/** The most that one read answers. */
const MOST_AT_ONCE = 2 ** 20;

const COMMITTED = "the writer was committed already; it can only be dropped";
const BROKEN =
  "an earlier call with this handle failed or was cut off; it can only be dropped";

export function openWriter(streams, volume, path, scope, precondition) {
  return streams.prepare(() => {
    checkRoom(streams);
    checkRules(path);
    if (streams.isReadOnly()) throw new HostError("read-only");
    volume.checkPath(path);
    const stream = new Stream(streams);
    let written = new Uint8Array(0);
    return {
      write(contents) {
        stream.take(BROKEN);
        streams.prepare(() => {
          if (streams.isFull()) throw new HostError("no-space");
          volume.checkLength(contents.length);
          volume.checkFile(written.length + contents.length);
        });
        const longer = new Uint8Array(written.length + contents.length);
        longer.set(written);
        longer.set(contents, written.length);
        written = longer;
        stream.putBack();
      },
      commit() {
        stream.take(COMMITTED);
        const change = { tag: "write", val: { path, contents: written } };
        return streams.commit({ change, precondition }, scope);
      },
      [Symbol.dispose ?? Symbol.for("Symbol.dispose")]: () => stream.drop(),
    };
  });
}

export function openReader(streams, volume, path) {
  return streams.read(() => {
    checkRoom(streams);
    const { contents } = volume.find(path);
    const stream = new Stream(streams);
    let at = 0;
    return {
      size: contents.length,
      read(maxBytes) {
        stream.take(BROKEN);
        const count = Math.min(maxBytes, streams.limits.maxValueBytes, MOST_AT_ONCE);
        const piece = streams.read(() => contents.slice(at, at + count));
        at += piece.length;
        stream.putBack();
        return piece;
      },
      skip(bytes) {
        stream.take(BROKEN);
        at = streams.read(() => Math.min(contents.length, at + bytes));
        stream.putBack();
      },
      [Symbol.dispose ?? Symbol.for("Symbol.dispose")]: () => stream.drop(),
    };
  });
}

function checkRoom({ open, limits }) {
  if (open < limits.maxStreams) return;
  const text = `${limits.maxStreams} writers and readers are open, and no more are allowed`;
  throw new HostError("quota-exceeded", text);
}

/** What writers and readers have in common: they count, and end once. */
class Stream {
  #streams;
  #instead = null;
  #dropped = false;

  constructor(streams) {
    this.#streams = streams;
    streams.open += 1;
  }

  /** Refuses what follows, unless it is put back. */
  take(instead) {
    if (this.#instead !== null) throw new HostError("other", this.#instead);
    this.#instead = instead;
  }

  putBack() {
    this.#instead = null;
  }

  drop() {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#streams.open -= 1;
  }
}
