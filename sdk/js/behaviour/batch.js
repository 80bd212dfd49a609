// `Batch`.

import * as sdk from "ability-storage";
import { bytes, equal, test, throws } from "./expect.js";

test("a batch makes all changes or none", () => {
  sdk.atomicWriteFile("old", "old");
  const batch = new sdk.Batch()
    .write("a", "1")
    .append("log", "line\n")
    .rename("old", "new")
    .delete("nothing");
  equal([batch.length, sdk.listFiles()], [4, ["old"]]);
  const versions = batch.commit();
  equal([typeof versions[0], ...versions.slice(1)], ["string", null, null, null]);
  equal(sdk.listFiles(), ["a", "log", "new"]);
  const failed = throws("not-found", () => batch.commit());
  equal([failed.step, failed.path], [2, "old"]);
  equal(failed.message, "no step of the batch was made: old was not found");
  equal(sdk.readFile("log"), "line\n");
});

test("each step of a batch has its condition", () => {
  const version = sdk.atomicWriteFileIf("open", "1", { version: null });
  const batch = () =>
    new sdk.Batch()
      .writeIf("done", "1", { version: null })
      .appendIf("done", "2", { version: sdk.readWithVersion("open").version })
      .deleteIf("open", { version })
      .renameIf("done", "open", { version: null });
  equal(batch().commit().length, 4);
  equal([sdk.listFiles(), sdk.readFile("open")], [["open"], "12"]);
  equal(throws("conflict", () => batch().commit()).step, 1);
  equal(new sdk.Batch().commit(), []);
});

test("a batch keeps what it was given", () => {
  const memory = bytes(1, 2);
  const batch = new sdk.Batch(false).write("a", memory);
  memory.fill(9);
  batch.commit();
  equal([sdk.readFileBytes("a", false), sdk.listFiles()], [bytes(1, 2), []]);
});

test("what a batch has read is a condition", () => {
  for (const change of [
    () => sdk.atomicWriteFile("rate", "3"),
    () => sdk.deleteFile("rate"),
    () => sdk.atomicWriteFile("lock", "mine"),
  ]) {
    sdk.atomicWriteFile("rate", "2");
    const batch = new sdk.Batch();
    equal([batch.read("rate"), batch.read("lock")], [bytes(0x32), null]);
    batch.append("sum", "x").commit();
    change();
    equal(throws("conflict", () => batch.commit()).step, null);
    equal(sdk.readFile("sum"), "x");
    sdk.deleteFile("sum");
  }
});

test("what belongs together is made again together", () => {
  const [tickets, sold] = [new sdk.Counter("tickets"), new sdk.State("sold.json")];
  const [log, other] = [new sdk.AuditLog("log"), new sdk.AuditLog("log")];
  const faster = [() => tickets.next(), () => other.append("theirs")];
  const last = sdk.updateBatch((batch) => {
    const number = tickets.nextIn(batch);
    sold.updateIn(batch, (old) => ({ ...old, [number]: "row 7" }));
    sdk.updateJsonIn(batch, "list.json", (old) => [...old, number], []);
    log.appendIn(batch, `ticket ${number}`);
    faster.pop()?.();
    return number;
  });
  equal([last, sold.value], [2, { 2: "row 7" }]);
  equal(sdk.updateJson("list.json", (old) => old), [2]);
  equal([sdk.AuditLog.verify("log"), log.count], [log.head, 2]);
});
