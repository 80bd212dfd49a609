// The stack of an error, with the files and lines of the author. See `lines.mjs`.

/** A place in the bundle, as the engines write it. */
const PLACE = /(?:componentize-qjs:user|(?:[\w.-]+\/)*ability)\.js:(\d+)(?::\d+)?/;

/** The frames of an author's code; all of them if none is known. */
export function framesOf(error) {
  const stack = String(error.stack ?? "");
  // One engine begins the stack with the message, the other does not.
  const lines = stack.split("\n").filter((line) => /^\s*at |@/.test(line) && !line.includes("/initializer.js:"));
  const frames = lines.map((line) => line.trim());
  const table = globalThis[Symbol.for("ability-lines")];
  const mapped = table ? frames.map((frame) => mappedFrame(frame, table)) : [];
  const known = mapped.filter((frame) => frame !== null);
  return known.length > 0 ? known : frames;
}

/** A frame as its author would write it; null for one that is not of their code. */
function mappedFrame(frame, { names, runs }) {
  const place = PLACE.exec(frame);
  if (!place) return null;
  const line = Number(place[1]);
  const run = runs.findLast(([first]) => first <= line);
  if (!run || run[1] === -1) return null;
  return frame.replace(place[0], `${names[run[1]]}:${run[2] + line - run[0]}`);
}
