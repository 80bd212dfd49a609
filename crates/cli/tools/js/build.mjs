#!/usr/bin/env node
// Makes a component of a JavaScript ability: bundles it with its SDK, wraps its
// `main` as `wasi:cli/run`, and puts the chosen engine around it.
//
// It must never leave half a component at `--out`, and never give an ability what
// the host does not: no WASI interface is stubbed or added.
//
// Exit codes: 0 built; 1 the ability cannot be built, and why is on standard error;
// 2 the command line is wrong; 3 a tool is missing or broken.

import { mkdir, mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { bundle } from "./bundle.mjs";
import { Failure, MISSING_TOOL, WRONG_USAGE } from "./failure.mjs";

const USAGE = `usage: node build.mjs --dir DIR --sdk DIR --wit DIR --out FILE [--engine ENGINE]

  --dir DIR        the ability: main.js, or what "main" in its package.json names
  --sdk DIR        the SDK, used where the ability has not installed ability-storage
  --wit DIR        the WIT package with the world "ability"
  --engine ENGINE  quickjs (default: small, starts at once) or starlingmonkey
  --out FILE       where the component goes`;

async function main() {
  const options = await parse(process.argv.slice(2));
  const engine = await import(`./engine-${options.engine}.mjs`);
  const out = path.resolve(options.out);
  await mkdir(path.dirname(out), { recursive: true });
  // Beside the result, so that the rename stays within one file system.
  const work = await mkdtemp(path.join(path.dirname(out), ".ability-build-"));
  try {
    const source = await bundle({ ...options, entry: engine.entry, target: engine.target });
    const component = await engine.componentize({ source, wit: options.wit, work });
    const made = path.join(work, "made.wasm");
    await writeFile(made, component);
    await rename(made, out);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function parse(args) {
  const text = { type: "string" };
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: { dir: text, sdk: text, wit: text, engine: text, out: text },
    }));
  } catch (error) {
    throw new Failure(`${error.message}\n${USAGE}`, WRONG_USAGE);
  }
  const missing = ["dir", "sdk", "wit", "out"].filter((name) => !values[name]);
  if (missing.length > 0) {
    throw new Failure(`--${missing[0]} is missing\n${USAGE}`, WRONG_USAGE);
  }
  const engine = values.engine ?? "quickjs";
  if (engine !== "quickjs" && engine !== "starlingmonkey") {
    throw new Failure(`there is no engine "${engine}"\n${USAGE}`, WRONG_USAGE);
  }
  for (const name of ["dir", "sdk", "wit"]) {
    values[name] = path.resolve(values[name]);
    const found = await stat(values[name]).catch(() => null);
    if (!found?.isDirectory()) {
      throw new Failure(`--${name}: there is no directory ${values[name]}`, WRONG_USAGE);
    }
  }
  return { ...values, engine };
}

try {
  await main();
} catch (error) {
  if (error instanceof Failure) {
    console.error(error.message);
    process.exitCode = error.exitCode;
  } else if (error?.code === "ERR_MODULE_NOT_FOUND") {
    console.error(`the build tools are not installed: ${error.message}`);
    process.exitCode = MISSING_TOOL;
  } else {
    console.error(error);
    process.exitCode = MISSING_TOOL;
  }
}
