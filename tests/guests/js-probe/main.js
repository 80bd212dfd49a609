// Runs the behaviour suite of the JavaScript SDK in the sandbox, in the real host.
//
// Prints lines in the manner of TAP; the exit code is 1 if a case fails. Arguments:
// none, for all cases; words, for the cases whose names contain one of them; or a
// command of `commands.js`.

import { args, deleteFile, listFiles, print } from "ability-storage";
import { cases } from "../../../sdk/js/behaviour/index.js";
import { commands } from "./commands.js";
import "./sandbox.js";

export async function main() {
  const [word, ...rest] = args();
  if (Object.hasOwn(commands, word ?? "")) return commands[word](...rest);
  const wanted = cases.filter(({ name }) => !word || args().some((some) => name.includes(some)));
  print(`1..${wanted.length}`);
  let failed = 0;
  for (const [index, { name, run }] of wanted.entries()) {
    removeAll();
    try {
      await run();
      print(`ok ${index + 1} - ${name}`);
    } catch (error) {
      failed += 1;
      print(`not ok ${index + 1} - ${name}`);
      print(`# ${error?.message ?? error}`);
    }
  }
  removeAll();
  return failed > 0 || wanted.length === 0 ? 1 : 0;
}

function removeAll() {
  for (const inAbilityDirectory of [true, false]) {
    for (const path of listFiles("", inAbilityDirectory)) deleteFile(path, inAbilityDirectory);
  }
}
