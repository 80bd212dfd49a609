// Runs the cases of `sdk/cases/behaviours.json` with this SDK.

import { deepStrictEqual, ok, strictEqual } from "node:assert";
import * as sdk from "ability-storage";
import { memoryStorage } from "ability-storage/testing";

const decoder = new TextDecoder();

/** One case, with the objects that its steps have made. */
export class Play {
  #case;
  #storage;
  #states = {};
  #logs = {};

  constructor(found) {
    this.#case = found;
  }

  run() {
    const { files = {}, steps, then = {}, logs = {} } = this.#case;
    this.#storage = memoryStorage({ files });
    try {
      this.#all(steps);
      const found = Object.entries(this.#storage.texts()).filter(([path]) => !(path in logs));
      deepStrictEqual(Object.fromEntries(found), then);
      for (const [path, payloads] of Object.entries(logs)) {
        deepStrictEqual(Array.from(sdk.AuditLog.records(path), (record) => record.text), payloads);
      }
    } finally {
      this.#storage.remove();
    }
  }

  #all(steps) {
    for (const step of steps) this.#checked(step);
  }

  /** Makes a step, and compares what comes of it. */
  #checked(step) {
    if (step.meanwhile) this.#storage.interfere(() => this.#all(step.meanwhile));
    if (step.failure) this.#storage.failCall(step.call ?? 1, step.failure);
    let given;
    try {
      given = this.#make(step);
    } catch (error) {
      strictEqual(codeOf(error), step.fails, error.stack);
      if ("outcome" in step) {
        deepStrictEqual([error.outcome, error.isApplied], [step.outcome, step.outcome === "unconfirmed"]);
      }
      if ("step" in step) strictEqual(error.step, step.step);
      if ("says" in step) ok(error.message.includes(step.says), error.message);
      return;
    }
    strictEqual(undefined, step.fails);
    if ("gives" in step) deepStrictEqual(given, step.gives);
  }

  /** Makes a step on its own. */
  #make(step) {
    const { path, text, value } = step;
    switch (step.do) {
      case "read":
        return sdk.readFile(path);
      case "write":
        return sdk.atomicWriteFile(path, text);
      case "append":
        return sdk.appendFile(path, text);
      case "delete":
        return sdk.deleteFile(path);
      case "backup":
        return sdk.writeFileWithBackup(path, text);
      case "file-add":
        return sdk.updateFile(path, (old) => (old ? decoder.decode(old) : "") + text);
      case "file-return":
        return sdk.updateFile(path, () => value);
      case "json-push":
        return sdk.updateJson(path, (values) => [...values, value], []);
      case "counter-next":
        return new sdk.Counter(path).next();
      case "state":
        this.#states[step.as] = new sdk.State(path, { inAbilityDirectory: step.place !== "user" });
        return undefined;
      case "state-set":
        this.#states[step.as].value[step.key] = value;
        return undefined;
      case "state-save":
        return this.#states[step.as].save();
      case "state-update":
        return this.#states[step.as].update((state) => ({ ...state, [step.key]: value }));
      case "log":
        this.#logs[step.as] = new sdk.AuditLog(path);
        return undefined;
      case "log-append":
        return this.#logs[step.as].append(text).count;
      case "batch": {
        const batch = new sdk.Batch();
        this.#allIn(batch, step.steps);
        return batch.commit();
      }
      case "update-batch":
        return this.#updateBatch(step);
      default:
        return this.#look(step);
    }
  }

  #look(step) {
    if (step.do === "state-value") return structuredClone(this.#states[step.as].value);
    if (step.do === "log-count") return this.#logs[step.as].count;
    throw new Error(`there is no step ${step.do}`);
  }

  #updateBatch(step) {
    let tries = 0;
    try {
      sdk.updateBatch((batch) => {
        tries += 1;
        this.#allIn(batch, step.steps, tries === 1);
      });
    } finally {
      if ("tries" in step) strictEqual(tries, step.tries);
    }
  }

  #allIn(batch, steps, isFirst = true) {
    for (const step of steps) {
      if (step.do === "others") {
        if (isFirst) this.#all(step.steps);
        continue;
      }
      const given = this.#makeIn(batch, step);
      if ("gives" in step) deepStrictEqual(given, step.gives);
    }
  }

  /** Makes a step as a part of a batch. */
  #makeIn(batch, step) {
    const { path, text, value } = step;
    switch (step.do) {
      case "read": {
        const contents = batch.read(path);
        return contents && decoder.decode(contents);
      }
      case "write":
        return batch.write(path, text);
      case "create":
        return batch.writeIf(path, text, { version: null });
      case "append":
        return batch.append(path, text);
      case "rename":
        return batch.rename(path, step.target);
      case "delete":
        return batch.delete(path);
      case "take":
        return batch.write(path, String(Number(decoder.decode(batch.read(path) ?? new Uint8Array())) - step.count));
      case "counter-next":
        return new sdk.Counter(path).nextIn(batch);
      case "json-push":
        return sdk.updateJsonIn(batch, path, (values) => [...values, value], []);
      case "state-update":
        return this.#states[step.as].updateIn(batch, (state) => ({ ...state, [step.key]: value }));
      case "log-append":
        return this.#logs[step.as].appendIn(batch, text).count;
      case "commit":
        return batch.commit();
      case "throw":
        throw new RangeError("thrown");
      default:
        return this.#look(step);
    }
  }
}

function codeOf(error) {
  if (error instanceof sdk.StorageError) return error.code;
  if (error instanceof RangeError) return "thrown";
  if (error instanceof TypeError) return error.message.startsWith("updateBatch commits") ? "misuse" : "type";
  return error.name;
}
