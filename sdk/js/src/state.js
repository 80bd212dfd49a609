// `State`: a value of the ability's own, kept as JSON in one file.
//
// Must never take a file that it cannot read for an empty one, and never overwrite what
// it has not seen.

import { beside } from "./backup.js";
import { Batch, THEN, checkBatch } from "./batch.js";
import { checkFunction, checkOptions, checkPath, kind, scopeOf } from "./check.js";
import { StorageError, corrupt, notSerializable, shown } from "./errors.js";
import { atomicWriteFileIf } from "./files.js";
import { host } from "./host/current.js";
import { parse } from "./json/read.js";
import { stringify } from "./json/write.js";
import { Faster, again, hasCode, readIfThere, update } from "./retry.js";
import { encode } from "./text.js";
import { changed, fresh } from "./update.js";

/** The member of the object in the file that holds the schema version. */
const SCHEMA_KEY = "schema_version";

/** More corrupt files of one state are not kept: something is wrong that goes on. */
const MOST_QUARANTINED = 1000;

const OPTIONS = ["default", "schemaVersion", "migrations", "inAbilityDirectory"];

export class State {
  #path;
  #default;
  #schema;
  #migrations;
  #inAbilityDirectory;
  #version = null;
  /** What the file holds, as far as this state knows, for a look whether `value` differs. */
  #saved = null;
  /** The file of which `value` was read as it is; what `#saved` is of it costs too much to be
   * made before it is needed. */
  #loaded = null;

  value;
  quarantined = null;

  constructor(path, options = {}) {
    checkOptions(options, OPTIONS, "State");
    const { schemaVersion, migrations, inAbilityDirectory = true } = options;
    scopeOf(inAbilityDirectory);
    this.#path = checkPath(path);
    this.#default = "default" in options ? options.default : {};
    this.#schema = checkedSchema(schemaVersion, migrations);
    this.#migrations = { ...migrations };
    this.#inAbilityDirectory = inAbilityDirectory;
    this.reload();
  }

