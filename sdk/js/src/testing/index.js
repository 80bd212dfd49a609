// Storage in memory, for the tests of an ability under Node.
//
// It behaves as the real host does, and can be told to fail; nothing outlives it.

import { checkOptions, scopeOf, toBytes } from "../check.js";
import { setHost } from "../host/current.js";
import { decode } from "../text.js";
import { openReader, openWriter } from "./streams.js";
import { BatchFailure, HostError, LIMITS, Volume, versionOf } from "./volume.js";

const LOST = "may have been changed, or not: a test lost the answer to this call";

/** What the host says, and with what. */
const FAILURES = {
  "no-space": ["no-space"],
  "quota-exceeded": ["quota-exceeded", "a test told this call to exceed a quota"],
  "read-only": ["read-only"],
  unavailable: ["unavailable", "a test told this call to find no storage"],
  unconfirmed: ["unconfirmed", "a test told this call not to confirm"],
  "unknown-made": ["unconfirmed", LOST],
  "unknown-not-made": ["unconfirmed", LOST],
  other: ["other", "a test told this call to fail"],
};

/** Those that make the change, and then fail. */
const MADE = ["unconfirmed", "unknown-made"];

/** What a call can meet: one that only reads, one that prepares a change, and a change. */
const READ = ["unavailable", "other"];
const PREPARE = [...READ, "no-space", "quota-exceeded", "read-only"];
const COMMIT = Object.keys(FAILURES);

const OPTIONS = ["files", "userFiles", "limits", "args", "env", "input"];

export function memoryStorage(options = {}) {
  checkOptions(options, OPTIONS, "memoryStorage");
  checkOptions(options.limits ?? {}, Object.keys(LIMITS), "memoryStorage({ limits })");
  return new MemoryStorage(options);
}

class MemoryStorage {
  diskFull = false;
  readOnly = false;
  calls = 0;

  #limits;
  #volumes;
  #previous;
  #failures = new Map();
  #interference = [];
  #output = [];
  #errors = [];
  #input;
  #clock = 0;

  constructor({ files = {}, userFiles = {}, limits = {}, args = [], env = {}, input = "" }) {
    this.#limits = { ...LIMITS, ...limits };
    this.#volumes = { ability: new Volume(this.#limits), user: new Volume(this.#limits) };
    for (const [scope, given] of Object.entries({ ability: files, user: userFiles })) {
      for (const [path, contents] of Object.entries(given)) {
        this.#volumes[scope].commit([writing(path, toBytes(contents), { tag: "any" })]);
      }
    }
    this.#input = toBytes(input);
    this.#previous = setHost(this.#host(args, env));
  }

  /** Takes it away; the storage that was there before, if any, is back. */
  remove() {
    setHost(this.#previous);
  }

  [Symbol.dispose ?? Symbol.for("Symbol.dispose")]() {
    this.remove();
  }

  files(inAbilityDirectory = true) {
    const volume = this.#volumes[scopeOf(inAbilityDirectory)];
    return Object.fromEntries(volume.list("").map((path) => [path, volume.find(path).contents.slice()]));
  }

  texts(inAbilityDirectory = true) {
    const all = Object.entries(this.files(inAbilityDirectory));
    return Object.fromEntries(all.map(([path, contents]) => [path, decode(contents)]));
  }

  get output() {
    return this.#output.join("");
  }

  get errors() {
    return this.#errors.join("");
  }

  failCall(n, failure = "other") {
    if (!Number.isSafeInteger(n) || n < 1) throw new TypeError("calls are counted from 1");
    if (!Object.hasOwn(FAILURES, failure)) {
      throw new TypeError(`a failure is one of ${Object.keys(FAILURES).join(", ")}, not ${failure}`);
    }
    this.#failures.set(this.calls + n, failure);
  }

  interfere(change) {
    this.#interference.push(change);
  }

  /** Counts a call; returns what it is told to fail with. */
  #count(canMeet) {
    this.calls += 1;
    const told = [...this.#failures].sort(([a], [b]) => a - b);
    const due = told.find(([call, failure]) => call <= this.calls && canMeet.includes(failure));
    if (!due) return null;
    const [call, failure] = due;
    this.#failures.delete(call);
    return Object.assign(new HostError(...FAILURES[failure]), { isMade: MADE.includes(failure) });
  }

  #call(answer, canMeet = READ) {
    const failure = this.#count(canMeet);
    if (failure) throw failure;
    return answer();
  }

