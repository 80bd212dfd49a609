// Ten megabytes of the worst that a file can hold, whole and cut off: it must take less
// than a second, and no more than three times its size.

import { test } from "node:test";
import { ok } from "node:assert";
import { Worker } from "node:worker_threads";

const LENGTH = 10_000_000;

/** The file itself is outside of this. What an engine needs before it reads anything is
 * some five megabytes. */
const MAX_MEGABYTES = 2 * 10 + 5;

/** What takes long or much, if anything does: a unit again and again, between two texts. */
const WORST = {
  "escaped JSON": ['{"a":"', '{\\"a\\":\\"b\\"},', ""],
  backslashes: ['"', "\\", ""],
  quotes: ["", '"', ""],
  brackets: ["", "[", ""],
  "brackets that are closed": ["[".repeat(200), "[]", "]".repeat(200)],
  braces: ["", '{"a":', ""],
  digits: ["", "9", ""],
  "an exponent": ["1e", "9", ""],
  "white space": ["[", " ", "]"],
  "surrogate pairs": ['"', "\\ud83d\\ude00", '"'],
  "halves of pairs": ['"', "\\ud83d", '"'],
  "one text": ['"', "x", '"'],
  "two bytes a character": ['"', "é", '"'],
  "four bytes a character": ['"', "😀", '"'],
};

/** Of these the value itself is larger than the file, in every JavaScript. */
const LARGE_VALUES = {
  "short texts": ["[", '"a",', '""]'],
  "brackets in text": ["[", '"[",', '""]'],
  "items of a list": ["[", "1,", "1]"],
  fractions: ["[", "1e5,", "1]"],
  lists: ["[", "[],", "1]"],
  objects: ["[", "{},", "1]"],
  "one name again and again": ["{", '"a":1,', '"b":1}'],
};

function read([before, unit, after], length, resourceLimits) {
  return new Promise((resolve, reject) => {
    const workerData = { unit, before, after, length };
    const worker = new Worker(new URL("worst.js", import.meta.url), { workerData, resourceLimits });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

function lengths([before, unit, after]) {
  const whole = before.length + LENGTH + after.length;
  return [whole, whole - 1, Math.floor((whole / 3) * 2) + 1, Math.floor(whole / 7)];
}

for (const [name, parts] of Object.entries({ ...WORST, ...LARGE_VALUES })) {
  const resourceLimits = name in WORST ? { maxOldGenerationSizeMb: MAX_MEGABYTES } : {};
  // To make millions of values takes the engine itself up to a second on a busy machine.
  const limit = name in WORST ? 1 : 3;
  for (const length of lengths(parts)) {
    test(`worst: ${name}, ${length} bytes`, async () => {
      const { code, seconds } = await read(parts, length, resourceLimits);
      ok([null, "corrupt", "unsupported"].includes(code), code);
      ok(length > LENGTH / 2 || code !== null, "what is cut off is no JSON");
      ok(seconds < limit, `${seconds} s`);
    });
  }
}
