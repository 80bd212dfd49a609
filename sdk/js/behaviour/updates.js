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
    new Date(0),
    /x/,
    [Promise.resolve()],
    new Error("e"),
    new ArrayBuffer(1),
    new WeakMap(),
    Object(1),
    Object("a"),
    new (class Own {})(),
    { toJSON: () => 1 },
    Object.assign([1], { name: 2 }),
    [1, , 2],
    { [Symbol("s")]: 1 },
    5n,
    2n ** 64n,
  ]) {
    throws("not-serializable", () => sdk.updateJson("a.json", () => value));
  }
  equal(sdk.readFile("a.json"), "[1]");
  sdk.updateJson("a.json", () => ({ kept: 1, left: undefined, none: Object.create(null) }));
  equal(JSON.parse(sdk.readFile("a.json")), { kept: 1, none: {} });
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

test("an integer beyond 2^53 is a BigInt, and a number comes back as a number", () => {
  const text = '[\n  18446744073709551615,\n  -9007199254740993,\n  9007199254740992\n]';
  sdk.atomicWriteFile("a.json", text);
  const integers = sdk.updateJson("a.json", (value) => value);
  assert(integers.every((integer) => typeof integer === "bigint"), "they are no BigInts");
  equal(String(integers), "18446744073709551615,-9007199254740993,9007199254740992");
  equal(sdk.readFile("a.json"), text);
  const numbers = [2 ** 53, 2 ** 60, 1764446456123 * 1e6, -(2 ** 64), 1e300, -0, 2 ** 53 - 1];
  const state = new sdk.State("n.json", { default: numbers });
  state.save();
  const again = new sdk.State("n.json").value;
  assert(again.every((number, at) => Object.is(number, numbers[at])), `${again}`);
});

test("unsupported files stay", () => {
  for (const text of ['{"t": 1e999}', "18446744073709551616", '["\\ud800"]', '{"a": 1, "a": 2}', "[".repeat(99_999) + "]".repeat(99_999)]) {
    sdk.atomicWriteFile("a.json", text);
    throws("unsupported", () => sdk.updateJson("a.json", (value) => value));
    throws("unsupported", () => new sdk.State("a.json"));
    equal([sdk.readFile("a.json"), sdk.listFiles()], [text, ["a.json"]]);
  }
});

test("files that are torn within many brackets or escapes are corrupt", () => {
  for (const torn of ["[".repeat(200_000), `"${'{\\"a\\":'.repeat(50_000)}`, `["${"\\".repeat(100_001)}"`]) {
    sdk.atomicWriteFile("a.json", torn);
    throws("corrupt", () => sdk.updateJson("a.json", (value) => value));
    equal(new sdk.State("a.json").value, {});
    sdk.deleteFile("a.json");
  }
});
