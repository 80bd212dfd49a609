// Writers and readers.

import * as sdk from "ability-storage";
import { assert, equal, test, throws } from "./expect.js";

test("nobody sees what is being written before it is whole", () => {
  const writer = sdk.openWriter("big");
  const line = "0123456789abcdef\n";
  for (let count = 0; count < 40_000; count += 1) writer.write(line);
  writer.write(new Uint8Array(300_000));
  equal(sdk.listFiles(), []);
  const version = writer.commit();
  equal(sdk.readWithVersion("big").version, version);
  const reader = sdk.openReader("big");
  const size = 40_000 * line.length + 300_000;
  equal(reader.size, size);
  sdk.atomicWriteFile("big", "other");
  let read = 0;
  for (const chunk of reader) read += chunk.length;
  equal([read, reader.read().length], [size, 0]);
  reader.close();
  equal(throws("other", () => reader.read()).path, "big");
});

test("lines of a file are read in pieces of any length", () => {
  const long = "ü".repeat(200_000);
  sdk.atomicWriteFile("lines", `a\n\n${long}\nlast`);
  const reader = sdk.openReader("lines");
  const lines = [...reader.lines()];
  reader.close();
  equal([lines.length, lines[0], lines[1], lines[2] === long, lines[3]], [4, "a", "", true, "last"]);
});

test("a writer that is given up leaves nothing", () => {
  const writer = sdk.openWriter("a");
  writer.write("x");
  writer.abort();
  throws("other", () => writer.write("y"));
  throws("other", () => writer.commit());
  const disposed = sdk.openWriter("a");
  disposed.write("x");
  disposed[Symbol.dispose]();
  equal(sdk.listFiles(), []);
  const committed = sdk.openWriterIf("a", { version: null });
  committed.write("x");
  committed.commit();
  committed[Symbol.dispose]();
  throws("other", () => committed.commit());
  equal(sdk.readFile("a"), "x");
});

test("the condition of a writer holds at its commit", () => {
  const writer = sdk.openWriterIf("a", { version: null });
  writer.write("mine");
  sdk.atomicWriteFile("a", "theirs");
  throws("conflict", () => writer.commit());
  equal(sdk.readFile("a"), "theirs");
});

test("there are only so many streams, and closing one makes room", () => {
  const open = [];
  const failed = throws("quota-exceeded", () => {
    for (;;) open.push(sdk.openWriter(`f${open.length}`));
  });
  assert(open.length >= 8, `${open.length} ${failed.message}`);
  open.pop().abort();
  open.push(sdk.openWriter("again"));
  for (const writer of open) writer.abort();
  equal(sdk.listFiles(), []);
});
