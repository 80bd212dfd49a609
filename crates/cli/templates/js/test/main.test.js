// Tests of the ability under Node, with storage in memory.

import { deepStrictEqual, throws } from "node:assert";
import { test } from "node:test";
import { updateJson } from "ability-storage";
import { memoryStorage } from "ability-storage/testing";
import { main, run } from "../main.js";

function withList(items, check) {
  const storage = memoryStorage({ files: { "list.json": JSON.stringify(items) }, args: ["list"] });
  try {
    check(storage);
  } finally {
    storage.remove();
  }
}

test("what is added is last", () => {
  withList(["eat"], (storage) => {
    deepStrictEqual(run(["add", "sleep"]), ["eat", "sleep"]);
    main();
    deepStrictEqual(storage.output, "1 eat\n2 sleep\n");
  });
});

test("what is done is gone", () => {
  withList(["eat", "sleep"], () => deepStrictEqual(run(["done", "1"]), ["sleep"]));
});

test("what is not there cannot be done", () => {
  withList(["eat"], () => {
    for (const number of ["0", "2", "-1", "eat"]) throws(() => run(["done", number]), /there is no item/);
    deepStrictEqual(run([]), ["eat"]);
  });
});

test("what another instance adds meanwhile stays", () => {
  withList(["eat", "sleep"], (storage) => {
    storage.interfere(() => updateJson("list.json", (items) => [...items, "work"]));
    deepStrictEqual(run(["done", "1"]), ["sleep", "work"]);
  });
});

test("a full disk loses nothing", () => {
  withList(["eat", "sleep"], (storage) => {
    storage.diskFull = true;
    throws(() => run(["done", "1"]), { code: "no-space" });
    deepStrictEqual(run([]), ["eat", "sleep"]);
  });
});
