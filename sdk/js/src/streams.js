// Files of any size, written and read piece by piece in bounded memory.
//
// A writer must never commit a file of which a part could not be written; a reader
// must never take an error for the end of the file.

import { checkPath, kind, preconditionOf, scopeOf, toBytes } from "./check.js";
import { StorageError, fromHost, shown } from "./errors.js";
import { toText } from "./files.js";
import { host } from "./host/current.js";

/** How many bytes go to the host, and are asked of it, at once. */
const CHUNK = 256 * 1024;

export function openWriter(path, inAbilityDirectory = true) {
  return open(path, inAbilityDirectory, (scope) =>
    new Writer(path, host().openWriter(path, scope, { tag: "any" })),
  );
}

export function openWriterIf(path, options, inAbilityDirectory = true) {
  const precondition = preconditionOf(options);
  return open(path, inAbilityDirectory, (scope) =>
    new Writer(path, host().openWriter(path, scope, precondition)),
  );
}

export function openReader(path, inAbilityDirectory = true) {
  return open(path, inAbilityDirectory, (scope) => new Reader(path, host().openReader(path, scope)));
}

function open(path, inAbilityDirectory, make) {
  checkPath(path);
  const scope = scopeOf(inAbilityDirectory);
  try {
    return make(scope);
  } catch (error) {
    throw fromHost(error, path);
  }
}

export class Writer {
  #path;
  #writer;
  #gathered = new Uint8Array(0);
  #length = 0;
  #failure = null;

  constructor(path, writer) {
    this.#path = path;
    this.#writer = writer;
  }

  write(contents) {
    this.#check();
    let bytes = toBytes(contents, this.#path);
    while (bytes.length > 0) {
      if (this.#length === 0 && bytes.length >= CHUNK) {
        this.#put(bytes.subarray(0, CHUNK));
        bytes = bytes.subarray(CHUNK);
        continue;
      }
      const taken = Math.min(bytes.length, CHUNK - this.#length);
      this.#room(this.#length + taken);
      this.#gathered.set(bytes.subarray(0, taken), this.#length);
      this.#length += taken;
      bytes = bytes.subarray(taken);
      if (this.#length === CHUNK) this.flush();
    }
  }

  flush() {
    this.#check();
    if (this.#length === 0) return;
    this.#put(this.#gathered.subarray(0, this.#length));
    this.#length = 0;
  }

  commit() {
    try {
      this.flush();
      return this.#writer.commit();
    } catch (error) {
      throw fromHost(error, this.#path);
    } finally {
      this.abort();
    }
  }

  abort() {
    this.#writer?.[Symbol.dispose]();
    this.#writer = null;
    this.#gathered = new Uint8Array(0);
    this.#length = 0;
  }

  [Symbol.dispose ?? Symbol.for("Symbol.dispose")]() {
    this.abort();
  }

  #check() {
    if (this.#failure) throw this.#failure;
    if (!this.#writer) {
      throw new StorageError("other", this.#path, `the writer of ${shown(this.#path)} is closed, and takes no more`);
    }
  }

  #put(chunk) {
    try {
      this.#writer.write(chunk);
    } catch (error) {
      this.#failure = fromHost(error, this.#path);
      throw this.#failure;
    }
  }

  /** Grows as needed, so that a short file costs little. */
  #room(length) {
    if (length <= this.#gathered.length) return;
    const larger = new Uint8Array(Math.min(CHUNK, Math.max(length, this.#gathered.length * 2)));
    larger.set(this.#gathered.subarray(0, this.#length));
    this.#gathered = larger;
  }
}

export class Reader {
  #path;
  #reader;
  #size;

  constructor(path, reader) {
    this.#path = path;
    this.#reader = reader;
    this.#size = reader.size;
  }

  get size() {
    return this.#size;
  }

  read(maxBytes = CHUNK) {
    if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
      throw new TypeError(`a reader reads a whole number of bytes from 1, not ${typeof maxBytes === "number" ? maxBytes : kind(maxBytes)}`);
    }
    if (!this.#reader) {
      throw new StorageError("other", this.#path, `the reader of ${shown(this.#path)} is closed`);
    }
    try {
      return this.#reader.read(maxBytes);
    } catch (error) {
      throw fromHost(error, this.#path);
    }
  }

  skip(bytes) {
    if (!Number.isSafeInteger(bytes) || bytes < 0) {
      throw new TypeError(`a reader skips a whole number of bytes, not ${typeof bytes === "number" ? bytes : kind(bytes)}`);
    }
    if (!this.#reader) {
      throw new StorageError("other", this.#path, `the reader of ${shown(this.#path)} is closed`);
    }
    try {
      this.#reader.skip(bytes);
    } catch (error) {
      throw fromHost(error, this.#path);
    }
  }

  close() {
    this.#reader?.[Symbol.dispose]();
    this.#reader = null;
  }

  [Symbol.dispose ?? Symbol.for("Symbol.dispose")]() {
    this.close();
  }

  *[Symbol.iterator]() {
    for (;;) {
      const chunk = this.read();
      if (chunk.length === 0) return;
      yield chunk;
    }
  }

  /** Each line as bytes, with its line feed; the last may have none. A line that is
   * longer than `most` bytes is given in pieces. */
  rawLines(most) {
    return rawLines(this, most);
  }

  *lines() {
    for (const line of this.rawLines()) {
      const end = line[line.length - 1] === 10 ? line.length - 1 : line.length;
      yield toText(this.#path, line.subarray(0, end));
    }
  }
}

/** Lines with their line feeds; longer ones in pieces of `most` bytes. */
export function* rawLines(chunks, most = Infinity) {
  let begun = [];
  let length = 0;
  for (const chunk of chunks) {
    let at = 0;
    while (at < chunk.length) {
      const feed = chunk.indexOf(10, at);
      const end = Math.min(feed < 0 ? chunk.length : feed + 1, at + most - length);
      begun.push(chunk.subarray(at, end));
      length += end - at;
      at = end;
      if (chunk[end - 1] === 10 || length === most) {
        yield joined(begun, length);
        begun = [];
        length = 0;
      }
    }
  }
  if (length > 0) yield joined(begun, length);
}

function joined(parts, length) {
  if (parts.length === 1) return parts[0];
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
