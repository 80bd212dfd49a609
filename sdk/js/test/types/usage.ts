// Checked by tsc, never run: what must and what must not compile.

import * as sdk from "ability-storage";
import { memoryStorage } from "ability-storage/testing";

sdk.atomicWriteFile("a", "text");
sdk.atomicWriteFile("a", new Uint8Array(1), false);
// @ts-expect-error a number is no contents
sdk.atomicWriteFile("a", 1);
// @ts-expect-error the place is a boolean
sdk.readFile("a", "user");

const version: string = sdk.atomicWriteFileIf("a", "b", { version: null });
sdk.atomicWriteFileIf("a", "b", { version }, false);
// @ts-expect-error the condition must be said
sdk.atomicWriteFileIf("a", "b");

const sum: { sum: number } = sdk.updateJson("s", ({ sum }) => ({ sum: sum + 1 }), { sum: 0 });
sdk.updateJson("s", (value: { n: number }) => void (value.n += sum.sum));
// @ts-expect-error a change is not asynchronous
sdk.updateFile("s", async () => "x");

const state = new sdk.State<{ city: string }>("s", { default: { city: "Oslo" }, schemaVersion: 2, migrations: { 1: (old) => old } });
state.value.city.toUpperCase();
// @ts-expect-error there is no such member
state.value.country;
// @ts-expect-error it is read only
state.quarantined = "x";

for (const { sequence, text } of sdk.AuditLog.records("a")) sdk.print(`${sequence} ${text}`);
const versions: (string | null)[] = new sdk.Batch().write("a", "b").deleteIf("c", { version }).commit();
sdk.print(versions.length);
const number: number = sdk.updateBatch((batch) => {
  const read: Uint8Array | null = batch.read("a");
  batch.append("b", read ?? "");
  state.updateIn(batch, ({ city }) => ({ city: city + "!" }));
  sdk.updateJsonIn(batch, "s", (values: number[]) => [...values, 1], []);
  const head: sdk.Head = new sdk.AuditLog("l").appendIn(batch, "x");
  return new sdk.Counter("n").nextIn(batch) + head.count;
}, false);
sdk.print(number);
// @ts-expect-error it takes part in a batch
new sdk.Counter("n").addIn(1);

{
  using writer = sdk.openWriter("big");
  writer.write("x");
  using reader = sdk.openReader("big");
  for (const chunk of reader) sdk.print(chunk.length);
  for (const line of reader.lines()) line.trim();
}

try {
  sdk.readFile("a");
} catch (error) {
  if (error instanceof sdk.StorageError && error.code === "not-found") sdk.print(error.path);
  // @ts-expect-error there is no such code
  if (error instanceof sdk.StorageError && error.code === "ENOENT") throw error;
}
// @ts-expect-error only the SDK makes them
new sdk.StorageError("not-found", "a", "b");

using storage = memoryStorage({ files: { a: "b" }, limits: { maxFiles: 1 }, args: ["x"] });
storage.failCall(1, "unconfirmed");
// @ts-expect-error there is no such failure
storage.failCall(1, "ENOSPC");
const line: string | null = sdk.readLine();
sdk.printError(line);
