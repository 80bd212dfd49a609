// A volume in memory: one of the two places of a storage for tests.
//
// It does what the engine's volume in memory does. A change is played on a copy, which
// replaces the files as a whole; so a step that fails leaves nothing.

import { sha256 } from "../../vendor/sha256.js";
import { hex } from "../audit/chain.js";
import { brokenRule, byBytes, isUnder } from "./paths.js";

const TEXT_ENDINGS = [".txt", ".csv", ".json", ".md", ".log", ".yaml", ".yml", ".count"];
const MOST_STEPS = 10_000;

/** Those of the host. */
export const LIMITS = {
  maxFileBytes: 2 ** 30,
  maxTotalBytes: 2 ** 32,
  maxFiles: 100_000,
  maxDepth: 32,
  maxValueBytes: 64 * 2 ** 20,
  maxStreams: 32,
  textFilesOnly: false,
};

/** What the host says, as the engines hand it on. */
export class HostError extends Error {
  constructor(tag, val) {
    super(tag);
    this.payload = { tag, val };
  }
}

/** What the host says of a batch. */
export class BatchFailure extends Error {
  constructor(error, step) {
    super(error.tag);
    this.payload = { step, error };
  }
}

export class Volume {
  files = new Map();

  constructor(limits) {
    this.limits = limits;
  }

  find(path) {
    checkRules(path);
    const file = this.files.get(path);
    if (!file) throw new HostError("not-found");
    return file;
  }

  exists(path) {
    checkRules(path);
    return this.files.has(path);
  }

  read(path) {
    const { contents } = this.find(path);
    this.checkLength(contents.length);
    return contents.slice();
  }

  /** Whether a file ends so; none ends as an empty one does. */
  endsWith(path, { size, lastBytes }) {
    const contents = this.files.get(path)?.contents ?? new Uint8Array(0);
    const start = contents.length - lastBytes.length;
    return contents.length === size && start >= 0 && lastBytes.every((byte, at) => contents[start + at] === byte);
  }

  list(prefix) {
    // A lone slash stays, to be refused as what it is.
    const directory = prefix.length > 1 && prefix.endsWith("/") ? prefix.slice(0, -1) : prefix;
    if (prefix !== "") checkRules(directory);
    const paths = [...this.files.keys()];
    return paths.filter((path) => prefix === "" || isUnder(path, directory)).sort(byBytes);
  }

  /** Makes all changes, or none. In `pieces`: no call carried their contents. Throws
   * `BatchFailure`. */
  commit(steps, pieces = false) {
    if (steps.length > MOST_STEPS) {
      const text = `a batch has at most ${MOST_STEPS} steps, and this one has ${steps.length}`;
      throw new BatchFailure(new HostError("quota-exceeded", text).payload);
    }
    if (!pieces) this.#checkTotal(steps);
    steps.forEach(({ change }, index) => blaming(index, () => pathsOf(change).forEach(checkRules)));
    const after = new Map(this.files);
    const deciders = new Map();
    const versions = steps.map((step, index) => {
      deciders.set(pathsOf(step.change).at(-1), index);
      return blaming(index, () => this.#play(after, step));
    });
    for (const [path, index] of [...deciders].sort(([one], [other]) => byBytes(one, other))) {
      if (!after.has(path)) continue;
      blaming(index, () => {
        checkPlace(after, path);
        this.#checkUsage(path, after);
      });
    }
    this.files = after;
    return versions;
  }

  checkLength(length) {
    if (length > this.limits.maxValueBytes) throw new HostError("too-large", this.limits.maxValueBytes);
  }

  checkFile(length) {
    if (length > this.limits.maxFileBytes) throw new HostError("too-large", this.limits.maxFileBytes);
  }

  checkPath(path) {
    if (path.split("/").length > this.limits.maxDepth) {
      throw notAFile(`it has more than ${this.limits.maxDepth} components`);
    }
    const endsWell = TEXT_ENDINGS.some((ending) => path.toLowerCase().endsWith(ending));
    if (this.limits.textFilesOnly && !endsWell) {
      throw notAFile(`it must end in one of ${TEXT_ENDINGS.join(", ")}`);
    }
  }

  #checkTotal(steps) {
    let total = 0;
    steps.forEach(({ change }, index) => {
      total += change.val.contents?.length ?? 0;
      blaming(index, () => this.checkLength(total));
    });
  }

