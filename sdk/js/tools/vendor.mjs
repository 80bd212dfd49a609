// Makes ../vendor/sha256.js of the pinned @noble/hashes, so that the SDK works where
// nothing was installed: in a component, and in the tests of an ability.

import { writeFile } from "node:fs/promises";
import { build } from "esbuild";

export async function made() {
  const { outputFiles } = await build({
    stdin: {
      contents: `export { sha256 } from "@noble/hashes/sha2.js";`,
      resolveDir: import.meta.dirname,
    },
    absWorkingDir: import.meta.dirname,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    treeShaking: true,
    legalComments: "inline",
    banner: { js: "// Made by tools/vendor.mjs of @noble/hashes 2.4.0 (MIT, Paul Miller). Do not edit." },
  });
  return outputFiles[0].text;
}

if (process.argv[1] === import.meta.filename) {
  await writeFile(new URL("../vendor/sha256.js", import.meta.url), await made());
}
