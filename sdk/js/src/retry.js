// Read, change, write conditionally, and again if someone else was faster.
//
// Must never write what was not derived from the contents that it replaces, and never
// repeat a write that may have been applied.

import { StorageError } from "./errors.js";
import { atomicWriteFileIf, readWithVersion } from "./files.js";
import { host } from "./host/current.js";

/** How long this is tried. An attempt fails only because another writer succeeded, so
 * it is reached only where many write without a pause. */
const PATIENCE = 60_000;

/** For hosts whose clock stands still: more attempts than fit into the time. */
const MOST_ATTEMPTS = 100_000;

/** It keeps the number of writers that collide small even where a commit takes long. */
const LONGEST_PAUSE = 256;

/** Another writer was faster; `conflict` is how that was noticed. Not an error that an
 * author sees, nor one that a change of theirs could throw. */
export class Faster {
  constructor(conflict) {
    this.conflict = conflict;
  }
}

/** What `attempt` returns, as soon as it does not throw `Faster`. */
export function again(attempt) {
  const started = host().now();
  for (let attempts = 1; ; attempts += 1) {
    try {
      return attempt();
    } catch (thrown) {
      if (!(thrown instanceof Faster)) throw thrown;
      if (host().now() - started >= PATIENCE || attempts >= MOST_ATTEMPTS) throw thrown.conflict;
    }
    host().sleep(Math.random() * Math.min(2 ** attempts, LONGEST_PAUSE));
  }
}

/** `change` gets what is there, or `null`, and returns the new `contents` with whatever
 * else the caller wants back. Returns that, with the version written. */
export function update(path, inAbilityDirectory, change) {
  return again(() => {
    const old = readIfThere(path, inAbilityDirectory);
    const changed = change(old);
    const expected = { version: old?.version ?? null };
    const write = () => atomicWriteFileIf(path, changed.contents, expected, inAbilityDirectory);
    return { ...changed, version: unlessFaster(write) };
  });
}

/** What `commit` returns; a conflict becomes `Faster`. */
export function unlessFaster(commit) {
  try {
    return commit();
  } catch (error) {
    if (hasCode(error, "conflict")) throw new Faster(error);
    throw error;
  }
}

/** What is at `path`, with its version; `null` if there is no file. */
export function readIfThere(path, inAbilityDirectory) {
  try {
    return readWithVersion(path, inAbilityDirectory);
  } catch (error) {
    if (hasCode(error, "not-found")) return null;
    throw error;
  }
}

export function hasCode(error, code) {
  return error instanceof StorageError && error.code === code;
}
