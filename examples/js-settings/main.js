// An ability that keeps settings, in JavaScript.
//
//   get           all settings
//   get KEY       one of them
//   set KEY VALUE
//   history       who changed what, in an order that nobody can change unseen

import { AuditLog, State, StorageError, args, print, printError } from "ability-storage";

const HISTORY = "history.log";

/** Version 1 had one city; since 2 there are several values, each by its name. */
function settings() {
  return new State("settings.json", {
    default: { values: {} },
    schemaVersion: 2,
    migrations: { 1: ({ city }) => ({ values: city === undefined ? {} : { city } }) },
  });
}

export function main() {
  const [command = "get", key, value] = args();
  try {
    return run(command, key, value);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    // For example: "settings.json was not changed: the disk is full".
    printError(error.message);
    return 1;
  }
}

function run(command, key, value) {
  if (command === "get" && key === undefined) return getAll();
  if (command === "get") return get(key);
  if (command === "set" && value !== undefined) return set(key, value);
  if (command === "history") return history();
  printError("usage: get [KEY] | set KEY VALUE | history");
  return 1;
}

function getAll() {
  for (const [key, value] of Object.entries(settings().value.values)) print(`${key} = ${value}`);
}

function get(key) {
  const { values } = settings().value;
  if (!Object.hasOwn(values, key)) {
    printError(`${key} is not set`);
    return 1;
  }
  print(values[key]);
}

function set(key, value) {
  // No change of another instance is lost, and a crash leaves the old file or the new.
  settings().update(({ values }) => ({ values: { ...values, [key]: value } }));
  new AuditLog(HISTORY).append(`${key} = ${value}`);
}

function history() {
  for (const { sequence, text } of AuditLog.records(HISTORY)) print(`${sequence}: ${text}`);
}
