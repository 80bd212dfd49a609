// QuickJS: components of 1.7 MB that start in milliseconds.
//
// The engine runs no jobs of promises after a call, so a native promise would never
// be settled: async functions are lowered onto a promise whose jobs our own loop
// runs (`runtime/loop.js`).

import path from "node:path";
import { Failure } from "./failure.mjs";

export const entry = path.join(import.meta.dirname, "runtime", "entry-quickjs.js");

export const target = {
  target: "esnext",
  supported: {
    "async-await": false,
    "async-generator": false,
    "for-await": false,
    "top-level-await": false,
    using: false,
  },
};

export async function componentize({ source, wit }) {
  const { default: engine } = await import("componentize-qjs");
  try {
    const { component } = await engine.componentize({
      witPath: wit,
      world: "ability",
      jsSource: source,
      sync: true,
    });
    return component;
  } catch (error) {
    throw new Failure(explained(error.message));
  }
}

const AT_TOP_LEVEL = "Failed to finish JavaScript module evaluation: ";

function explained(message) {
  const [, thrown] = message.split(AT_TOP_LEVEL);
  if (thrown) return `a module failed at build time, when its top level is run:\n${thrown.trim()}`;
  return `QuickJS cannot take this ability: ${message.trim()}`;
}
