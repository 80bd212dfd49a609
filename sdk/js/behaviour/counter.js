// `Counter`.

import * as sdk from "ability-storage";
import { equal, test, throws } from "./expect.js";

test("a counter gives each number once", () => {
  const tickets = new sdk.Counter("t.txt", false);
  equal([tickets.value(), tickets.next(), tickets.add(100), tickets.next()], [0, 1, 101, 102]);
  equal([sdk.readFile("t.txt", false), tickets.add(0)], ["102", 102]);
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
