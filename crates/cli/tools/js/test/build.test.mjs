// What `build.mjs` says of abilities that cannot be built. Needs `npm ci --omit=dev`.

import { match, ok, strictEqual } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

const TOOLS = path.dirname(import.meta.dirname);
const SDK = path.join(TOOLS, "..", "..", "..", "..", "sdk", "js");

function build(files, ...more) {
  const work = mkdtempSync(path.join(tmpdir(), "ability-js-"));
  const dir = path.join(work, "ability");
  mkdirSync(dir);
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
      writeFileSync(path.join(dir, name), text);
    }
    const args = ["--dir", dir, "--sdk", SDK, "--wit", path.join(SDK, "wit"), "--out", path.join(work, "out", "a.wasm"), ...more];
    const { status, stderr } = spawnSync(process.execPath, [path.join(TOOLS, "build.mjs"), ...args], { encoding: "utf8" });
    let made = [];
    try {
      made = readdirSync(path.join(work, "out"));
    } catch {
      // It did not come that far.
    }
    return { status, stderr, made };
  } finally {
    rmSync(work, { recursive: true });
  }
}

test("an ability is built, and nothing is left beside it", () => {
  const built = build({ "main.js": 'import { print } from "ability-storage"; export const main = () => print("hi");' });
  strictEqual(built.stderr, "");
  strictEqual(built.status, 0);
  strictEqual(built.made.join(), "a.wasm");
});

test("package.json names the module, and packages are bundled", () => {
  const files = {
    "package.json": '\ufeff{\r\n"main": "src/start.js", "type": "module" }\r\n',
    "src/start.js": 'import { twice } from "twice"; export const main = () => twice(0);',
    "node_modules/twice/package.json": '{ "name": "twice", "main": "index.js" }',
    "node_modules/twice/index.js": "exports.twice = (number) => 2 * number;",
  };
  strictEqual(build(files).status, 0);
});

for (const [what, main, words] of [
  ["a syntax error", "export function main() { return 1 +; }", /main\.js:1:\d+: Unexpected/],
  ["no main", "export function min() {}", /exports no function "main": write/],
  ["a module of Node", 'import fs from "node:fs"; export const main = () => fs.x();', /"node:fs" is part of Node, .*files are in "ability-storage"/],
  ["a package that is missing", 'import x from "left-pad"; export const main = () => x();', /Could not resolve "left-pad"/],
  ["a name that the SDK lacks", 'import { nope } from "ability-storage"; export const main = () => nope();', /No matching export .* "nope"/],
  ["await at the top level", "await 1; export function main() {}", /await works inside of functions only/],
  ["an error at the top level", 'throw new Error("at top"); export function main() {}', /failed at build time, when its top level is run:\nError: at top/],
  ["storage at the top level", 'import { readFile } from "ability-storage"; readFile("a"); export function main() {}', /at build time, where there is no storage.* do this in main\(\)/],
]) {
  test(`${what} is said, and nothing is made`, () => {
    const { status, stderr, made } = build({ "main.js": main });
    match(stderr, words);
    ok(!stderr.includes("wasm backtrace"), stderr);
    strictEqual(status, 1);
    strictEqual(made.length, 0);
  });
}

test("what is not there is said", () => {
  match(build({}).stderr, /there is no .*main\.js\. An ability has a main\.js/);
  match(build({ "package.json": "{" }).stderr, /package\.json is not JSON/);
  const wrong = build({ "main.js": "" }, "--engine", "v8");
  match(wrong.stderr, /there is no engine "v8"/);
  strictEqual(wrong.status, 2);
});
