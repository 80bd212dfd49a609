// Conditional writes, updates, and values as JSON.

import * as sdk from "ability-storage";
import { assert, bytes, equal, test, throws } from "./expect.js";

test("a conditional write overwrites nothing unseen", () => {
  const first = sdk.atomicWriteFileIf("a", "1", { version: null });
  const conflict = throws("conflict", () => sdk.atomicWriteFileIf("a", "2", { version: null }));
  equal([conflict.found, conflict.outcome], [first, "not-applied"]);
  const seen = sdk.readWithVersion("a");
  equal([seen.text, seen.version, seen.contents], ["1", first, bytes(0x31)]);
  const second = sdk.atomicWriteFileIf("a", "2", { version: seen.version });
  assert(second !== first, "other contents have another version");
  throws("conflict", () => sdk.atomicWriteFileIf("a", "3", { version: first }));
  equal(throws("conflict", () => sdk.atomicWriteFileIf("b", "", { version: first })).found, null);
  equal(sdk.readFile("a"), "2");
});

test("an update gets what is there and writes what it returns", () => {
  const add = (old) => (old === null ? "x" : `${String.fromCharCode(...old)}x`);
  equal(sdk.updateFile("a", add), "x");
  equal(sdk.updateFile("a", add), "xx");
  throws(RangeError, () =>
    sdk.updateFile("a", () => {
      throw new RangeError("no");
    }),
  );
  equal(sdk.readFile("a"), "xx");
});

test("an update is made again when another writer is faster", () => {
  const file = "numbers.json";
  let faster = 2;
  const result = sdk.updateJson(
    file,
    (numbers) => {
      if (faster > 0) {
        faster -= 1;
        sdk.updateJson(file, (others) => [...others, "other"], []);
      }
      return [...numbers, "mine"];
    },
    [],
  );
  equal(result, ["other", "other", "mine"]);
  equal(JSON.parse(sdk.readFile(file)), ["other", "other", "mine"]);
});

test("JSON is written as the other languages write it", () => {
  sdk.updateJson("a.json", () => ({ city: "Tromsø", list: [1, 2.5], none: null, empty: {}, no: [] }));
  equal(
    sdk.readFile("a.json"),
    '{\n  "city": "Tromsø",\n  "list": [\n    1,\n    2.5\n  ],\n  "none": null,\n  "empty": {},\n  "no": []\n}',
  );
});

test("an update of JSON may change the value in place", () => {
  const start = { asked: 0 };
  sdk.updateJson("a.json", (value) => void (value.asked += 1), start);
  equal(start, { asked: 0 });
  equal(sdk.updateJson("a.json", (value) => void (value.asked += 1)), { asked: 2 });
  throws(TypeError, () => sdk.updateJson("n.json", () => undefined, 0));
  throws(TypeError, () => sdk.updateJson("a.json", async () => ({})));
  equal(JSON.parse(sdk.readFile("a.json")), { asked: 2 });
});

test("what would not come back from JSON is not written", () => {
  sdk.atomicWriteFile("a.json", "[1]");
  const circular = {};
  circular.self = circular;
  for (const value of [
    NaN,
    { a: Infinity },
    [undefined],
    1n,
    { f() {} },
    new Map(),
    [new Set()],
    { a: bytes(1) },
    "\ud800",
    { "\udfff": 1 },
    circular,
    Symbol("s"),
  ]) {
    throws("not-serializable", () => sdk.updateJson("a.json", () => value));
  }
  equal(sdk.readFile("a.json"), "[1]");
  sdk.updateJson("a.json", () => ({ kept: 1, left: undefined, date: new Date(0) }));
  equal(JSON.parse(sdk.readFile("a.json")), { kept: 1, date: "1970-01-01T00:00:00.000Z" });
});

test("corrupt JSON is an error, and stays", () => {
  for (const corrupt of ["", "{", "[1] [2]", "{'a':1}"]) {
    sdk.atomicWriteFile("a.json", corrupt);
    throws("corrupt", () => sdk.updateJson("a.json", (value) => value, {}));
    equal(sdk.readFile("a.json"), corrupt);
  }
  sdk.atomicWriteFile("a.json", bytes(0x22, 0xff, 0x22));
  throws("corrupt", () => sdk.updateJson("a.json", (value) => value));
});

test("a number that JavaScript would change is refused", () => {
  for (const number of ["18446744073709551615", "-9007199254740993"]) {
    const text = `{"a": "12345678901234567890", "b": [${number}]}`;
    sdk.atomicWriteFile("a.json", text);
    throws("inexact-number", () => sdk.updateJson("a.json", (value) => value));
    throws("inexact-number", () => new sdk.State("a.json"));
    equal(sdk.readFile("a.json"), text);
    equal(sdk.listFiles(), ["a.json"]);
  }
  sdk.atomicWriteFile("a.json", "[9007199254740992, 12345678901234567890123e-2]");
  sdk.updateJson("a.json", (value) => value);
});
