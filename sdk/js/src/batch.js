// `Batch`: several changes, all made or none.
//
// Collects steps and hands them to the host as they are. Must never split a batch, never
// leave out a step, and never commit what was derived from contents that have changed.

import { checkFunction, checkPath, kind, preconditionOf, scopeOf, toBytes } from "./check.js";
import { fromHost, fromRename } from "./errors.js";
import { host } from "./host/current.js";
import { Faster, again, hasCode, readIfThere } from "./retry.js";

const ANY = { tag: "any" };

/** What the modules of this package ask of a batch, and authors do not. */
export const THEN = Symbol("registers a callback for the version that the last step writes");
const SCOPE = Symbol("where the files are");
const COMMIT = Symbol("commits a batch that is lent");
const LEND = Symbol("refuses `commit` to whoever has the batch");

export class Batch {
  #scope;
  #steps = [];
  /** What was read, in this order: it must still be so when the steps are made. */
  #read = new Map();
  /** Called with the version that a step wrote, once the batch is committed. */
  #callbacks = [];
  #isLent = false;

  constructor(inAbilityDirectory = true) {
    this.#scope = scopeOf(inAbilityDirectory);
  }

  write(path, contents) {
    return this.#add("write", fileContents(path, contents), ANY);
  }

  writeIf(path, contents, options) {
    return this.#add("write", fileContents(path, contents), preconditionOf(options));
  }

  append(path, contents) {
    return this.#add("append", fileContents(path, contents), ANY);
  }

  appendIf(path, contents, options) {
    return this.#add("append", fileContents(path, contents), preconditionOf(options));
  }

  rename(src, dst) {
    return this.#add("rename", { source: checkPath(src), target: checkPath(dst) }, ANY);
  }

  renameIf(src, dst, options) {
    const files = { source: checkPath(src), target: checkPath(dst) };
    return this.#add("rename", files, preconditionOf(options));
  }

  delete(path) {
    return this.#add("delete", checkPath(path), ANY);
  }

  deleteIf(path, options) {
    return this.#add("delete", checkPath(path), preconditionOf(options));
  }

  get length() {
    return this.#steps.length;
  }

  read(path) {
    let wanted = checkPath(path);
    const added = [];
    for (const { change } of [...this.#steps].reverse()) {
      const { tag, val } = change;
      if (tag === "rename") {
        if (val.target === wanted) wanted = val.source;
        else if (val.source === wanted) return joined(null, added);
      } else if (tag === "delete") {
        if (val === wanted) return joined(null, added);
      } else if (val.path === wanted) {
        if (tag === "write") return joined(val.contents, added);
        added.push(val.contents);
      }
    }
    if (!this.#read.has(wanted)) this.#read.set(wanted, readIfThere(wanted, this.#scope === "ability"));
    return joined(this.#read.get(wanted)?.contents ?? null, added);
  }

  commit() {
    if (this.#isLent) throw new TypeError("updateBatch commits its batch itself; nothing was changed");
    return this[COMMIT]();
  }

  [COMMIT]() {
    const conditions = Array.from(this.#read, ([path, file]) => unchanged(path, file));
    let made;
    try {
      made = host().commit([...conditions, ...this.#steps], this.#scope);
    } catch (error) {
      throw this.#blamed(error, conditions);
    }
    const versions = Array.from(made, (version) => version ?? null).slice(conditions.length);
    for (const [step, callback] of this.#callbacks) callback(versions[step]);
    return versions;
  }

  [LEND]() {
    this.#isLent = true;
    return this;
  }

  get [SCOPE]() {
    return this.#scope;
  }

  [THEN](callback) {
    this.#callbacks.push([this.#steps.length - 1, callback]);
  }

  #add(tag, val, precondition) {
    this.#steps.push({ change: { tag, val }, precondition });
    return this;
  }

  #blamed(error, conditions) {
    const failure = error?.payload;
    if (!failure?.error) return error;
    const at = failure.step ?? conditions.length;
    const blamed = stepError({ payload: failure.error }, [...conditions, ...this.#steps][at]?.change);
    // A condition is no step: a file that was read has changed since.
    const step = failure.step >= conditions.length ? failure.step - conditions.length : null;
    blamed.message = `${SAID_OF_ALL[blamed.outcome]}: ${blamed.message}`;
    blamed.step = step;
    return blamed;
  }
}

const SAID_OF_ALL = {
  "not-applied": "no step of the batch was made",
  unconfirmed: "the whole batch was made",
  unknown: "all of the batch was made, or none",
};

/** That it is a batch, of files in the same place as what takes part in it. */
export function checkBatch(batch, inAbilityDirectory) {
  if (!(batch instanceof Batch)) throw new TypeError(`pass the Batch to take part in, not ${kind(batch)}`);
  if (inAbilityDirectory === undefined || scopeOf(inAbilityDirectory) === batch[SCOPE]) return;
  throw new TypeError("all files of a batch are in the same place; nothing was changed");
}

/** `change` gets an empty batch, reads in it, and adds steps; again if others were faster. */
export function updateBatch(change, inAbilityDirectory = true) {
  checkFunction(change, "change");
  return again(() => {
    const batch = new Batch(inAbilityDirectory)[LEND]();
    const result = change(batch);
    if (typeof result?.then === "function") {
      throw new TypeError("a change cannot be asynchronous, and was not made: return the new value itself");
    }
    try {
      batch[COMMIT]();
    } catch (error) {
      // Else it is a condition of the author's own.
      if (hasCode(error, "conflict") && error.step === null) throw new Faster(error);
      throw error;
    }
    return result;
  });
}

/** Contents, and what was added to them, the last first. */
function joined(contents, added) {
  if (contents === null && added.length === 0) return null;
  const parts = [contents ?? new Uint8Array(0), ...added.reverse()];
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let end = 0;
  for (const part of parts) {
    whole.set(part, end);
    end += part.length;
  }
  return whole;
}

/** A step that changes nothing, on condition that the file is still as it was read. */
function unchanged(path, file) {
  if (file === null) return { change: { tag: "delete", val: path }, precondition: { tag: "absent" } };
  const val = { source: path, target: path };
  return { change: { tag: "rename", val }, precondition: { tag: "version", val: file.version } };
}

function fileContents(path, contents) {
  // A copy: the caller may use the memory again before the commit.
  return { path: checkPath(path), contents: Uint8Array.from(toBytes(contents, path)) };
}

function stepError(error, change) {
  switch (change?.tag) {
    case "write":
    case "append":
      return fromHost(error, change.val.path);
    case "rename":
      return fromRename(error, change.val.source, change.val.target);
    case "delete":
      return fromHost(error, change.val);
    default:
      return fromHost(error, "");
  }
}
