// A to-do list: each argument is added; then the list is shown.

import { args, print, updateJson } from "ability-storage";

export function main() {
  // Loses no item, also when several instances run at once.
  const items = updateJson("todo.json", (old) => [...old, ...args()], []);
  for (const item of items) print(`- ${item}`);
}
