// What QuickJS lacks of what a JavaScript author counts on: a loop for promises and
// timers, a console, TextEncoder and TextDecoder, and random numbers that differ
// from run to run.

// First: promise-polyfill looks for a timer as it is evaluated.
import { loop } from "./loop.js";
import Promise from "promise-polyfill";
import { console } from "./console.js";
import { TextDecoder, TextEncoder } from "./encoding.js";
import { random } from "./random.js";
import { report } from "./ending.js";

Promise._immediateFn = loop.enqueue;
Promise._unhandledRejectionFn = (error) => {
  loop.failed = true;
  report(error);
};

Object.assign(globalThis, { Promise, console, TextDecoder, TextEncoder });
globalThis.queueMicrotask = loop.enqueue;
Math.random = random;

export { loop };
