// A parser of JSON that keeps what `JSON.parse` would change: integers beyond 2^53 are
// BigInts, and what could not be written again is noticed.
//
// Time and memory must not grow faster than the text, whatever it holds and wherever it
// is cut off: no regular expression, and no recursion deeper than `MAX_DEPTH`.

import { isWellFormed } from "../text.js";
import { MAX_DEPTH, has64Bits } from "./limits.js";

const [TAB, LINE_FEED, RETURN, SPACE] = [9, 10, 13, 32];
const [QUOTE, COMMA, MINUS, POINT, ZERO, NINE, COLON] = [34, 44, 45, 46, 48, 57, 58];
const [BACKSLASH, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [92, 91, 93, 123, 125];

/** A number of more digits may be beyond 2^53. */
const MAX_EXACT_DIGITS = 15;

/** No integer of 64 bits has more digits with its sign. */
const MAX_INTEGER_LENGTH = 20;

/** How much of a number a message shows. */
const MAX_SHOWN = 40;

/** The text is not JSON; `reason` says what is wrong and where. */
export class Malformed {
  constructor(reason) {
    this.reason = reason;
  }
}

export const TOO_DEEP = `it is nested more than ${MAX_DEPTH} times; make it flatter`;

/** Thrown where the text is nested too deeply to go on. */
class TooDeep {}

export class Parser {
  #text;
  #at = 0;

  /** Why the value could not be written again, although the text is JSON. */
  refused = null;

  constructor(text) {
    this.#text = text;
  }

  /** The value of the whole text. Throws `Malformed` if it is not JSON. */
  parse() {
    try {
      const value = this.#value(0);
      this.#next();
      if (this.#at < this.#text.length) this.#fail("something follows its value");
      return value;
    } catch (error) {
      if (!(error instanceof TooDeep)) throw error;
      this.refused = TOO_DEEP;
      if (!this.#isClosed()) throw new Malformed(this.refused);
      return undefined;
    }
  }

  #value(depth) {
    const code = this.#next();
    if (code === QUOTE) return this.#string();
    if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      if (depth === MAX_DEPTH) throw new TooDeep();
      this.#at += 1;
      return code === OPEN_ARRAY ? this.#array(depth + 1) : this.#object(depth + 1);
    }
    if (code === MINUS || (code >= ZERO && code <= NINE)) return this.#number();
    for (const [word, value] of WORDS) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    return this.#fail("there is no value");
  }

  #array(depth) {
    const array = [];
    if (this.#takes(CLOSE_ARRAY)) return array;
    do array.push(this.#value(depth));
    while (this.#takes(COMMA));
    if (!this.#takes(CLOSE_ARRAY)) this.#fail("there is no , or ]");
    return array;
  }

  #object(depth) {
    const object = {};
    if (this.#takes(CLOSE_OBJECT)) return object;
    do {
      if (this.#next() !== QUOTE) this.#fail("there is no name");
      const name = this.#string();
      if (!this.#takes(COLON)) this.#fail("there is no :");
      const value = this.#value(depth);
      if (Object.hasOwn(object, name)) {
        this.refused ??= `its member ${JSON.stringify(name)} is there twice; keep one of the two`;
      }
      if (name === "__proto__") define(object, name, value);
      else object[name] = value;
    } while (this.#takes(COMMA));
    if (!this.#takes(CLOSE_OBJECT)) this.#fail("there is no , or }");
    return object;
  }

  #string() {
    const start = this.#at;
    const end = this.#stringEnd(start);
    if (end < 0) this.#fail("a text has no end");
    const token = this.#text.slice(start, end);
    let value;
    try {
      value = JSON.parse(token);
    } catch {
      this.#fail("there is a text that JSON does not allow");
    }
    this.#at = end;
    // Without an escape it is as well-formed as the whole text.
    if (value.length < token.length - 2 && !isWellFormed(value)) {
      this.refused ??= "it holds half of a surrogate pair; remove that";
    }
    return value;
  }

  /** Behind the quote that ends the string which begins at `start`; -1 if there is none. */
  #stringEnd(start) {
    let quote = start;
    for (;;) {
      quote = this.#text.indexOf('"', quote + 1);
      if (quote < 0) return -1;
      let before = quote - 1;
      while (this.#text.charCodeAt(before) === BACKSLASH) before -= 1;
      if ((quote - before) % 2 === 1) return quote + 1;
    }
  }

  #number() {
    const start = this.#at;
    const text = this.#text;
    const isNegative = text.charCodeAt(start) === MINUS;
    const digits = isNegative ? start + 1 : start;
    let at = digits;
    let small = 0;
    let code = text.charCodeAt(at);
    while (code >= ZERO && code <= NINE) {
      small = small * 10 + code - ZERO;
      at += 1;
      code = text.charCodeAt(at);
    }
    const length = at - digits;
    for (; isPartOfNumber(code); code = text.charCodeAt(at)) at += 1;
    this.#at = at;
    const isInteger = at === digits + length;
    const hasZeroInFront = length > 1 && text.charCodeAt(digits) === ZERO;
    if (isInteger && length > 0 && length <= MAX_EXACT_DIGITS && !hasZeroInFront) {
      return isNegative ? -small : small;
    }
    return this.#longNumber(text.slice(start, at), isInteger);
  }

  #longNumber(token, isInteger) {
    let value;
    try {
      value = JSON.parse(token);
    } catch {
      this.#fail("there is a number that JSON does not allow");
    }
    if (!isInteger || Number.isSafeInteger(value)) {
      return Number.isFinite(value) ? value : this.#refuseNumber(token);
    }
    if (token.length > MAX_INTEGER_LENGTH) return this.#refuseNumber(token);
    const integer = BigInt(token);
    return has64Bits(integer) ? integer : this.#refuseNumber(token);
  }

  #refuseNumber(token) {
    const shown = token.length > MAX_SHOWN ? `${token.slice(0, MAX_SHOWN)}…` : token;
    this.refused ??= `its number ${shown} is beyond 64 bits; write it as text`;
  }

  /** Whether all brackets from here on are closed, if the text is nested too deeply. */
  #isClosed() {
    let open = MAX_DEPTH;
    for (let at = this.#at; at < this.#text.length; at += 1) {
      const code = this.#text.charCodeAt(at);
      if (code === OPEN_ARRAY || code === OPEN_OBJECT) open += 1;
      else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) open -= 1;
      else if (code === QUOTE) {
        const end = this.#stringEnd(at);
        if (end < 0) return false;
        at = end - 1;
      }
    }
    return open === 0;
  }

  /** Whether the next character that is no space is `code`, which is taken then. */
  #takes(code) {
    if (this.#next() !== code) return false;
    this.#at += 1;
    return true;
  }

  /** Goes to the next character that is no space; which it is. */
  #next() {
    const text = this.#text;
    let at = this.#at;
    let code = text.charCodeAt(at);
    while (code === SPACE || code === LINE_FEED || code === RETURN || code === TAB) {
      at += 1;
      code = text.charCodeAt(at);
    }
    this.#at = at;
    return code;
  }

  #fail(what) {
    const isEnd = this.#at >= this.#text.length;
    throw new Malformed(`${what} at ${isEnd ? "its end" : `character ${this.#at}`}`);
  }
}

const WORDS = [
  ["true", true],
  ["false", false],
  ["null", null],
];

function define(object, name, value) {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

/** Digits, a point, signs and the letters of an exponent: `JSON.parse` checks the order. */
function isPartOfNumber(code) {
  return (code >= ZERO && code <= NINE) || code === POINT || code === MINUS || code === 43 || code === 69 || code === 101;
}
