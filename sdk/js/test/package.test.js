// That the parts of the package belong together.

import { deepStrictEqual, strictEqual } from "node:assert";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import * as sdk from "ability-storage";

const text = (name) => readFile(new URL(`../${name}`, import.meta.url), "utf8");

test("the SHA-256 is that of the pinned package", async (t) => {
  const { made } = await import("../tools/vendor.mjs").catch(() => ({}));
  if (!made) return t.skip("npm ci was not run in tools/");
  strictEqual(await text("vendor/sha256.js"), await made());
});

test("the types name what is exported", async () => {
  const types = await text("index.d.ts");
  const named = [...types.matchAll(/^export (?:function|class) (\w+)/gm)].map(([, name]) => name);
  deepStrictEqual([...new Set(named)].sort(), Object.keys(sdk).sort());
});

test("the types name the codes that are thrown", async () => {
  const [, union] = (await text("index.d.ts")).match(/type ErrorCode =([^;]*);/);
  const named = [...union.matchAll(/"([a-z0-9-]+)"/g)].map(([, code]) => code);
  const sources = await Promise.all(
    ["errors", "counter", "state", "audit/log"].map((name) => text(`src/${name}.js`)),
  );
  for (const code of named) {
    strictEqual(sources.some((source) => source.includes(`"${code}"`) || source.includes(`  ${code}: (`)), true, code);
  }
});
