// An ability that keeps a list of things to do.

import { State, StorageError, args, print, printError } from "ability-storage";

const FILE = "list.json";
const USAGE = "usage: add TEXT | done NUMBER | list";

export function main() {
  try {
    run(args()).forEach((item, index) => print(`${index + 1} ${item}`));
    return 0;
  } catch (error) {
    // For example: "list.json was not changed: the disk is full".
    if (!(error instanceof RangeError || error instanceof StorageError)) throw error;
    printError(error.message);
    return 1;
  }
}

/** Does what the arguments say, and returns the list as it is then. */
export function run([command = "list", word, ...more]) {
  const list = new State(FILE, { default: [] });
  const isAlone = word === undefined;
  if (command === "list" && isAlone) return list.value;
  if (!["add", "done"].includes(command) || isAlone || more.length > 0) throw new RangeError(USAGE);
  const change = command === "add" ? (items) => [...items, word] : (items) => without(items, word);
  // The file is written before `update` returns. The change is made again if another
  // instance writes at the same time, so that nothing is lost.
  return list.update(change);
}

function without(items, number) {
  const index = items.findIndex((_, index) => String(index + 1) === number);
  if (index < 0) throw new RangeError(`there is no item ${number}`);
  return items.toSpliced(index, 1);
}
