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

test("a second writer of a log is noticed before it does harm", () => {
  const [one, two] = [new sdk.AuditLog("a.log"), new sdk.AuditLog("a.log")];
  one.append("a");
  throws("log-changed", () => two.append("b"));
  equal(sdk.AuditLog.verify("a.log"), one.head);
  sdk.deleteFile("a.log");
  throws("log-changed", () => one.append("c"));
  throws("record-too-long", () => new sdk.AuditLog("a.log").append(new Uint8Array(64 * 1024 + 1)));
  new sdk.AuditLog("a.log").append(new Uint8Array(64 * 1024));
  equal(sdk.AuditLog.verify("a.log").count, 1);
  throws("not-found", () => sdk.AuditLog.verify("b.log"));
});
