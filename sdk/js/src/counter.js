// `Counter`: numbers that are each given once, also to many instances at once.
//
// Must never take a file that it cannot read for a counter at zero, and never give a
// number before the write that uses it up has returned.

import { checkPath, kind, scopeOf } from "./check.js";
import { StorageError, corrupt, shown } from "./errors.js";
import { decode } from "./text.js";
import { readIfThere, update } from "./retry.js";

/** The largest that all languages can write, which is that of 64 bits. */
const LARGEST_IN_FILES = 2n ** 64n - 1n;

export class Counter {
  #path;
  #inAbilityDirectory;

  constructor(path, inAbilityDirectory = true) {
    scopeOf(inAbilityDirectory);
    this.#path = checkPath(path);
    this.#inAbilityDirectory = inAbilityDirectory;
  }

  next() {
    return this.add(1);
  }

  add(count) {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new TypeError(`a count is a whole number from 0, not ${typeof count === "number" ? count : kind(count)}`);
    }
    return update(this.#path, this.#inAbilityDirectory, (old) => {
      const value = this.#parse(old);
      const sum = value + BigInt(count);
      if (sum > Number.MAX_SAFE_INTEGER) throw this.#exhausted(value);
      return { contents: String(sum), sum: Number(sum) };
    }).sum;
  }

  value() {
    const value = this.#parse(readIfThere(this.#path, this.#inAbilityDirectory));
    if (value > Number.MAX_SAFE_INTEGER) throw this.#exhausted(value);
    return Number(value);
  }

  #parse(found) {
    if (found === null) return 0n;
    // Editors put a line feed at the end of what people repair by hand.
    const digits = decode(found.contents)?.replace(/\n$/, "") ?? "";
    const value = /^[0-9]+$/.test(digits) ? BigInt(digits) : -1n;
    if (value >= 0n && value <= LARGEST_IN_FILES) return value;
    throw corrupt(
      this.#path,
      "it should hold the last number that was used up, in decimal digits",
    );
  }

  #exhausted(value) {
    return new StorageError(
      "counter-exhausted",
      this.#path,
      `${shown(this.#path)} was not changed: it stands at ${value}, and cannot count that much further`,
      { value },
    );
  }
}
