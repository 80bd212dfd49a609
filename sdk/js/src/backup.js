// `writeFileWithBackup`: a new version of a file, and the one before it.
//
// Both change in one commit: at no moment is there neither the old contents nor the new.

import { Batch } from "./batch.js";
import { checkPath, toBytes } from "./check.js";
import { atomicWriteFileIf, readFile, readFileBytes } from "./files.js";
import { Faster, again, hasCode, readIfThere, unlessFaster } from "./retry.js";

/** Where the backup of the file at `path` is: `notes/state.backup.json`. The ending
 * stays, for hosts that allow only text files, and for editors. */
export function backupPath(path) {
  return beside(path, "backup");
}

/** A path in the same directory, with `word` before the ending. */
export function beside(path, word) {
  const start = path.lastIndexOf("/") + 1;
  const dot = path.lastIndexOf(".");
  if (dot <= start) return `${path}.${word}`;
  return `${path.slice(0, dot)}.${word}${path.slice(dot)}`;
}

export function writeFileWithBackup(path, contents, inAbilityDirectory = true) {
  checkPath(path);
  const bytes = toBytes(contents, path);
  again(() => {
    const old = readOrKeep(path, inAbilityDirectory);
    if (old === null || (old !== UNREAD && same(old.contents, bytes))) {
      // Written before a crash, and now again: the backup is not to become the same.
      const expected = { version: old?.version ?? null };
      unlessFaster(() => atomicWriteFileIf(path, bytes, expected, inAbilityDirectory));
      return;
    }
    const batch = new Batch(inAbilityDirectory);
    // Changes nothing, on condition that it is still what was read. What was too large for
    // that is kept, whoever wrote it.
    if (old !== UNREAD) batch.renameIf(path, path, { version: old.version });
    batch.rename(path, backupPath(path)).writeIf(path, bytes, { version: null });
    try {
      unlessFaster(() => batch.commit());
    } catch (error) {
      // Someone has deleted it meanwhile.
      if (hasCode(error, "not-found")) throw new Faster(error);
      throw error;
    }
  });
}

export function readBackup(path, inAbilityDirectory = true) {
  return readFile(backupPath(checkPath(path)), inAbilityDirectory);
}

export function readBackupBytes(path, inAbilityDirectory = true) {
  return readFileBytes(backupPath(checkPath(path)), inAbilityDirectory);
}

const UNREAD = Symbol("a file that is too large to be read whole, and can be kept");

function readOrKeep(path, inAbilityDirectory) {
  try {
    return readIfThere(path, inAbilityDirectory);
  } catch (error) {
    if (hasCode(error, "too-large")) return UNREAD;
    throw error;
  }
}

function same(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
