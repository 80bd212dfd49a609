// What an ability finds in the sandbox beside storage, in every engine.

import { args, env, sleep } from "ability-storage";
import { assert, equal, test, throws } from "../../../sdk/js/behaviour/expect.js";

/** Once, at build time: no start may have them. */
const AT_BUILD = [Math.random(), Math.random(), Math.random()];

test("random numbers are not those of the build", () => {
  const now = [Math.random(), Math.random(), Math.random()];
  assert(now.every((number) => number >= 0 && number < 1 && !AT_BUILD.includes(number)), `${now}`);
  const many = Array.from({ length: 1000 }, () => Math.random());
  equal(new Set(many).size, 1000);
  assert(Math.abs(many.reduce((sum, number) => sum + number) / 1000 - 0.5) < 0.1, "they are not spread");
});

test("the clock goes, and a sleep takes its time", () => {
  const before = Date.now();
  assert(before > 1_700_000_000_000, String(before));
  sleep(30);
  const took = Date.now() - before;
  assert(took >= 29 && took < 10_000, `${took} ms`);
  throws(TypeError, () => sleep(-1));
});

test("promises, async functions and timers", async () => {
  const order = [];
  setTimeout(() => order.push("timer"), 200);
  const dropped = setTimeout(() => order.push("dropped"), 1);
  clearTimeout(dropped);
  queueMicrotask(() => order.push("job"));
  await null;
  order.push("first");
  async function* numbers() {
    yield 1;
    await new Promise((resolve) => setTimeout(resolve, 1));
    yield 2;
  }
  for await (const number of numbers()) order.push(number);
  const caught = await Promise.reject(new RangeError("no")).catch((error) => error.message);
  const all = await Promise.all([1, Promise.resolve(2), new Promise((resolve) => setTimeout(resolve, 400, 3))]);
  const settled = await Promise.allSettled([Promise.reject(new Error("x")), 1]);
  equal([order, caught, all], [["job", "first", 1, 2, "timer"], "no", [1, 2, 3]]);
  equal(settled.map(({ status }) => status), ["rejected", "fulfilled"]);
  let ticks = 0;
  await new Promise((resolve) => {
    const interval = setInterval(() => {
      ticks += 1;
      if (ticks < 3) return;
      clearInterval(interval);
      resolve();
    }, 1);
  });
  equal(ticks, 3);
});

test("text is encoded and decoded as on the web", () => {
  equal(Array.from(new TextEncoder().encode("é\ud800")), [0xc3, 0xa9, 0xef, 0xbf, 0xbd]);
  const decoded = (...bytes) => new TextDecoder().decode(Uint8Array.from(bytes));
  equal(decoded(0xef, 0xbb, 0xbf, 0x61), "a");
  equal(decoded(0xff, 0x61), "\ufffda");
  equal(decoded(0xe2, 0x82, 0x61), "\ufffda");
  equal(decoded(0xf0, 0x9f, 0x98), "\ufffd");
  equal(decoded(0xed, 0xa0, 0x80), "\ufffd\ufffd\ufffd");
  equal(decoded(0xc0, 0x80, 0xf4, 0x90), "\ufffd\ufffd\ufffd\ufffd");
  throws(TypeError, () => new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.of(0xff)));
});

test("resources are given back by using", () => {
  const order = [];
  {
    using first = { [Symbol.dispose]: () => order.push("disposed") };
    order.push(typeof first);
  }
  equal(order, ["object", "disposed"]);
});

test("arguments and variables are those of the command line", () => {
  assert(args().every((arg) => typeof arg === "string"), "arguments");
  equal(env("NO_SUCH_VARIABLE"), undefined);
});