  #checkUsage(path, after) {
    const { maxTotalBytes, maxFiles } = this.limits;
    const total = totalBytes(after);
    if (total > maxTotalBytes && total > totalBytes(this.files)) {
      throw quotaExceeded(path, `all files together would exceed ${maxTotalBytes} bytes`);
    }
    if (after.size > maxFiles && after.size > this.files.size) {
      throw quotaExceeded(path, `there would be more than ${maxFiles} files`);
    }
  }

  #play(files, { change: { tag, val }, precondition }) {
    const target = pathsOf({ tag, val }).at(-1);
    if (tag !== "delete") this.checkPath(target);
    if (tag === "write") this.checkFile(val.contents.length);
    checkPrecondition(files.get(target), precondition);
    switch (tag) {
      case "write":
        files.set(target, file(val.contents.slice()));
        return versionOf(val.contents);
      case "append": {
        const old = files.get(target)?.contents ?? [];
        const both = new Uint8Array(old.length + val.contents.length);
        both.set(old);
        both.set(val.contents, old.length);
        this.checkFile(both.length);
        files.set(target, file(both));
        return undefined;
      }
      case "rename": {
        const moved = files.get(val.source);
        if (!moved) throw new HostError("not-found");
        checkMove(val.source, target);
        files.delete(val.source);
        files.set(target, moved);
        return undefined;
      }
      default:
        files.delete(target);
        return undefined;
    }
  }
}

export function versionOf(contents) {
  return hex(sha256(contents));
}

export function checkRules(path) {
  const reason = brokenRule(path);
  if (reason === null) return;
  const said = `${JSON.stringify(path.slice(0, 1024))} cannot name a file: ${reason}`;
  throw new HostError("invalid-path", said);
}

function file(contents) {
  return { contents, modified: Date.now() };
}

function pathsOf({ tag, val }) {
  if (tag === "rename") return [val.source, val.target];
  return [tag === "delete" ? val : val.path];
}

function blaming(step, call) {
  try {
    return call();
  } catch (error) {
    if (error instanceof HostError) throw new BatchFailure(error.payload, step);
    throw error;
  }
}

function checkPrecondition(found, { tag, val }) {
  if (tag === "any") return;
  const version = found && versionOf(found.contents);
  if (version !== (tag === "absent" ? undefined : val)) throw new HostError("conflict", version);
}

/** No file can move to where its own path is a directory, or into one that has it. */
function checkMove(source, target) {
  if (source === target) return;
  if (isUnder(target, source)) throw notAFile(`${source} is not a directory`);
  if (isUnder(source, target)) throw notAFile("it is the directory of other files");
}

/** A path is a file or a directory of others, never both, as on a disk. */
function checkPlace(files, path) {
  const components = path.split("/");
  for (let end = 1; end < components.length; end += 1) {
    const ancestor = components.slice(0, end).join("/");
    if (files.has(ancestor)) throw notAFile(`${ancestor} is not a directory`);
  }
  if ([...files.keys()].some((other) => other.startsWith(`${path}/`))) {
    throw notAFile("it is the directory of other files");
  }
}

function totalBytes(files) {
  let total = 0;
  for (const { contents } of files.values()) total += contents.length;
  return total;
}

function notAFile(reason) {
  return new HostError("invalid-path", reason);
}

function quotaExceeded(path, reason) {
  return new HostError("quota-exceeded", `${path} was not changed: ${reason}`);
}
