// Reads one file in a worker of which the memory is limited: see `worst.test.js`.

import { parentPort, workerData } from "node:worker_threads";
import { parse } from "../src/json/read.js";

const { unit, before, after, length } = workerData;
const bytes = Buffer.concat([Buffer.from(before), Buffer.alloc(10_000_000, unit), Buffer.from(after)]).subarray(0, length);
const started = process.cpuUsage();
let code = null;
try {
  parse("s.json", bytes);
} catch (error) {
  code = error.code ?? String(error);
}
const { user, system } = process.cpuUsage(started);
parentPort.postMessage({ code, seconds: (user + system) / 1e6 });
