// The command of an ability in QuickJS: runs `main()`, and our own loop until what it
// returned is settled.

// First, because modules look for these globals as they are evaluated.
import { loop } from "./globals-quickjs.js";
import { main } from "ability-main";
import { begin } from "ability-storage/runtime";
import { exitCode, report, STUCK } from "./ending.js";

export const run = {
  run() {
    let ended = false;
    let code = 0;
    const end = (settle) => (value) => {
      ended = true;
      code = settle(value);
    };
    begin();
    loop.begin();
    try {
      Promise.resolve(main()).then(end(exitCode), end(report));
    } catch (error) {
      end(report)(error);
    }
    if (!loop.runUntil(() => ended)) end(report)(STUCK);
    if (code !== 0 || loop.failed) throw undefined;
  },
};
