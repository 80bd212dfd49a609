// `Batch`: several changes, all made or none.
//
// Collects steps and hands them to the host as they are. Must never split a batch, and
// never leave out a step.

import { checkPath, preconditionOf, scopeOf, toBytes } from "./check.js";
import { fromHost, fromRename } from "./errors.js";
import { host } from "./host/current.js";

const ANY = { tag: "any" };

export class Batch {
  #scope;
  #steps = [];

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

  commit() {
    try {
      return Array.from(host().commit(this.#steps, this.#scope), (version) => version ?? null);
    } catch (error) {
      throw this.#blamed(error);
    }
  }

  #add(tag, val, precondition) {
    this.#steps.push({ change: { tag, val }, precondition });
    return this;
  }

  #blamed(error) {
    const failure = error?.payload;
    if (!failure?.error) return error;
    const step = failure.step ?? null;
    const blamed = stepError({ payload: failure.error }, this.#steps[step ?? 0]?.change);
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

function fileContents(path, contents) {
  // A copy: the caller may use the memory again before the commit.
  return { path: checkPath(path), contents: Uint8Array.from(toBytes(contents)) };
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