  reload() {
    const { value, version, loaded = null } = again(() => {
      const file = readIfThere(this.#path, this.#inAbilityDirectory);
      return this.#orAside(file, () => ({
        value: this.#decode(file),
        version: file?.version ?? null,
        // What a migration returns may be another value each time.
        loaded: this.#schema === null ? file : null,
      }));
    });
    this.#settle(value, version, loaded);
  }

  save() {
    const contents = this.#encode(this.value);
    const expected = { version: this.#version };
    this.#version = atomicWriteFileIf(this.#path, contents, expected, this.#inAbilityDirectory);
    this.#saved = contents;
    this.#loaded = null;
  }

  update(change) {
    checkFunction(change, "change");
    if (this.#isChanged()) this.save();
    const { value, version } = update(this.#path, this.#inAbilityDirectory, (file) => {
      const before = this.#orAside(file, () => ({ value: this.#decode(file) }));
      // What was corrupt is elsewhere now: begin again, with nothing there.
      if (before.aside) throw new Faster(before.conflict);
      const value = changed(before.value, change);
      return { contents: this.#encode(value), value };
    });
    this.#settle(value, version);
    return value;
  }

  updateIn(batch, change) {
    checkFunction(change, "change");
    checkBatch(batch, this.#inAbilityDirectory);
    if (this.#isChanged()) this.save();
    const contents = batch.read(this.#path);
    const value = changed(this.#decode(contents === null ? null : { contents }), change);
    batch.write(this.#path, this.#encode(value));
    batch[THEN]((version) => this.#settle(value, version));
    return value;
  }

  #settle(value, version, loaded = null) {
    this.value = value;
    this.#version = version;
    this.#loaded = loaded;
    this.#saved = loaded === null ? this.#encodeIfThere(value) : null;
  }

  /** Whether `value` is another one than when it was loaded or saved. */
  #isChanged() {
    if (this.#loaded !== null) this.#saved = this.#encodeIfThere(this.#decode(this.#loaded));
    this.#loaded = null;
    return this.#encodeIfThere(this.value) !== this.#saved;
  }

  /** What `decode` returns; if the file is corrupt, it is moved aside for the default. */
  #orAside(file, decode) {
    try {
      return decode();
    } catch (error) {
      // One of another file, out of a migration, is not ours to mend.
      if (file === null || !hasCode(error, "corrupt") || error.path !== this.#path) throw error;
      this.#quarantine(file, error);
      return { value: fresh(this.#path, this.#default), version: null, aside: true, conflict: error };
    }
  }

  #decode(file) {
    if (file === null) return fresh(this.#path, this.#default);
    const value = parse(this.#path, file.contents);
    if (this.#schema === null) return value;
    if (!isObject(value)) throw corrupt(this.#path, "it should hold a JSON object");
    const { [SCHEMA_KEY]: found = 0, ...rest } = value;
    if (!(Number.isSafeInteger(found) || typeof found === "bigint") || found < 0) {
      throw corrupt(this.#path, `its ${SCHEMA_KEY} is no number from 0 on`);
    }
    if (found > this.#schema) {
      throw this.#schemaError("newer-schema", found, `this program knows only up to ${this.#schema}`);
    }
    let migrated = rest;
    for (let version = found; version < this.#schema; version += 1) {
      const migration = this.#migrations[version];
      if (!migration) {
        throw this.#schemaError("schema", found, `there is no migration from it to version ${this.#schema}`);
      }
      migrated = changed(migrated, migration);
    }
    return migrated;
  }

  /** A default that is `undefined` is no value yet. */
  #encodeIfThere(value) {
    return value === undefined ? null : this.#encode(value);
  }

  #encode(value) {
    if (this.#schema === null) return stringify(this.#path, value);
    if (!isObject(value)) {
      throw notSerializable(this.#path, "with a schema version, it must be an object");
    }
    if (Object.hasOwn(value, SCHEMA_KEY)) {
      throw notSerializable(this.#path, `its key ${SCHEMA_KEY} is that of State`);
    }
    return stringify(this.#path, { [SCHEMA_KEY]: this.#schema, ...value });
  }

  #schemaError(code, found, reason) {
    const message = `${shown(this.#path)} was left as it is: its schema version is ${found}, and ${reason}`;
    return new StorageError(code, this.#path, message, { found, supported: this.#schema });
  }

  /** Moves aside what was read, unless someone else was faster. */
  #quarantine(file, error) {
    for (let number = 1; number <= MOST_QUARANTINED; number += 1) {
      const aside = beside(this.#path, `corrupt-${number}`);
      try {
        new Batch(this.#inAbilityDirectory)
          // Nothing but what was found to be corrupt may be moved.
          .writeIf(this.#path, file.contents, { version: file.version })
          .renameIf(this.#path, aside, { version: null })
          .commit();
      } catch (failure) {
        if (hasCode(failure, "conflict")) {
          if (failure.step === 0) throw new Faster(failure);
          continue;
        }
        if (failure.outcome !== "not-applied") throw failure;
        error.cause = failure;
        throw error;
      }
      this.quarantined = aside;
      const warning = `${shown(this.#path)} was corrupt (${error.reason}); it is kept as ${shown(aside)}\n`;
      host().writeErrors(encode(warning));
      return;
    }
    throw error;
  }
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkedSchema(schemaVersion, migrations) {
  if (schemaVersion === undefined) {
    if (migrations) throw new TypeError("migrations need a schemaVersion");
    return null;
  }
  if (!Number.isSafeInteger(schemaVersion) || schemaVersion < 1) {
    throw new TypeError(`a schemaVersion is a whole number from 1, not ${typeof schemaVersion === "number" ? schemaVersion : kind(schemaVersion)}`);
  }
  for (const [version, migration] of Object.entries(migrations ?? {})) {
    if (!/^\d+$/.test(version) || Number(version) >= schemaVersion) {
      throw new TypeError(`there is no use for a migration from ${version}`);
    }
    checkFunction(migration, `the migration from ${version}`);
  }
  return schemaVersion;
}
