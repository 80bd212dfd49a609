// Values as the JSON of files: indented, for people to read, in the form that the other
// SDKs write.
//
// What would not come back equal must be refused, and named by its place, such as
// `.cities[2].name`; nothing is changed or left out on the way.

import { kind } from "../check.js";
import { notSerializable } from "../errors.js";
import { isWellFormed } from "../text.js";
import { MAX_DEPTH, has64Bits } from "./limits.js";

/** What is to be written for `value` in the file at `path`. */
export function stringify(path, value) {
  const writer = new JsonWriter();
  try {
    writer.write(value);
  } catch (error) {
    if (error instanceof Refused) throw notSerializable(path, error.reason);
    throw error;
  }
  return writer.text;
}

class Refused {
  constructor(reason) {
    this.reason = reason;
  }
}

class JsonWriter {
  /** Joined in the end: not every engine adds to a long string at a low cost. */
  #pieces = [];
  /** The names and indexes that lead to the value which is written now. */
  #place = [];

  get text() {
    return this.#pieces.join("");
  }

  write(value) {
    switch (typeof value) {
      case "string":
        if (!isWellFormed(value)) this.#refuse("is text with half of a surrogate pair");
        this.#pieces.push(JSON.stringify(value));
        break;
      case "number":
        if (!Number.isFinite(value)) this.#refuse(`is ${value}`);
        this.#pieces.push(numberText(value));
        break;
      case "boolean":
        this.#pieces.push(value);
        break;
      case "bigint":
        this.#writeBigInt(value);
        break;
      case "object":
        this.#writeObject(value);
        break;
      default:
        this.#refuse(value === undefined ? "is undefined" : `is a ${typeof value}`);
    }
  }

  #writeBigInt(value) {
    if (!has64Bits(value)) this.#refuse(`is ${value}, beyond the integers of 64 bits`);
    if (Number.isSafeInteger(Number(value))) {
      this.#refuse(`is a BigInt, which would come back as the number ${value}`);
    }
    this.#pieces.push(value);
  }

  #writeObject(value) {
    if (value === null) {
      this.#pieces.push("null");
      return;
    }
    const isArray = Array.isArray(value);
    if (!isArray && !isPlain(value)) this.#refuse(`is a ${kind(value)}`);
    if (this.#place.length === MAX_DEPTH) {
      this.#refuse(`is inside of ${MAX_DEPTH} arrays and objects, which is the limit`);
    }
    if (Object.getOwnPropertySymbols(value).length > 0) this.#refuse("has a symbol as a key");
    if (isArray) this.#writeItems(value);
    else this.#writeMembers(value);
  }

  #writeItems(array) {
    const depth = this.#place.length;
    this.#place.push(0);
    for (let index = 0; index < array.length; index += 1) {
      this.#place[depth] = index;
      this.#pieces.push(index === 0 ? "[" : ",", margin(depth + 1));
      this.write(array[index]);
    }
    this.#place.pop();
    if (Object.keys(array).length !== array.length) this.#refuse("is an array with names beside its indexes");
    if (array.length === 0) this.#pieces.push("[]");
    else this.#pieces.push(margin(depth), "]");
  }

  #writeMembers(object) {
    const depth = this.#place.length;
    this.#place.push("");
    let isEmpty = true;
    for (const name of Object.keys(object)) {
      const member = object[name];
      // Whoever reads a member that is missing gets `undefined` too.
      if (member === undefined) continue;
      if (!isWellFormed(name)) {
        this.#place.pop();
        this.#refuse("has a key with half of a surrogate pair");
      }
      this.#place[depth] = name;
      this.#pieces.push(isEmpty ? "{" : ",", margin(depth + 1), JSON.stringify(name), ": ");
      this.write(member);
      isEmpty = false;
    }
    this.#place.pop();
    if (isEmpty) this.#pieces.push("{}");
    else this.#pieces.push(margin(depth), "}");
  }

  #refuse(what) {
    throw new Refused(`${shownPlace(this.#place)} ${what}`);
  }
}

const MARGINS = Array.from({ length: MAX_DEPTH + 1 }, (_, depth) => `\n${"  ".repeat(depth)}`);

/** A new line, as far in as its depth is. */
function margin(depth) {
  return MARGINS[depth];
}

/** Beyond 2^53 with an exponent, as what it is: a float. Digits would be an integer, and
 * a BigInt when they are read. */
function numberText(number) {
  if (Object.is(number, -0)) return "-0.0";
  const isBeyond = Number.isInteger(number) && !Number.isSafeInteger(number);
  return isBeyond ? number.toExponential() : String(number);
}

/** Whether it comes back as it is: anything else with a class of its own would not. */
function isPlain(object) {
  const prototype = Object.getPrototypeOf(object);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function shownPlace(place) {
  const step = (name) =>
    typeof name === "string" && /^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
  return place.map(step).join("") || "it";
}
