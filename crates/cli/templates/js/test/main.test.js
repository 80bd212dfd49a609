import { strictEqual, throws } from "node:assert";
import { test } from "node:test";
import { memoryStorage } from "ability-storage/testing";
import { main } from "../main.js";

test("what is added is shown", () => {
  const storage = memoryStorage({ files: { "todo.json": '["water the plants"]' }, args: ["feed the cat"] });
  main();
  strictEqual(storage.output, "- water the plants\n- feed the cat\n");
  storage.remove();
});

test("a full disk leaves the list as it was", () => {
  const storage = memoryStorage({ files: { "todo.json": "[]" }, args: ["feed the cat"] });
  storage.diskFull = true;
  throws(main, { code: "no-space" });
  strictEqual(storage.texts()["todo.json"], "[]");
  storage.remove();
});
