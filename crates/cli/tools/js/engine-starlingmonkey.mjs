// StarlingMonkey: the engine of Firefox. Components of 12 MB with more of the web's
// interfaces.
//
// Of its features those that need a network are left out: the host has none.

import { writeFile } from "node:fs/promises";
import path from "node:path";
import { Failure } from "./failure.mjs";

export const entry = path.join(import.meta.dirname, "runtime", "entry-starlingmonkey.js");

export const target = { target: "esnext", supported: { "top-level-await": false, using: false } };

export async function componentize({ source, wit, work }) {
  const engine = await import("@bytecodealliance/componentize-js");
  const sourcePath = path.join(work, "ability.js");
  await writeFile(sourcePath, source);
  try {
    const { component } = await engine.componentize({
      sourcePath,
      witPath: wit,
      worldName: "ability",
      disableFeatures: ["http", "fetch-event"],
    });
    return component;
  } catch (error) {
    throw new Failure(explained(error.message));
  }
}

const AT_TOP_LEVEL = "Exception while evaluating top-level script\n";

function explained(message) {
  const [, thrown] = message.split(AT_TOP_LEVEL);
  if (thrown) {
    const [first] = thrown.split("\nAdditionally, ");
    return `a module failed at build time, when its top level is run:\n${first.trim()}`;
  }
  return `StarlingMonkey cannot take this ability: ${message.trim()}`;
}
