// The UTF-8 by hand, which engines without TextEncoder use, against that of Node.

import { deepStrictEqual, strictEqual } from "node:assert";
import { test } from "node:test";
import { decodeByHand, encodeByHand, validUpTo } from "../src/text.js";

/** The same numbers at each run. */
function* numbers(seed) {
  for (let state = seed; ; ) {
    state = (state * 48271) % 2147483647;
    yield state;
  }
}

const SAMPLES = [0, 0x41, 0x7f, 0x80, 0xe9, 0x7ff, 0x800, 0x20ac, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x1f600, 0x10ffff];

test("text of any length is encoded and decoded as Node does", () => {
  const next = numbers(1);
  for (let round = 0; round < 300; round += 1) {
    const length = next.next().value % (round < 290 ? 40 : 30_000);
    const points = Array.from({ length }, () => SAMPLES[next.next().value % SAMPLES.length]);
    const text = points.map((point) => String.fromCodePoint(point)).join("");
    const bytes = encodeByHand(text);
    deepStrictEqual(Buffer.from(bytes), Buffer.from(text));
    strictEqual(decodeByHand(bytes), text);
    strictEqual(validUpTo(bytes), bytes.length);
  }
});

test("what is not UTF-8 is refused where Node refuses it", () => {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const leads = [0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff, 0x90, 0x9f, 0xa0, 0x8f];
  const next = numbers(2);
  let refused = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const length = 1 + (next.next().value % 6);
    const bytes = Uint8Array.from({ length }, () => leads[next.next().value % leads.length]);
    let expected = null;
    try {
      expected = strict.decode(bytes);
    } catch {
      refused += 1;
    }
    strictEqual(decodeByHand(bytes), expected, bytes.join(" "));
    strictEqual(validUpTo(bytes) === bytes.length, expected !== null);
  }
  strictEqual(refused > 1000 && refused < 20_000, true);
});
