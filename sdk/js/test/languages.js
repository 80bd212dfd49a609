// Loads and saves what other languages write: see `crates/guest/tests/languages.rs`.
//
// A line of standard input is a file in hexadecimal digits. The answer is the file that a
// `State` makes of it, or `-` if it refuses it.

import { createInterface } from "node:readline";
import * as sdk from "ability-storage";
import { memoryStorage } from "ability-storage/testing";

const REFUSALS = ["corrupt", "unsupported", "not-serializable"];

function saved(contents) {
  const storage = memoryStorage({ files: { "s.json": contents } });
  try {
    const state = new sdk.State("s.json");
    state.save();
    return state.quarantined ? "-" : Buffer.from(storage.files()["s.json"]).toString("hex");
  } catch (error) {
    if (REFUSALS.includes(error.code)) return "-";
    throw error;
  } finally {
    storage.remove();
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(saved(Buffer.from(line, "hex")));
}
