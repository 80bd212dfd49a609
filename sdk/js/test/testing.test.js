// The storage in memory itself, and what the SDK makes of failures.

import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert";
import { test } from "node:test";
import * as sdk from "ability-storage";
import { memoryStorage } from "ability-storage/testing";
import { host } from "../src/host/current.js";

function withStorage(options, run) {
  const storage = memoryStorage(options);
  try {
    run(storage);
  } finally {
    storage.remove();
  }
}

test("without storage a call says what to do", () => {
  throws(() => sdk.readFile("a"), /call memoryStorage\(\) of ability-storage\/testing first/);
});

test("each failure says what became of the file", () => {
  for (const [failure, words] of [
    ["no-space", "a was not changed: the disk is full"],
    ["read-only", "a was not changed: the host gives its files for reading only"],
    ["quota-exceeded", /^a was not changed: /],
    ["unavailable", /^a cannot be reached, nothing was changed: /],
    ["other", /^the call for a failed, nothing was changed: /],
    ["unconfirmed", /^a was changed, but the change may not survive a power cut: /],
    ["unknown-made", /^a may have been changed, or not: /],
    ["unknown-not-made", /^a may have been changed, or not: /],
  ]) {
    withStorage({ files: { a: "old" } }, (storage) => {
      storage.failCall(1, failure);
      const applied = failure === "unconfirmed";
      throws(
        () => sdk.atomicWriteFile("a", "new"),
        (error) => {
          if (typeof words === "string") strictEqual(error.message, words);
          else match(error.message, words);
          const isUnknown = failure.startsWith("unknown");
          const code = isUnknown ? "unconfirmed" : failure;
          deepStrictEqual([error.code, error.path, error.isApplied], [code, "a", applied]);
          strictEqual(error.outcome, isUnknown ? "unknown" : applied ? "unconfirmed" : "not-applied");
          return true;
        },
      );
      deepStrictEqual(storage.texts(), { a: applied || failure === "unknown-made" ? "new" : "old" });
    });
  }
});

test("options that are not known are refused, not ignored", () => {
  withStorage({}, () => {
    const { head } = new sdk.AuditLog("l");
    for (const [mistake, words] of [
      [() => new sdk.State("s", { count: 0 }), /^the options of State are \{ default, .* \}, not "count"$/],
      [() => new sdk.State("s", []), /not an array$/],
      [() => new sdk.State("s", null), /not null$/],
      [() => new sdk.State("s", () => ({ count: 0 })), /not function$/],
      [() => new sdk.State("s", { schemaversion: 1 }), /not "schemaversion"$/],
      [() => sdk.AuditLog.verify("l", true, head), /^the options of verify are \{ head \}, not "count"$/],
      [() => memoryStorage({ file: {} }), /^the options of memoryStorage are .*, not "file"$/],
      [() => memoryStorage({ limits: { maxBytes: 1 } }), / of memoryStorage\(\{ limits \}\) are .*, not "maxBytes"$/],
    ]) {
      throws(mistake, (error) => {
        match(error.message, words);
        return error instanceof TypeError;
      });
    }
    deepStrictEqual(new sdk.State("s", { default: undefined }).value, undefined);
  });
});

test("what only a change can meet waits for one", () => {
  for (const failure of ["no-space", "read-only", "quota-exceeded", "unconfirmed", "unknown-made", "unknown-not-made"]) {
    withStorage({ files: { a: "old" } }, (storage) => {
      storage.failCall(1, failure);
      strictEqual(sdk.readFile("a"), "old");
      throws(() => sdk.atomicWriteFile("a", "new"), { path: "a" });
      sdk.atomicWriteFile("a", "newer");
    });
  }
  for (const failure of ["unavailable", "other"]) {
    withStorage({ files: { a: "old" } }, (storage) => {
      storage.failCall(1, failure);
      throws(() => sdk.readFile("a"), { code: failure });
      sdk.atomicWriteFile("a", "newer");
    });
  }
});

