// `Counter`.

import * as sdk from "ability-storage";
import { equal, test, throws } from "./expect.js";

test("a counter gives each number once", () => {
  const tickets = new sdk.Counter("t.txt", false);
  equal([tickets.value(), tickets.next(), tickets.add(100), tickets.next()], [0, 1, 101, 102]);
  equal([sdk.readFile("t.txt", false), tickets.add(0)], ["102", 102]);
});

test("a count that is none is refused, and says why", () => {
  const counter = new sdk.Counter("t.txt");
  for (const [count, reason] of [
    [1e30, "a count is at most 9007199254740991, not 1e+30"],
    [1.5, "a count is a whole number from 0 on, not 1.5"],
    [-1, "a count is a whole number from 0 on, not -1"],
    ["7", "a count is a whole number from 0 on, not string"],
  ]) {
    for (const call of [() => counter.add(count), () => counter.addIn(new sdk.Batch(), count)]) {
      equal(throws(TypeError, call).message, `t.txt was not changed: ${reason}`);
    }
  }
  equal(sdk.checkIfFileExists("t.txt"), false);
});

test("a counter that a person repaired counts; a corrupt one stays", () => {
  const counter = new sdk.Counter("c");
  sdk.atomicWriteFile("c", "41\n");
  equal(counter.next(), 42);
  for (const corrupt of ["", "\n", "x", "+7", "-1", "1 ", "1\n\n", "1.0", "１", "18446744073709551616"]) {
    sdk.atomicWriteFile("c", corrupt);
    throws("corrupt", () => counter.next());
    throws("corrupt", () => counter.value());
    equal(sdk.readFile("c"), corrupt);
  }
});

test("a counter ends and does not begin again", () => {
  const counter = new sdk.Counter("c");
  for (const last of ["9007199254740991", "18446744073709551615"]) {
    sdk.atomicWriteFile("c", last);
    throws("counter-exhausted", () => counter.next());
    equal(sdk.readFile("c"), last);
  }
  throws("counter-exhausted", () => counter.value());
  sdk.atomicWriteFile("c", "9007199254740990");
  equal(counter.next(), Number.MAX_SAFE_INTEGER);
});
