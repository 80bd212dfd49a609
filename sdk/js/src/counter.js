// `Counter`: numbers that are each given once, also to many instances at once.
//
// Must never take a file that it cannot read for a counter at zero, and never give a
// number before the write that uses it up has returned.

import { checkBatch } from "./batch.js";
import { checkPath, kind, scopeOf } from "./check.js";
import { StorageError, corrupt, shown, unsupported } from "./errors.js";
import { IS_UTF_16, decode, isUtf16, withoutMark } from "./text.js";
import { readIfThere, update } from "./retry.js";

/** The largest that all languages can write, which is that of 64 bits. */
const LARGEST_IN_FILES = 2n ** 64n - 1n;

/** Enough for some zeros in front. */
const MAX_DIGITS = 64;

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
    checkCount(this.#path, count);
    return update(this.#path, this.#inAbilityDirectory, (old) => {
      const sum = this.#sum(old, count);
      return { contents: String(sum), sum };
    }).sum;
  }

  nextIn(batch) {
    return this.addIn(batch, 1);
  }

  addIn(batch, count) {
    checkCount(this.#path, count);
    checkBatch(batch, this.#inAbilityDirectory);
    const contents = batch.read(this.#path);
    const sum = this.#sum(contents === null ? null : { contents }, count);
    batch.write(this.#path, String(sum));
    return sum;
  }

  value() {
    const value = this.#parse(readIfThere(this.#path, this.#inAbilityDirectory));
    if (value > Number.MAX_SAFE_INTEGER) throw this.#exhausted(value);
    return Number(value);
  }

  #sum(found, count) {
    const value = this.#parse(found);
    const sum = value + BigInt(count);
    if (sum > Number.MAX_SAFE_INTEGER) throw this.#exhausted(value);
    return Number(sum);
  }

  #parse(found) {
    if (found === null) return 0n;
    if (isUtf16(found.contents)) throw unsupported(this.#path, IS_UTF_16);
    // Editors put a line end behind what people repair by hand. It has two bytes at most.
    const bytes = withoutMark(found.contents);
    const text = bytes.length <= MAX_DIGITS + 2 ? (decode(bytes) ?? "") : "";
    const [digits] = text.match(/^[0-9]+(?=(\r?\n)?$)/) ?? [];
    if (digits?.length <= MAX_DIGITS && BigInt(digits) <= LARGEST_IN_FILES) return BigInt(digits);
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

function checkCount(path, count) {
  if (Number.isSafeInteger(count) && count >= 0) return;
  const wanted =
    Number.isInteger(count) && count > 0 ? `a count is at most ${Number.MAX_SAFE_INTEGER}` : "a count is a whole number from 0 on";
  const found = typeof count === "number" ? count : kind(count);
  throw new TypeError(`${shown(path)} was not changed: ${wanted}, not ${found}`);
}
