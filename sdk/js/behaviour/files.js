// Single files: names, contents, errors.

import * as sdk from "ability-storage";
import { assert, bytes, equal, test, throws } from "./expect.js";

test("what is written is read", () => {
  sdk.atomicWriteFile("notes/a.md", "Grüße 👋\r\n");
  equal(sdk.readFile("notes/a.md"), "Grüße 👋\r\n");
  sdk.atomicWriteFile("notes/a.md", bytes(0, 255, 10));
  equal(sdk.readFileBytes("notes/a.md"), bytes(0, 255, 10));
  sdk.atomicWriteFile("notes/a.md", "");
  equal(sdk.readFile("notes/a.md"), "");
});

test("a part of a larger array is written as that part", () => {
  sdk.atomicWriteFile("a", bytes(1, 2, 3, 4).subarray(1, 3));
  equal(sdk.readFileBytes("a"), bytes(2, 3));
});

test("text of all lengths of characters comes back", () => {
  const text = "a\u007f\u0080é\u07ff\u0800€\ud7ff\ue000\uffff\u{10000}😀\u{10ffff}\ufeff";
  sdk.atomicWriteFile("a.txt", text);
  equal(sdk.readFile("a.txt"), text);
  equal(sdk.readFileBytes("a.txt").length, 1 + 1 + 2 + 2 + 2 + 5 * 3 + 3 * 4 + 3);
  const long = "häuser 👩‍👩‍👧 ".repeat(4000);
  sdk.atomicWriteFile("long.txt", long);
  assert(sdk.readFile("long.txt") === long, "long text differs");
});

test("a byte order mark is kept", () => {
  sdk.atomicWriteFile("a.txt", bytes(0xef, 0xbb, 0xbf, 0x61));
  equal(sdk.readFile("a.txt"), "\ufeffa");
});

test("what is not UTF-8 is an error that says where", () => {
  for (const [at, ...broken] of [
    [0, 0xff],
    [1, 0x61, 0x80],
    [1, 0x61, 0xc3],
    [0, 0xc0, 0x80],
    [0, 0xed, 0xa0, 0x80],
    [2, 0xc3, 0xa9, 0xf4, 0x90, 0x80, 0x80],
    [0, 0xe2, 0x82],
  ]) {
    sdk.atomicWriteFile("a.txt", bytes(...broken));
    const error = throws("not-utf8", () => sdk.readFile("a.txt"));
    equal(error.message, `a.txt is not text: it is not UTF-8 from byte ${at} on`);
    equal(error.validUpTo, at);
  }
});

test("halves of surrogate pairs are refused, and nothing is written", () => {
  const error = throws("not-encodable", () => sdk.atomicWriteFile("a.txt", "😀a\ud800b"));
  equal(
    [error.message, error.position, error.path],
    ["a.txt was not changed: its new text has half of a surrogate pair at character 2, which UTF-8 cannot hold", 2, "a.txt"],
  );
  for (const call of [
    () => sdk.appendFile("a.txt", "\ud800"),
    () => sdk.atomicWriteFileIf("a.txt", "\ud800", { version: null }),
    () => sdk.appendFileIf("a.txt", "\ud800", new sdk.FileEnd()),
    () => sdk.writeFileWithBackup("a.txt", "\ud800"),
    () => sdk.updateFile("a.txt", () => "\ud800"),
    () => new sdk.Batch().write("a.txt", "\ud800"),
    () => new sdk.Batch().append("a.txt", "\ud800"),
    () => sdk.openWriter("a.txt").write("\ud800"),
    () => new sdk.AuditLog("a.txt").append("\ud800"),
  ]) {
    throws("not-encodable", call);
  }
  equal(sdk.checkIfFileExists("a.txt"), false);
  throws("invalid-path", () => sdk.atomicWriteFile("a\udc00", "x"));
  throws("invalid-path", () => sdk.checkIfFileExists("\ud800"));
  equal(sdk.listFiles(), []);
});

test("an expected version that is none is named", () => {
  for (const [options, found] of [
    [undefined, "undefined"],
    ["v1", "string"],
    [{}, "{ version: undefined }"],
    [{ version: 7 }, "{ version: number }"],
  ]) {
    for (const call of [
      () => sdk.atomicWriteFileIf("a", "a", options),
      () => new sdk.Batch().writeIf("a", "a", options),
    ]) {
      const expected = `what is expected is { version } with the version that was read, or { version: null } for no file, not ${found}`;
      equal(throws(TypeError, call).message, expected);
    }
  }
});

