// A loop for jobs and timers: what an engine's own would do between two events.
//
// Nothing may be run before `begin`: modules are evaluated at build time, where there
// is no clock to wait for.

import { host } from "ability-storage/runtime";

const jobs = [];
const timers = new Map();
let lastTimer = 0;

function enqueue(job) {
  jobs.push(job);
}

function runJobs() {
  // The array grows while it is gone through.
  for (let at = 0; at < jobs.length; at += 1) {
    const job = jobs[at];
    jobs[at] = undefined;
    job();
  }
  jobs.length = 0;
}

function addTimer(callback, delay, args, repeat) {
  const milliseconds = Math.max(1, Number(delay) || 0);
  lastTimer += 1;
  timers.set(lastTimer, {
    due: host().now() + milliseconds,
    call: () => callback(...args),
    every: repeat ? milliseconds : null,
  });
  return lastTimer;
}

function runNextTimer() {
  let next;
  for (const [id, timer] of timers) {
    if (!next || timer.due < next.timer.due) next = { id, timer };
  }
  if (!next) return false;
  const wait = next.timer.due - host().now();
  if (wait > 0) host().sleep(wait);
  if (next.timer.every === null) timers.delete(next.id);
  else next.timer.due = host().now() + next.timer.every;
  next.timer.call();
  return true;
}

export const loop = {
  /** Whether something failed that nobody was told of. */
  failed: false,

  /** Whether main() was called: before, a module is being evaluated at build time. */
  begun: false,

  begin() {
    loop.begun = true;
  },

  enqueue,

  /** Runs jobs and timers until `ended`, and the jobs that are left then. Returns
   * false if there is nothing left to wait for. */
  runUntil(ended) {
    for (;;) {
      runJobs();
      if (ended()) return true;
      if (!runNextTimer()) return false;
    }
  },
};

globalThis.setTimeout = (callback, delay, ...args) => addTimer(callback, delay, args, false);
globalThis.setInterval = (callback, delay, ...args) => addTimer(callback, delay, args, true);
globalThis.setImmediate = (callback, ...args) => addTimer(callback, 0, args, false);
globalThis.clearTimeout = globalThis.clearInterval = globalThis.clearImmediate = (id) => {
  timers.delete(id);
};
