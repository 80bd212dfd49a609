import { deepStrictEqual, strictEqual } from "node:assert";
import { test } from "node:test";
import { memoryStorage } from "ability-storage/testing";
import { main } from "../main.js";

function run(args, files = {}, prepare = () => {}) {
  const storage = memoryStorage({ args, files });
  try {
    prepare(storage);
    return { code: main() ?? 0, output: storage.output, errors: storage.errors, files: storage.texts() };
  } finally {
    storage.remove();
  }
}

test("what is set is there", () => {
  const { code, files } = run(["set", "city", "Tromsø"]);
  strictEqual(code, 0);
  deepStrictEqual(JSON.parse(files["settings.json"]), { schema_version: 2, values: { city: "Tromsø" } });
  strictEqual(run(["get", "city"], files).output, "Tromsø\n");
  strictEqual(run(["history"], files).output, "1: city = Tromsø\n");
});

test("settings of the first version are still there", () => {
  const old = { "settings.json": '{"schema_version": 1, "city": "Oslo"}' };
  strictEqual(run(["get"], old).output, "city = Oslo\n");
  const { files } = run(["set", "unit", "°C"], old);
  deepStrictEqual(JSON.parse(files["settings.json"]).values, { city: "Oslo", unit: "°C" });
});

test("a full disk changes nothing, and is said", () => {
  const { files } = run(["set", "city", "Oslo"]);
  const failed = run(["set", "city", "Bergen"], files, (storage) => {
    storage.diskFull = true;
  });
  deepStrictEqual(failed, {
    code: 1,
    output: "",
    errors: "settings.json was not changed: the disk is full\n",
    files,
  });
});

test("what is wrong is said", () => {
  strictEqual(run(["get", "colour"]).errors, "colour is not set\n");
  strictEqual(run(["set", "city"]).code, 1);
  strictEqual(run(["history"]).errors, "history.log was not found\n");
});