test("what may be applied is not repeated", () => {
  withStorage({}, (storage) => {
    storage.failCall(2, "unconfirmed");
    throws(() => new sdk.Counter("c").next(), { code: "unconfirmed" });
    strictEqual(new sdk.Counter("c").next(), 2);
    const log = new sdk.AuditLog("l");
    storage.failCall(1, "unconfirmed");
    throws(() => log.append("a"), { code: "unconfirmed" });
    strictEqual(log.append("b").count, 2);
    strictEqual(sdk.AuditLog.verify("l").count, 2);
  });
});

test("unknown outcomes are not reported as made", () => {
  const error = { tag: "unconfirmed", val: "log may have been changed, or not, for the answer was lost" };
  for (const [isMade, readFails] of [
    [false, false],
    [true, false],
    [false, true],
  ]) {
    withStorage({}, (storage) => {
      const log = new sdk.AuditLog("log");
      log.append("a");
      const { appendIf } = host();
      host().appendIf = (...passed) => {
        if (isMade) appendIf(...passed);
        if (readFails) storage.failCall(1, "unavailable");
        throw { payload: error };
      };
      const expected = { code: "unconfirmed", outcome: "unknown", isApplied: false, message: error.val };
      throws(() => log.append("b"), expected);
      host().appendIf = appendIf;
      strictEqual(log.count, isMade ? 2 : 1);
      log.append("c");
      deepStrictEqual(sdk.AuditLog.verify("log"), log.head);
      host().commit = () => {
        throw { payload: { error } };
      };
      throws(() => new sdk.Batch().write("log", "x").commit(), {
        message: `all of the batch was made, or none: ${error.val}`,
      });
    });
  }
});

test("what was not applied can be repeated", () => {
  withStorage({}, (storage) => {
    const log = new sdk.AuditLog("l");
    storage.failCall(1, "no-space");
    throws(() => log.append("a"), { code: "no-space" });
    strictEqual(log.count, 0);
    strictEqual(log.append("a").count, 1);
  });
});

test("an update goes on while others are faster, and gives up in the end", () => {
  withStorage({}, (storage) => {
    const other = () => new sdk.Counter("c").add(10);
    storage.interfere(other);
    storage.interfere(other);
    strictEqual(new sdk.Counter("c").next(), 21);
    const forever = () => {
      sdk.appendFile("c", "0");
      storage.interfere(forever);
    };
    sdk.atomicWriteFile("c", "");
    storage.interfere(forever);
    throws(() => sdk.updateFile("c", () => "x"), { code: "conflict" });
    ok(storage.calls > 300, `${storage.calls} calls`);
  });
});

test("a conflict in a change is the author's, and not repeated", () => {
  withStorage({ files: { a: "1", b: "2" } }, () => {
    let calls = 0;
    const change = () => {
      calls += 1;
      sdk.atomicWriteFileIf("b", "3", { version: null });
    };
    throws(() => sdk.updateFile("a", change), { code: "conflict", path: "b" });
    strictEqual(calls, 1);
  });
});

test("a corrupt state that cannot be moved is an error, and stays", () => {
  withStorage({ files: { "s.json": "{" } }, (storage) => {
    storage.readOnly = true;
    throws(() => new sdk.State("s.json"), (error) => error.code === "corrupt" && error.cause.code === "read-only");
    deepStrictEqual(storage.texts(), { "s.json": "{" });
  });
});

test("a corrupt state that someone repaired meanwhile is not moved", () => {
  withStorage({ files: { "s.json": "{" } }, (storage) => {
    storage.interfere(() => sdk.atomicWriteFile("s.json", '{"repaired": true}'));
    const state = new sdk.State("s.json");
    deepStrictEqual([state.value, state.quarantined], [{ repaired: true }, null]);
    deepStrictEqual(storage.texts(), { "s.json": '{"repaired": true}' });
  });
});