  #commit(steps, scope, pieces = false) {
    this.#interfere();
    const failure = this.#count(COMMIT);
    if (failure && !failure.isMade) throw new BatchFailure(failure.payload);
    this.#checkDisk(steps);
    const versions = this.#volumes[scope].commit(steps, pieces);
    if (failure) throw new BatchFailure(failure.payload);
    return versions;
  }

  /** A batch of one, whose failure is that of its step. */
  #change(step, scope, pieces) {
    try {
      return this.#commit([step], scope, pieces)[0];
    } catch (failure) {
      if (!(failure instanceof BatchFailure)) throw failure;
      const { tag, val } = failure.payload.error;
      throw new HostError(tag, val);
    }
  }

  #appendIf(file, scope, end) {
    this.#interfere();
    // What no file has, so that the rest is checked as for any append.
    const holds = this.#volumes[scope].endsWith(file.path, end);
    const precondition = holds ? { tag: "any" } : { tag: "version", val: "another end" };
    try {
      this.#change({ change: { tag: "append", val: file }, precondition }, scope);
    } catch (failure) {
      if (failure instanceof HostError && failure.payload.tag === "conflict") throw new HostError("conflict");
      throw failure;
    }
  }

  #interfere() {
    const changes = this.#interference;
    const [calls, failures] = [this.calls, this.#failures];
    this.#interference = [];
    this.#failures = new Map();
    try {
      for (const change of changes.splice(0, 1)) change();
    } finally {
      this.calls = calls;
      this.#failures = failures;
      this.#interference.unshift(...changes);
    }
  }

  #checkDisk(steps) {
    if (this.readOnly) throw new BatchFailure({ tag: "read-only" });
    const adds = steps.some(({ change }) => change.tag !== "delete");
    if (this.diskFull && adds) throw new BatchFailure({ tag: "no-space" });
  }

  #host(args, env) {
    const volumes = this.#volumes;
    const any = { tag: "any" };
    const streams = {
      limits: this.#limits,
      open: 0,
      read: (answer) => this.#call(answer),
      prepare: (answer) => this.#call(answer, PREPARE),
      commit: (step, scope) => this.#change(step, scope, true),
      isFull: () => this.diskFull,
      isReadOnly: () => this.readOnly,
    };
    return {
      exists: (path, scope) => this.#call(() => volumes[scope].exists(path)),
      read: (path, scope) => this.#call(() => volumes[scope].read(path)),
      readVersioned: (path, scope) =>
        this.#call(() => {
          const contents = volumes[scope].read(path);
          return { contents, version: versionOf(contents) };
        }),
      stat: (path, scope) =>
        this.#call(() => {
          const { contents, modified } = volumes[scope].find(path);
          const seconds = Math.floor(modified / 1000);
          return { size: contents.length, seconds, nanoseconds: (modified % 1000) * 1e6 };
        }),
      list: (prefix, scope) => this.#call(() => volumes[scope].list(prefix)),
      atomicWrite: (path, contents, scope) => void this.#change(writing(path, contents, any), scope),
      atomicWriteIf: (path, contents, scope, precondition) =>
        this.#change(writing(path, contents, precondition), scope),
      append: (path, contents, scope) =>
        void this.#change({ change: { tag: "append", val: { path, contents } }, precondition: any }, scope),
      appendIf: (path, contents, scope, end) => this.#appendIf({ path, contents }, scope, end),
      rename: (source, target, scope) =>
        void this.#change({ change: { tag: "rename", val: { source, target } }, precondition: any }, scope),
      delete: (path, scope) =>
        void this.#change({ change: { tag: "delete", val: path }, precondition: any }, scope),
      commit: (steps, scope) => this.#commit(steps, scope),
      openWriter: (path, scope, precondition) => openWriter(streams, volumes[scope], path, scope, precondition),
      openReader: (path, scope) => openReader(streams, volumes[scope], path),
      arguments: () => ["ability", ...args],
      environment: () => Object.entries(env),
      readInput: (maxBytes) => {
        if (this.#input.length === 0) return null;
        const chunk = this.#input.subarray(0, maxBytes);
        this.#input = this.#input.subarray(maxBytes);
        return chunk;
      },
      writeOutput: (bytes) => void this.#output.push(decode(bytes)),
      writeErrors: (bytes) => void this.#errors.push(decode(bytes)),
      // A clock of its own, so that no test has to wait.
      now: () => this.#clock,
      sleep: (milliseconds) => {
        this.#clock += milliseconds;
      },
      randomBytes: (count) => globalThis.crypto.getRandomValues(new Uint8Array(count)),
    };
  }
}

function writing(path, contents, precondition) {
  return { change: { tag: "write", val: { path, contents } }, precondition };
}
