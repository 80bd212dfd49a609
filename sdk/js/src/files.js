// One function for each call on one file: check what was given, call, name the path.
//
// No logic belongs here, and nothing may be retried or written more than once.

import { checkPath, preconditionOf, scopeOf, toBytes } from "./check.js";
import { checkEnd } from "./end.js";
import { StorageError, fromHost, fromRename, notUtf8, otherEnd } from "./errors.js";
import { host } from "./host/current.js";
import { decode, validUpTo } from "./text.js";

export function atomicWriteFile(path, contents, inAbilityDirectory = true) {
  call(path, inAbilityDirectory, (scope) => host().atomicWrite(path, toBytes(contents, path), scope));
}

export function atomicWriteFileIf(path, contents, options, inAbilityDirectory = true) {
  const precondition = preconditionOf(options);
  return call(path, inAbilityDirectory, (scope) =>
    host().atomicWriteIf(path, toBytes(contents, path), scope, precondition),
  );
}

export function checkIfFileExists(path, inAbilityDirectory = true) {
  return call(path, inAbilityDirectory, (scope) => host().exists(path, scope));
}

export function readFile(path, inAbilityDirectory = true) {
  return toText(path, readFileBytes(path, inAbilityDirectory));
}

export function readFileBytes(path, inAbilityDirectory = true) {
  return call(path, inAbilityDirectory, (scope) => host().read(path, scope));
}

export function readWithVersion(path, inAbilityDirectory = true) {
  return call(path, inAbilityDirectory, (scope) => {
    const { contents, version } = host().readVersioned(path, scope);
    return new Snapshot(path, contents, version);
  });
}

export function appendFile(path, contents, inAbilityDirectory = true) {
  call(path, inAbilityDirectory, (scope) => host().append(path, toBytes(contents, path), scope));
}

export function appendFileIf(path, contents, end, inAbilityDirectory = true) {
  const { size, lastBytes } = checkEnd(end);
  const bytes = toBytes(contents, path);
  try {
    call(path, inAbilityDirectory, (scope) => host().appendIf(path, bytes, scope, { size, lastBytes }));
  } catch (error) {
    throw error instanceof StorageError && error.code === "conflict" ? otherEnd(path) : error;
  }
  return end.and(bytes);
}

export function replaceFile(src, dst, inAbilityDirectory = true) {
  checkPath(src);
  checkPath(dst);
  const scope = scopeOf(inAbilityDirectory);
  try {
    host().rename(src, dst, scope);
  } catch (error) {
    throw fromRename(error, src, dst);
  }
}

export function deleteFile(path, inAbilityDirectory = true) {
  call(path, inAbilityDirectory, (scope) => host().delete(path, scope));
}

export function listFiles(prefix = "", inAbilityDirectory = true) {
  return call(prefix, inAbilityDirectory, (scope) => host().list(prefix, scope));
}

export function statFile(path, inAbilityDirectory = true) {
  return call(path, inAbilityDirectory, (scope) => {
    const { size, seconds, nanoseconds } = host().stat(path, scope);
    const modified = new Date(seconds * 1000 + Math.floor(nanoseconds / 1e6));
    // A time beyond what a Date can hold is no reason for an ability to stop.
    return { size, modified: Number.isNaN(modified.getTime()) ? new Date(0) : modified };
  });
}

/** The contents of a file, and the version they are. */
export class Snapshot {
  #path;

  constructor(path, contents, version) {
    this.#path = path;
    this.contents = contents;
    this.version = version;
  }

  /** The contents as text. */
  get text() {
    return toText(this.#path, this.contents);
  }
}

export function toText(path, bytes) {
  const text = decode(bytes);
  if (text === null) throw notUtf8(path, validUpTo(bytes));
  return text;
}

function call(path, inAbilityDirectory, ask) {
  checkPath(path);
  const scope = scopeOf(inAbilityDirectory);
  try {
    return ask(scope);
  } catch (error) {
    throw fromHost(error, path);
  }
}
