// One ES module of an ability, its SDK, its packages and the entry of its engine.
//
// What only the host can give (`ability:*`, `wasi:*`) stays imported; whatever else
// cannot be found is an error that tells the author what to do.

import { readFile, stat } from "node:fs/promises";
import { builtinModules } from "node:module";
import path from "node:path";
import { build } from "esbuild";
import { Failure } from "./failure.mjs";
import { tableOf } from "./lines.mjs";

const SDK = "ability-storage";

/** The source text of the bundle, with what stack traces need to name the author's files
 * and lines. `entry` is a module of this folder that gets the
 * ability as `ability:main`; `target` says what the engine cannot run as it is. */
export async function bundle({ dir, sdk, entry, target }) {
  const main = await findMain(dir);
  const options = {
    entryPoints: [entry],
    bundle: true,
    write: false,
    outfile: path.join(dir, "bundle.js"),
    sourcemap: "external",
    sourcesContent: false,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["ability", "module"],
    external: ["wasi:*", "ability:*"],
    charset: "utf8",
    logLevel: "silent",
    absWorkingDir: dir,
    plugins: [findAbility(main), findSdk(dir, sdk), explainBuiltins()],
    ...target,
  };
  try {
    const { outputFiles } = await build(options);
    const textOf = (ending) => outputFiles.find((file) => file.path.endsWith(ending)).text;
    return textOf(".js") + tableOf(textOf(".js.map"), { dir, sdk });
  } catch (error) {
    if (!error.errors) throw error;
    throw new Failure(error.errors.map((one) => explained(one, main)).join("\n"));
  }
}

async function findMain(dir) {
  const manifest = path.join(dir, "package.json");
  let main = "main.js";
  const text = await readFile(manifest, "utf8").catch((error) => {
    if (error.code === "ENOENT") return "{}";
    throw new Failure(`${manifest} cannot be read: ${error.message}`);
  });
  try {
    // A byte order mark, as some editors write, is no reason not to build.
    main = JSON.parse(text.replace(/^\ufeff/, "")).main ?? main;
  } catch (error) {
    throw new Failure(`${manifest} is not JSON: ${error.message}`);
  }
  const file = path.resolve(dir, String(main));
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) {
    throw new Failure(
      `there is no ${file}. An ability has a main.js, or names another module as "main" in its package.json`,
    );
  }
  return file;
}

/** `ability-main` is the module of the author. */
function findAbility(main) {
  return {
    name: "ability",
    setup(build) {
      build.onResolve({ filter: /^ability-main$/ }, () => ({ path: main }));
    },
  };
}

/** The SDK that the ability has installed; else the one that comes with the tools. */
function findSdk(dir, sdk) {
  return {
    name: "sdk",
    setup(build) {
      build.onResolve({ filter: /^ability-storage(\/|$)/ }, async (args) => {
        if (args.pluginData === SDK) return undefined;
        const resolve = (resolveDir) =>
          build.resolve(args.path, { kind: args.kind, resolveDir, pluginData: SDK });
        const installed = await resolve(dir);
        return installed.errors.length === 0 ? installed : resolve(sdk);
      });
    },
  };
}

/** Modules of Node that an ability cannot have. */
function explainBuiltins() {
  const names = new Set(builtinModules);
  return {
    name: "builtins",
    setup(build) {
      build.onResolve({ filter: /^(node:)?[a-z_/0-9]+$/ }, async (args) => {
        const name = args.path.replace(/^node:/, "");
        if (!names.has(name) || args.pluginData === "builtins") return undefined;
        const found = await build.resolve(args.path, {
          kind: args.kind,
          resolveDir: args.resolveDir,
          pluginData: "builtins",
        });
        if (found.errors.length === 0) return found;
        const instead = /^fs/.test(name) ? `; files are in "${SDK}"` : "";
        return { errors: [{ text: `"${args.path}" is part of Node, and not of the sandbox${instead}` }] };
      });
    },
  };
}

function explained(error, main) {
  const place = error.location
    ? `${error.location.file}:${error.location.line}:${error.location.column + 1}: `
    : "";
  if (/No matching export in .* for import "main"/.test(error.text)) {
    return `${main} exports no function "main": write "export function main() { … }"`;
  }
  if (/Top-level await/.test(error.text)) {
    return `${place}await works inside of functions only: a module is run once at build time, main() at each start`;
  }
  return place + error.text;
}
