// `AuditLog`.

import * as sdk from "ability-storage";
import { assert, bytes, equal, test, throws } from "./expect.js";

test("the hash of a record is the documented one", () => {
  const zeros = "0".repeat(64);
  const hash = "7586f96b736a76c54d3c67d66fa568ce08c07a4000d8055bbcb1ae58ad98dea2";
  sdk.atomicWriteFile("a.log", `1 1764000000 ${zeros} ${hash} a\n`);
  equal(sdk.AuditLog.verify("a.log"), { count: 1, hash });
});

test("an audit log continues and verifies", () => {
  const log = new sdk.AuditLog("a.log");
  equal(log.head, { count: 0, hash: "0".repeat(64) });
  const payloads = ["a", "", "b\\c\nd\u2028\u0085\u009fé😀", bytes(0xff, 0x41, 0xe2, 0x82), bytes(0, 0x7f, 0xc2)];
  const heads = payloads.map((payload) => log.append(payload));
  equal(heads.at(-1), sdk.AuditLog.verify("a.log"));
  const lines = sdk.readFile("a.log").split("\n");
  assert(lines[2].endsWith(" b\\\\c\\x0ad\\xe2\\x80\\xa8\\xc2\\x85\\xc2\\x9fé😀"), lines[2]);
  assert(lines[3].endsWith(" \\xffA\\xe2\\x82"), lines[3]);
  const records = [...sdk.AuditLog.records("a.log")];
  equal(records.map((record) => record.sequence), [1, 2, 3, 4, 5]);
  equal(records[2].text, payloads[2]);
  equal(records[3].payload, payloads[3]);
  equal(records[1].previous, records[0].hash);
  const again = new sdk.AuditLog("a.log");
  equal([again.count, again.append("more").count, sdk.AuditLog.verify("a.log").count], [5, 6, 6]);
});

test("a change of any byte of a log is found, and the log stays", () => {
  const log = new sdk.AuditLog("a.log");
  for (const payload of ["a", "b\\", "c"]) log.append(payload);
  const whole = sdk.readFileBytes("a.log");
  const step = Math.max(1, Math.floor(whole.length / 97));
  for (let at = 0; at < whole.length; at += step) {
    const changed = whole.slice();
    changed[at] ^= 1;
    sdk.atomicWriteFile("a.log", changed);
    throws("broken-chain", () => sdk.AuditLog.verify("a.log"));
    throws("broken-chain", () => new sdk.AuditLog("a.log"));
    equal(sdk.readFileBytes("a.log"), changed);
  }
  const lines = sdk.readFileBytes("a.log") && String.fromCharCode(...whole).split(/(?<=\n)/);
  for (const [broken, at, reason] of [
    [lines[1] + lines[2], 1],
    [lines[0] + lines[2], 2],
    [lines[0] + lines[2] + lines[1], 2],
    [lines[0] + lines[0], 2],
    [lines[0] + lines[1].slice(0, -1), 2],
    [lines[0] + lines[1].replace("\n", "\r\n"), 2],
    [lines[0].replace(" a\n", " \\x61\n"), 1],
    [`0${lines[0]}`, 1],
    [`${lines[0]}\n`, 2],
    ["x".repeat(300_000), 1],
    [`\ufeff${lines[0]}`, 1, "begins with a byte order mark: save the file without it"],
    [lines.join("").replaceAll("\n", "\r\n"), 1, "ends in a carriage return: save the file with line feeds alone"],
    [bytes(0xff, 0xfe, 0x31, 0, 10, 0), 1, "begins with the mark of UTF-16: save the file as UTF-8, without a mark"],
  ]) {
    sdk.atomicWriteFile("a.log", broken);
    const error = throws("broken-chain", () => sdk.AuditLog.verify("a.log"));
    equal(error.record, at);
    if (reason) equal(error.reason, `its line ${reason}`);
    equal(sdk.listFiles(), ["a.log"]);
  }
  new sdk.AuditLog("b.log").append(bytes(0xff));
  sdk.updateFile("b.log", (old) => String.fromCharCode(...old).replace("\\xff", "\\xFF"));
  const upper = throws("broken-chain", () => sdk.AuditLog.verify("b.log"));
  equal(upper.reason, "its line is not in the form in which this log writes");
});

test("writers of a log that take turns share it", () => {
  const logs = [1, 2, 3].map(() => new sdk.AuditLog("a.log"));
  let heads;
  // Longer than what is compared, and the same from there on.
  for (const payload of ["a", "b", "x".repeat(1000), "x".repeat(1000)]) {
    heads = logs.map((log) => log.append(payload));
  }
  equal(heads.map((head) => head.count), [10, 11, 12]);
  equal(sdk.AuditLog.verify("a.log", true, { head: heads[0] }), heads[2]);
});

