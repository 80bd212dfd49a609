// The cases in `sdk/cases`, which all languages run: what one writes, each reads back equal.

import { test } from "node:test";
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert";
import { readFileSync } from "node:fs";
import * as sdk from "ability-storage";
import { memoryStorage } from "ability-storage/testing";
import { Play } from "./behaviours.js";

const LANGUAGES = ["python", "javascript", "rust"];

function cases(name) {
  const found = JSON.parse(readFileSync(new URL(`../../cases/${name}`, import.meta.url), "utf8"));
  ok(found.length > 20);
  return found;
}

/** The value that a case describes. */
function valueOf(described) {
  if (Array.isArray(described)) return described.map(valueOf);
  if (typeof described !== "object" || described === null) return described;
  if ("integer" in described) {
    const number = Number(described.integer);
    return Number.isSafeInteger(number) ? number : BigInt(described.integer);
  }
  if ("float" in described) return Number(described.float);
  if ("units" in described) return String.fromCharCode(...described.units);
  if ("nested" in described) {
    let value = [];
    for (let depth = 1; depth < described.nested; depth += 1) value = [value];
    return value;
  }
  const members = described.object.map(([name, member]) => [valueOf(name), valueOf(member)]);
  return Object.fromEntries(members);
}

/** What each language writes. */
function texts(written) {
  if (typeof written === "object" && !("nested" in written)) {
    deepStrictEqual(Object.keys(written), LANGUAGES);
    return written;
  }
  const text = typeof written === "string" ? written : JSON.stringify(valueOf(written), null, 2);
  return Object.fromEntries(LANGUAGES.map((language) => [language, text]));
}

function contentsOf(described) {
  return described.bytes === undefined ? Buffer.from(described.text) : Buffer.from(described.bytes, "latin1");
}

/** `run` with storage in memory in which `path` holds `contents`. */
function withFile(path, contents, run) {
  const storage = memoryStorage();
  try {
    sdk.atomicWriteFile(path, contents);
    run(storage);
  } finally {
    storage.remove();
  }
}

const isFile = (path, contents) => {
  deepStrictEqual(sdk.listFiles(), [path]);
  deepStrictEqual(Buffer.from(sdk.readFileBytes(path)), Buffer.from(contents));
};

for (const described of cases("values.json")) {
  test(`value: ${described.name}`, () => {
    const value = valueOf(described.value);
    if (described.refused !== undefined) return refused(value, described.refused);
    const written = texts(described.written);
    withFile("s.json", "[0]", () => {
      const state = new sdk.State("s.json");
      state.value = value;
      state.save();
      strictEqual(sdk.readFile("s.json"), written.javascript);
      deepStrictEqual(new sdk.State("s.json").value, value);
      sdk.updateJson("s.json", (found) => found);
      strictEqual(sdk.readFile("s.json"), written.javascript);
    });
    for (const language of LANGUAGES) {
      withFile("s.json", written[language], () => {
        const state = new sdk.State("s.json");
        deepStrictEqual(state.value, value, `of ${language}`);
        state.save();
        deepStrictEqual(new sdk.State("s.json").value, value, `of ${language}`);
      });
    }
  });
}

function refused(value, reason) {
  withFile("s.json", "[1]", () => {
    const state = new sdk.State("s.json");
    const unsaved = new sdk.State("s.json");
    unsaved.value = value;
    for (const save of [
      () => state.update(() => value),
      () => sdk.updateJson("s.json", () => value),
      () => unsaved.save(),
      () => unsaved.update(() => 1),
    ]) {
      throws(save, { code: "not-serializable", message: new RegExp(`cannot be written as JSON: ${escaped(reason)}$`) });
      isFile("s.json", "[1]");
    }
  });
}

function escaped(text) {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

test("values of JavaScript alone are refused with their place", () => {
  class Own {
    n = 1;
  }
  for (const [value, reason] of [
    [undefined, "is undefined"],
    [5n, "is a BigInt, which would come back as the number 5"],
    [Symbol("s"), "is a symbol"],
    [() => 1, "is a function"],
    [new Map([[1, 2]]), "is a Map"],
    [new Set(), "is a Set"],
    [Promise.resolve(1), "is a Promise"],
    [/x/, "is a RegExp"],
    [new Date(0), "is a Date"],
    [new Date(NaN), "is a Date"],
    [new Error("e"), "is a Error"],
    [new Uint8Array(2), "is a Uint8Array"],
    [new ArrayBuffer(2), "is a ArrayBuffer"],
    [new WeakMap(), "is a WeakMap"],
    [Object(NaN), "is a Number"],
    [Object("text"), "is a String"],
    [new Own(), "is a Own"],
    [{ [Symbol("s")]: 1 }, "has a symbol as a key"],
    [Object.assign([1], { name: 2 }), "is an array with names beside its indexes"],
  ]) {
    refused({ list: [0, value] }, `.list[1] ${reason}`);
  }
  refused([1, , 2], "[1] is undefined");
  refused({ when: { toJSON: () => 1 } }, ".when.toJSON is a function");
});

for (const described of cases("files.json")) {
  test(`file: ${described.name}`, () => {
    const contents = contentsOf(described);
    withFile("s.json", contents, () => {
      if (described.unsupported !== undefined) {
        for (const load of [
          () => new sdk.State("s.json"),
          () => new sdk.State("s.json", { schemaVersion: 1 }),
          () => sdk.updateJson("s.json", (value) => value),
        ]) {
          throws(load, { code: "unsupported", message: `s.json was left as it is: ${described.unsupported}` });
          isFile("s.json", contents);
        }
        return;
      }
      if (described.corrupt) {
        throws(() => sdk.updateJson("s.json", (value) => value), { code: "corrupt" });
        strictEqual(new sdk.State("s.json").quarantined, "s.corrupt-1.json");
        isFile("s.corrupt-1.json", contents);
        return;
      }
      const state = new sdk.State("s.json");
      deepStrictEqual([state.value, state.quarantined], [valueOf(described.loads), null]);
      state.save();
      sdk.updateJson("s.json", (value) => value);
      isFile("s.json", texts(described.written).javascript);
    });
  });
}

for (const described of cases("counters.json")) {
  test(`counter: ${described.name}`, () => {
    const contents = contentsOf(described);
    withFile("c", contents, () => {
      const counter = new sdk.Counter("c");
      if (described.value !== undefined) {
        const value = Number(described.value);
        deepStrictEqual([counter.value(), counter.next()], [value, value + 1]);
        isFile("c", String(value + 1));
        return;
      }
      const code = described.corrupt ? "corrupt" : "unsupported";
      for (const call of [() => counter.value(), () => counter.next()]) {
        throws(call, { code, message: new RegExp(described.unsupported ?? "in decimal digits") });
        isFile("c", contents);
      }
    });
  });
}

test("each behaves as in the other languages, also while another instance is at work", async (t) => {
  for (const found of cases("behaviours.json")) {
    if (!found.not_in?.includes("javascript")) await t.test(found.name, () => new Play(found).run());
  }
});
