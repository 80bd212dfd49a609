// The host of a component: the imports of `ability:storage` and of WASI.
//
// Converts values, and nothing else: 64-bit numbers are BigInt in one engine and Number
// in another, and the arrays of StarlingMonkey's bindings are of classes of their own,
// which `instanceof` does not know. What is handed on here must have been checked
// before, because QuickJS ends with the ability where a value is not of its type.

import * as batch from "ability:storage/batch@0.1.1";
import * as storage from "ability:storage/storage@0.1.1";
import * as streaming from "ability:storage/streaming@0.1.1";
import { getArguments, getEnvironment } from "wasi:cli/environment@0.2.0";
import { getStderr } from "wasi:cli/stderr@0.2.0";
import { getStdin } from "wasi:cli/stdin@0.2.0";
import { getStdout } from "wasi:cli/stdout@0.2.0";
import { now, subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.0";
import { getRandomBytes } from "wasi:random/random@0.2.0";

/** What WASI lets a stream take at once. */
const MOST_AT_ONCE = 4096;

/** A 64-bit number as this engine wants it: the way in which it gives one. */
function u64(number, like) {
  return typeof like === "bigint" ? BigInt(number) : number;
}

/** The same bytes, as an array of the ability's own class. */
function own(bytes) {
  if (bytes instanceof Uint8Array) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

let stdin;
let stdout;
let stderr;

/** The host while `main()` runs. */
export const running = {
  ...storage,

  read: (path, scope) => own(storage.read(path, scope)),

  readVersioned(path, scope) {
    const { contents, version } = storage.readVersioned(path, scope);
    return { contents: own(contents), version };
  },

  list: (prefix, scope) => Array.from(storage.list(prefix, scope)),

  stat(path, scope) {
    const { size, modified } = storage.stat(path, scope);
    return {
      size: Number(size),
      seconds: Number(modified.seconds),
      nanoseconds: modified.nanoseconds,
    };
  },

  appendIf: (path, contents, scope, { size, lastBytes }) =>
    storage.appendIf(path, contents, scope, { size: u64(size, now()), lastBytes }),

  commit: batch.commit,

  openWriter(path, scope, precondition) {
    return streaming.Writer.open(path, scope, precondition);
  },

  openReader(path, scope) {
    const reader = streaming.Reader.open(path, scope);
    const size = reader.size();
    return {
      size: Number(size),
      read: (maxBytes) => own(reader.read(u64(maxBytes, size))),
      skip: (bytes) => reader.skip(u64(bytes, size)),
      [Symbol.dispose]: () => reader[Symbol.dispose](),
    };
  },

  arguments: () => Array.from(getArguments()),
  environment: getEnvironment,

  /** The next bytes of standard input, waiting for them; `null` at its end. */
  readInput(maxBytes) {
    stdin ??= getStdin();
    try {
      return own(stdin.blockingRead(u64(maxBytes, now())));
    } catch (error) {
      if (error?.payload?.tag === "closed") return null;
      throw new Error("standard input cannot be read");
    }
  },

  writeOutput(bytes) {
    stdout ??= getStdout();
    write(stdout, bytes);
  },

  writeErrors(bytes) {
    stderr ??= getStderr();
    write(stderr, bytes);
  },

  /** Milliseconds of a clock that is never set back. */
  now: () => Number(now()) / 1e6,

  sleep(milliseconds) {
    const nanoseconds = Math.max(0, Math.round(milliseconds * 1e6));
    const wait = subscribeDuration(u64(nanoseconds, now()));
    wait.block();
    wait[Symbol.dispose]();
  },

  randomBytes: (count) => own(getRandomBytes(u64(count, now()))),
};

function write(stream, bytes) {
  try {
    for (let at = 0; at < bytes.length; at += MOST_AT_ONCE) {
      stream.blockingWriteAndFlush(bytes.subarray(at, at + MOST_AT_ONCE));
    }
  } catch (error) {
    // Nobody reads any more. A program that prints is not at fault.
    if (error?.payload?.tag !== "closed") throw new Error("the output cannot be written");
  }
}

function refuse() {
  throw new Error(
    "the top level of a module is run once, at build time, where there is no storage, no input and no output: do this in main()",
  );
}

/** The host at build time. */
export const host = new Proxy({}, { get: () => refuse });