test("a log that lost records is not added to", () => {
  const log = new sdk.AuditLog("a.log");
  log.append("a");
  const short = sdk.readFileBytes("a.log");
  log.append("b");
  const other = sdk.readFileBytes("a.log");
  other[other.length - 2] += 1;
  for (const contents of [short, bytes(), other]) {
    sdk.atomicWriteFile("a.log", contents);
    throws("log-changed", () => log.append("c"));
    equal(sdk.readFileBytes("a.log"), contents);
  }
  sdk.deleteFile("a.log");
  throws("log-changed", () => log.append("c"));
  throws("not-found", () => sdk.AuditLog.verify("a.log"));
});

test("a head that was kept shows what is missing from a log", () => {
  const log = new sdk.AuditLog("a.log");
  log.append("a");
  const short = sdk.readFileBytes("a.log");
  const head = log.append("b");
  log.append("c");
  equal(sdk.AuditLog.verify("a.log", true, { head }), log.head);
  sdk.atomicWriteFile("a.log", short);
  equal(sdk.AuditLog.verify("a.log").count, 1);
  const missing = throws("broken-chain", () => sdk.AuditLog.verify("a.log", true, { head }));
  equal([missing.record, missing.reason], [2, "it is missing, for the head that was kept counts 2 records"]);
  new sdk.AuditLog("a.log").append("B");
  const other = throws("broken-chain", () => sdk.AuditLog.verify("a.log", true, { head }));
  assert(other.record === 2 && other.reason.startsWith("its hash is "), other.message);
});

test("a log that is broken is shown and continued", () => {
  const log = new sdk.AuditLog("a.log");
  const before = log.append("a");
  sdk.appendFile("a.log", "2 nonsense\n3 more");
  throws("broken-chain", () => log.append("b"));
  const text = sdk.readFile("a.log");
  const found = sdk.AuditLog.inspect("a.log");
  const reason = "its line is not one of an audit log";
  equal(found, { head: before, breaks: [], broken: { record: 2, reason }, brokenSize: 17 });
  const continued = sdk.AuditLog.continueBroken("a.log");
  const kept = continued.head;
  assert(sdk.readFile("a.log").startsWith(text), "it stays");
  const end = continued.append("b");
  equal([kept.count, end.count], [2, 3]);
  equal(sdk.AuditLog.continueBroken("a.log").head, end);
  equal(new sdk.AuditLog("a.log").head, end);
  const breaks = [{ record: 2, reason, size: 19 }];
  equal(sdk.AuditLog.inspect("a.log"), { head: end, breaks, broken: null, brokenSize: 0 });
  const error = throws("broken-chain", () => sdk.AuditLog.verify("a.log"));
  equal([error.record, error.reason], [2, `${reason}; record 2 says so`]);
  throws("broken-chain", () => sdk.AuditLog.verify("a.log", true, { head: before }));
  equal(sdk.AuditLog.verify("a.log", true, { head: kept }), end);
});

test("a payload of a log has a longest length", () => {
  throws("record-too-long", () => new sdk.AuditLog("a.log").append(new Uint8Array(64 * 1024 + 1)));
  new sdk.AuditLog("a.log").append(new Uint8Array(64 * 1024));
  equal(sdk.AuditLog.verify("a.log").count, 1);
});

test("an append can ask how the file ends", () => {
  let end = sdk.appendFileIf("a", "one", new sdk.FileEnd());
  equal(end, sdk.FileEnd.of("one"));
  throws("other-end", () => sdk.appendFileIf("a", "x", new sdk.FileEnd()));
  end = sdk.appendFileIf("a", "two".repeat(1000), end);
  equal([end.size, end.lastBytes.length], [3003, 256]);
  const wrong = end.lastBytes.slice();
  wrong[0] += 1;
  throws("other-end", () => sdk.appendFileIf("a", "x", new sdk.FileEnd(end.size, wrong)));
  throws(TypeError, () => sdk.appendFileIf("a", "x", { size: 0 }));
  sdk.appendFileIf("a", "x", end);
  const reader = sdk.openReader("a");
  reader.skip(2);
  equal(reader.read(1), bytes(0x65));
  reader.skip(2998);
  equal(reader.read(), bytes(0x77, 0x6f, 0x78));
  reader.skip(9);
  throws(TypeError, () => reader.skip(-1));
  reader.close();
});
