// Long texts are read by the engine's own `JSON.parse`, and are the same values as short ones.

import { deepStrictEqual, ok, strictEqual } from "node:assert";
import { test } from "node:test";
import { MIN_NATIVE_BYTES } from "../src/json/native.js";
import { parse, parseText } from "../src/json/read.js";
import { encode } from "../src/text.js";

const VALUES = [
  "1", "-0", "1.0", "1e5", "1e400", "-1e999", "9007199254740993", "1234567890123456", "18446744073709551616",
  "0.12345678901234567890", '"a"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\\\ud800"', '"\\u003a"', '"null"', '"nul\\u006c"',
  '"1234567890123456789"', '"id-1234567890123456789"', '"é😀"', "null", "true", "[]", "{}", '{"a":1,"a":2}',
  '{"a":null,"a":1e400}', '{"a":"\\u003a","a":1}', '{"a":"\\u003A","a":1}', '{"__proto__":{"b":1}}', '{"1":1,"0":2}',
  "01", "nan", '"', "[", "]", "1,", "\t", '"\t"',
];

const PADDING = " ".repeat(MIN_NATIVE_BYTES);

/** The value, with what `deepStrictEqual` needs to tell; or the code of the error. */
function result(read) {
  try {
    return { value: read() };
  } catch (error) {
    ok(error.code, error);
    return { code: error.code, unsupported: error.code === "unsupported" ? error.reason : null };
  }
}

test("a long text has the value of a short one", () => {
  for (const first of VALUES) {
    for (const second of VALUES) {
      const text = `[${first},{"m":[${second}]}]`;
      const long = text + PADDING;
      deepStrictEqual(result(() => parse("s", encode(long))), result(() => parseText("s", text)), text);
    }
  }
});

test("long digits are found wherever they stand", () => {
  for (let before = 0; before < 40; before += 1) {
    for (const digits of ["9007199254740993", "12345678901234567890"]) {
      const [number] = parse("s", encode(`[${" ".repeat(before)}${digits}]${PADDING}`));
      strictEqual(number, BigInt(digits));
    }
  }
});

test("a long text that is nested too deeply is never given to JSON.parse", () => {
  const deep = (count, end) => encode(`${"[".repeat(count)}${"]".repeat(end)}${PADDING}`);
  strictEqual(result(() => parse("s", deep(127, 127))).code, undefined);
  strictEqual(result(() => parse("s", deep(128, 128))).code, "unsupported");
  strictEqual(result(() => parse("s", deep(100_000, 99_999))).code, "corrupt");
  strictEqual(result(() => parse("s", encode(`["${"[".repeat(20_000)}\\"["]`))).code, undefined);
});

test("a long text takes one call of JSON.parse, not one for each string", () => {
  const text = `[${'{"name":"value","list":[1,2.5,"x"]},'.repeat(1000)}1]`;
  const original = JSON.parse;
  let calls = 0;
  JSON.parse = (...args) => {
    calls += 1;
    return original(...args);
  };
  try {
    strictEqual(parse("s", encode(text)).length, 1001);
  } finally {
    JSON.parse = original;
  }
  strictEqual(calls, 1);
});