test("what is of a wrong type is refused before the host sees it", () => {
  for (const call of [
    () => sdk.atomicWriteFile("a", 7),
    () => sdk.atomicWriteFile("a", [1, 2]),
    () => sdk.atomicWriteFile("a", null),
    () => sdk.atomicWriteFile("a"),
    () => sdk.atomicWriteFile(7, "a"),
    () => sdk.atomicWriteFile("a", "a", "user"),
    () => sdk.readFile(undefined),
    () => sdk.appendFile("a", {}),
    () => sdk.replaceFile("a", null),
    () => sdk.atomicWriteFileIf("a", "a"),
    () => sdk.atomicWriteFileIf("a", "a", {}),
    () => sdk.atomicWriteFileIf("a", "a", { version: 7 }),
    () => sdk.updateFile("a", "b"),
    () => new sdk.Batch(1),
    () => new sdk.Batch().write("a", 1),
    () => new sdk.Batch().writeIf("a", "b"),
    () => sdk.openReader(1),
    () => new sdk.Counter("a").add(1.5),
    () => new sdk.Counter("a").add(-1),
    () => new sdk.Counter("a").add("1"),
  ]) {
    throws(TypeError, call);
  }
  equal(sdk.listFiles(), []);
});

test("two places never overlap", () => {
  sdk.atomicWriteFile("a", "mine");
  sdk.atomicWriteFile("a", "ours", false);
  equal(sdk.readFile("a"), "mine");
  equal(sdk.readFile("a", false), "ours");
  sdk.deleteFile("a");
  equal(sdk.checkIfFileExists("a"), false);
  equal(sdk.checkIfFileExists("a", false), true);
});

test("errors say what happened to which file", () => {
  const missing = throws("not-found", () => sdk.readFile("b.txt"));
  equal([missing.message, missing.path, missing.outcome], ["b.txt was not found", "b.txt", "not-applied"]);
  assert(missing instanceof Error && missing.name === "StorageError", "it is no StorageError");
  const wrong = throws("invalid-path", () => sdk.atomicWriteFile("../x", ""));
  equal(
    wrong.message,
    "../x cannot be used as a path: it has a component . or ..",
  );
  const hostile = throws("invalid-path", () => sdk.readFile('a\n"ok'));
  assert(hostile.message.startsWith('"a\\n\\"ok" cannot'), hostile.message);
  for (const path of ["", "/", "/a", "a/", "a//b", "a\\b", "a:b", "con", "a.", ".ability-storage/x"]) {
    throws("invalid-path", () => sdk.atomicWriteFile(path, "x"));
  }
});

test("a path is a file or a directory", () => {
  sdk.atomicWriteFile("a/b", "x");
  throws("invalid-path", () => sdk.atomicWriteFile("a", "x"));
  throws("invalid-path", () => sdk.atomicWriteFile("a/b/c", "x"));
  equal(sdk.listFiles(), ["a/b"]);
});

test("appending, replacing and deleting", () => {
  sdk.appendFile("log", "a\n");
  sdk.appendFile("log", bytes(0x62, 10));
  equal(sdk.readFile("log"), "a\nb\n");
  sdk.atomicWriteFile("other", "old");
  sdk.replaceFile("log", "other");
  equal(sdk.readFile("other"), "a\nb\n");
  equal(throws("not-found", () => sdk.replaceFile("log", "other")).path, "log");
  sdk.deleteFile("other");
  sdk.deleteFile("other");
  equal(sdk.listFiles(), []);
});

test("a list is sorted by bytes and does not take a prefix for a directory", () => {
  for (const path of ["notes/b", "notes/a", "notes-old", "ﬀ", "😀"]) sdk.atomicWriteFile(path, "");
  equal(sdk.listFiles(), ["notes-old", "notes/a", "notes/b", "ﬀ", "😀"]);
  equal(sdk.listFiles("notes"), ["notes/a", "notes/b"]);
  equal(sdk.listFiles("notes/"), ["notes/a", "notes/b"]);
  equal(sdk.listFiles("nothing"), []);
});

test("size and time of a file", () => {
  sdk.atomicWriteFile("a", "äb");
  const { size, modified } = sdk.statFile("a");
  equal(size, 3);
  assert(modified instanceof Date && Math.abs(Date.now() - modified.getTime()) < 60_000, `${modified}`);
});