test("a backup that cannot be made leaves both files", () => {
  withStorage({ files: { "s.json": "2", "s.backup.json": "1" } }, (storage) => {
    storage.failCall(2, "no-space");
    throws(() => sdk.writeFileWithBackup("s.json", "3"), { code: "no-space" });
    deepStrictEqual(storage.texts(), { "s.json": "2", "s.backup.json": "1" });
    storage.interfere(() => sdk.atomicWriteFile("s.json", "3"));
    sdk.writeFileWithBackup("s.json", "3");
    deepStrictEqual(storage.texts(), { "s.json": "3", "s.backup.json": "1" });
    sdk.atomicWriteFile("s.json", "2");
    storage.interfere(() => sdk.deleteFile("s.json"));
    sdk.writeFileWithBackup("s.json", "3");
    deepStrictEqual(storage.texts(), { "s.json": "3", "s.backup.json": "1" });
  });
});

test("a writer that failed commits nothing", () => {
  withStorage({}, (storage) => {
    const writer = sdk.openWriter("big");
    writer.write("x");
    storage.diskFull = true;
    throws(() => writer.flush(), { code: "no-space" });
    storage.diskFull = false;
    throws(() => writer.write("y"), { code: "no-space" });
    throws(() => writer.commit(), { code: "no-space" });
    deepStrictEqual(storage.texts(), {});
  });
});

test("limits are those of the host", () => {
  const limits = { maxFileBytes: 3, maxTotalBytes: 5, maxFiles: 2, maxDepth: 2, maxValueBytes: 4, maxStreams: 1 };
  withStorage({ limits }, (storage) => {
    throws(() => sdk.atomicWriteFile("a", "1234"), { code: "too-large", limit: 3 });
    throws(() => sdk.atomicWriteFile("a", "12345"), { code: "too-large", limit: 4 });
    throws(() => sdk.atomicWriteFile("a/b/c", ""), { code: "invalid-path" });
    sdk.atomicWriteFile("a", "123");
    throws(() => sdk.appendFile("a", "4"), { code: "too-large" });
    throws(() => sdk.atomicWriteFile("b", "123"), { code: "quota-exceeded" });
    sdk.atomicWriteFile("b", "12");
    throws(() => sdk.atomicWriteFile("c", ""), { code: "quota-exceeded" });
    const reader = sdk.openReader("a");
    throws(() => sdk.openReader("a"), { code: "quota-exceeded" });
    reader.close();
    sdk.openReader("a").close();
    deepStrictEqual(storage.texts(), { a: "123", b: "12" });
  });
  withStorage({ limits: { textFilesOnly: true } }, () => {
    throws(() => sdk.atomicWriteFile("a.exe", ""), { code: "invalid-path" });
    sdk.writeFileWithBackup("A.JSON", "1");
    sdk.writeFileWithBackup("A.JSON", "2");
    strictEqual(sdk.readBackup("A.JSON"), "1");
  });
});

test("names that stand for the storage itself or a device are refused", () => {
  withStorage({}, () => {
    for (const path of [".Ability-Storage/x", ".ability\u200c-storage", ".ability-\u017ftorage", "ABILIT~1/x", "AB12EF~1", "com¹", "nul.tar.gz", "aux .txt", "x".repeat(256), "ü".repeat(513)]) {
      throws(() => sdk.atomicWriteFile(path, ""), { code: "invalid-path" }, path);
    }
    for (const path of ["console.log", "com10", "abcafe~", ".ability-storage-notes", "..twodots", "~", '*?"<>|']) {
      sdk.atomicWriteFile(path, "");
    }
  });
});

test("arguments, variables, input and output", () => {
  withStorage({ args: ["a", "b c"], env: { CITY: "Oslo" }, input: "one\r\n\nzwei ü\nlast" }, (storage) => {
    deepStrictEqual([sdk.args(), sdk.env("CITY"), sdk.env("NONE")], [["a", "b c"], "Oslo", undefined]);
    const lines = [];
    for (let line = sdk.readLine(); line !== null; line = sdk.readLine()) lines.push(line);
    deepStrictEqual(lines, ["one", "", "zwei ü", "last"]);
    sdk.print("out \ud800");
    sdk.printError(7);
    deepStrictEqual([storage.output, storage.errors], ["out \ufffd\n", "7\n"]);
  });
});

test("standard input is that of the storage which is there", () => {
  for (const input of ["first\nrest", "second"]) {
    withStorage({ input }, () => strictEqual(sdk.readLine(), input.split("\n")[0]));
  }
});
