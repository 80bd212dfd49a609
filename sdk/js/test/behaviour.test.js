// The cases of `behaviour/`, with storage in memory.

import { test } from "node:test";
import { memoryStorage } from "ability-storage/testing";
import { cases } from "../behaviour/index.js";

for (const { name, run } of cases) {
  test(name, () => {
    const storage = memoryStorage();
    try {
      run();
    } finally {
      storage.remove();
    }
  });
}
