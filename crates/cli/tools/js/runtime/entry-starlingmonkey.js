// The command of an ability in StarlingMonkey, which has promises and timers itself.

// First, because modules may ask for random numbers as they are evaluated.
import { begin as beginRandom } from "./globals-starlingmonkey.js";
import { main } from "ability-main";
import { begin } from "ability-storage/runtime";
import { exitCode, report } from "./ending.js";

export const run = {
  async run() {
    beginRandom();
    begin();
    let code;
    try {
      code = exitCode(await main());
    } catch (error) {
      code = report(error);
    }
    if (code !== 0) throw undefined;
  },
};
