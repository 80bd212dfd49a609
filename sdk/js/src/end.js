// `FileEnd`: how a file ends, for an append on that condition.

import { kind, toBytes } from "./check.js";

/** How many of the last bytes are compared where this package chooses. */
const COMPARED_BYTES = 256;

export class FileEnd {
  constructor(size = 0, lastBytes = new Uint8Array(0)) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new TypeError(`the size of a file is a whole number, not ${typeof size === "number" ? size : kind(size)}`);
    }
    if (!(lastBytes instanceof Uint8Array)) {
      throw new TypeError(`the last bytes of a file are a Uint8Array, not ${kind(lastBytes)}`);
    }
    this.size = size;
    this.lastBytes = lastBytes;
  }

  static of(contents) {
    return new FileEnd().and(contents);
  }

  and(contents) {
    const more = toBytes(contents);
    const kept = Math.min(this.lastBytes.length, Math.max(0, COMPARED_BYTES - more.length));
    const added = Math.min(more.length, COMPARED_BYTES);
    const lastBytes = new Uint8Array(kept + added);
    lastBytes.set(this.lastBytes.subarray(this.lastBytes.length - kept));
    lastBytes.set(more.subarray(more.length - added), kept);
    return new FileEnd(this.size + more.length, lastBytes);
  }
}

/** An end for the host, which trusts its types. */
export function checkEnd(end) {
  if (!(end instanceof FileEnd)) throw new TypeError(`pass the FileEnd that the file has, not ${kind(end)}`);
  return end;
}
