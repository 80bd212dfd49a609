// Which line of an author's file each line of a bundle comes from, for stack traces.
//
// The table is appended to the bundle: runs of lines that follow one another in one file,
// as [first line of the bundle, file, first line of the file]. A file of -1 is code that no
// author wrote. `runtime/stack.js` reads it. What the bundle writes on one line counts as
// where that begins: an expression that its author broke into lines, as its first line.

import path from "node:path";

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The code that sets the table. `map` is the source map of a bundle that lies in `dir`. */
export function tableOf(map, { dir, sdk }) {
  const { sources, mappings } = JSON.parse(map);
  const names = sources.map((source) => nameOf(path.resolve(dir, source), dir, sdk));
  const table = JSON.stringify({ names, runs: runsOf(mappings, names) });
  return `globalThis[Symbol.for("ability-lines")] = ${table};\n`;
}

/** A file as its author calls it; none for what the build adds. */
function nameOf(file, dir, sdk) {
  if (isIn(file, import.meta.dirname)) return null;
  if (isIn(file, sdk)) return `ability-storage/${path.relative(sdk, file)}`;
  return isIn(file, dir) ? path.relative(dir, file) : file;
}

function isIn(file, directory) {
  return file.startsWith(directory + path.sep);
}

function runsOf(mappings, names) {
  const runs = [];
  let [source, line] = [0, 0];
  mappings.split(";").forEach((segments, at) => {
    let first;
    for (const segment of segments.split(",")) {
      const [, sourceStep, lineStep] = numbersOf(segment);
      if (sourceStep === undefined) continue;
      source += sourceStep;
      line += lineStep;
      first ??= names[source] === null ? [-1, 0] : [source, line + 1];
    }
    const [file, start] = first ?? [-1, 0];
    const last = runs.at(-1);
    const follows = last?.[1] === file && (file === -1 || last[2] + (at + 1 - last[0]) === start);
    if (!follows) runs.push([at + 1, file, start]);
  });
  return runs;
}

/** The numbers of one segment of a source map. */
function numbersOf(segment) {
  const numbers = [];
  let [value, shift] = [0, 0];
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value += (bits & 31) * 2 ** shift;
    shift += 5;
    if (bits & 32) continue;
    numbers.push(value % 2 === 1 ? -(value - 1) / 2 : value / 2);
    [value, shift] = [0, 0];
  }
  return numbers;
}
