/**
 * Tear-free files for abilities: a file is written whole and durably, or not at all.
 *
 * All calls are synchronous. Those that change a file are durable when they return.
 * The last parameter of all says where a path belongs: `true`, the default, is this
 * ability's own place, `false` the one that all abilities of one user share.
 */

/** Text is written as UTF-8, as it is. */
export type Contents = string | Uint8Array;

/** An opaque token for the contents of a file. Two are equal exactly when the contents
 * are, and a version stays valid when the host restarts. */
export type Version = string;

/** What must be true for a write: the version that was read, or `null`: no file. */
export interface Expected {
  version: Version | null;
}

/** All but `unconfirmed` mean that the file is as it was. */
export type ErrorCode =
  | "not-found"
  | "conflict"
  | "invalid-path"
  | "too-large"
  | "quota-exceeded"
  | "no-space"
  | "read-only"
  | "unavailable"
  | "unconfirmed"
  | "other"
  | "other-end"
  | "not-utf8"
  | "not-encodable"
  | "corrupt"
  | "unsupported"
  | "not-serializable"
  | "schema"
  | "newer-schema"
  | "counter-exhausted"
  | "broken-chain"
  | "log-changed"
  | "record-too-long";

/** Why a call failed. The message names the path and says what happened to the file. */
export class StorageError extends Error {
  private constructor();
  readonly code: ErrorCode;
  /** Of a rename: the source if it was not found, else the target. */
  readonly path: string;
  /** `unconfirmed`: the change is made, but a power cut may still undo it. `unknown`: it is
   * not known whether it was made, all of it or nothing; `code` is `unconfirmed`, too. After
   * both, an unconditional write and a delete can be repeated as they are, and so can
   * `appendFileIf` with the same end. Nothing else can: read the file first. If the change is
   * in it, write what it holds, which confirms that; if it is not, make the change again. */
  readonly outcome: "not-applied" | "unconfirmed" | "unknown";
  /** Whether the change was made although the call failed; false if that is not known. */
  get isApplied(): boolean;
  /** Of a batch: the step that is to blame, from zero; `null` if none is. */
  readonly step?: number | null;
  /** With `conflict`: the version that is there; `null` if there is no file. */
  readonly found?: Version | number | null;
  /** With `too-large` and `record-too-long`: the most bytes allowed. */
  readonly limit?: number;
  /** With `not-utf8`: how many bytes from the start are UTF-8. */
  readonly validUpTo?: number;
  /** With `corrupt`, `unsupported` and `broken-chain`: what is wrong. */
  readonly reason?: string;
  /** With `broken-chain`: the sequence that the first broken record should have. */
  readonly record?: number;
  /** With `schema` and `newer-schema`: the schema version of the program. */
  readonly supported?: number;
  /** With `counter-exhausted`: where the counter stands. */
  readonly value?: bigint;
}

/** Makes `contents` the file at `path`, whole and durable, or not at all. Overwrites
 * whatever is there; where others write too, use `updateJson` or `updateFile`. */
export function atomicWriteFile(path: string, contents: Contents, inAbilityDirectory?: boolean): void;

/** Like `atomicWriteFile`, if the file is still as `expected`; else `conflict`. */
export function atomicWriteFileIf(
  path: string,
  contents: Contents,
  expected: Expected,
  inAbilityDirectory?: boolean,
): Version;

/** Not for deciding whether to write: someone else may be faster. */
export function checkIfFileExists(path: string, inAbilityDirectory?: boolean): boolean;

/** The text of a file; `not-utf8` if it is none. */
export function readFile(path: string, inAbilityDirectory?: boolean): string;
export function readFileBytes(path: string, inAbilityDirectory?: boolean): Uint8Array;

/** Contents and their version, for `atomicWriteFileIf`. */
export function readWithVersion(path: string, inAbilityDirectory?: boolean): Snapshot;
export interface Snapshot {
  readonly contents: Uint8Array;
  readonly text: string;
  readonly version: Version;
}

/** Adds to the end: all of `contents` or none, at constant cost. After `unconfirmed` it
 * is in the file, or may be: to append again could add it twice. */
export function appendFile(path: string, contents: Contents, inAbilityDirectory?: boolean): void;

/** How a file ends: its length, and as many of its last bytes as are to be compared. No
 * file ends as an empty one does. */
export class FileEnd {
  constructor(size?: number, lastBytes?: Uint8Array);
  static of(contents: Contents): FileEnd;
  /** The end of the file with more added to it. */
  and(contents: Contents): FileEnd;
  readonly size: number;
  readonly lastBytes: Uint8Array;
}

/** Like `appendFile`, if the file ends so; else `other-end`. Returns the new end. After
 * `unconfirmed` it can be repeated with the same `end`: nothing is added twice. */
export function appendFileIf(
  path: string,
  contents: Contents,
  end: FileEnd,
  inAbilityDirectory?: boolean,
): FileEnd;

/** Moves a file in one step; one that is at `dst` is replaced. */
export function replaceFile(src: string, dst: string, inAbilityDirectory?: boolean): void;

/** Deleting what is absent succeeds. */
export function deleteFile(path: string, inAbilityDirectory?: boolean): void;

/** The paths of all files under a directory, sorted by their bytes. */
export function listFiles(prefix?: string, inAbilityDirectory?: boolean): string[];

export function statFile(path: string, inAbilityDirectory?: boolean): { size: number; modified: Date };

/** Makes `contents` the file and what it held its backup, `backupPath(path)`, in one
 * step. Where the file holds `contents` already, the backup stays. */
export function writeFileWithBackup(path: string, contents: Contents, inAbilityDirectory?: boolean): void;
export function readBackup(path: string, inAbilityDirectory?: boolean): string;
export function readBackupBytes(path: string, inAbilityDirectory?: boolean): Uint8Array;

/** `notes/state.json` has its backup in `notes/state.backup.json`. */
export function backupPath(path: string): string;

/** Makes what `change` returns the file, such that no change of others is lost. It may
 * be called several times, and should do nothing but compute. */
export function updateFile<C extends Contents>(
  path: string,
  change: (contents: Uint8Array | null) => C,
  inAbilityDirectory?: boolean,
): C;

/** What files of JSON hold, and come back equal in all languages: plain objects, arrays,
 * text, numbers, `true`, `false`, `null`. Anything else is `not-serializable`, and the
 * message names its place: a `Date` or a `Map`, too, because neither would come back.
 *
 * An integer beyond 2^53 is a `bigint`, up to 64 bits; a number beyond 2^53 is written
 * with an exponent, as the float that it is. A file with what no SDK could write again,
 * such as `1e999`, is `unsupported`, and stays as it is. */
export type Json = null | boolean | number | bigint | string | Json[] | { [name: string]: Json | undefined };

/** Changes the JSON value in a file, such that no change of others is lost: to what
 * `change` returns or, if that is nothing, to the object that it changed in place. If
 * there is no file, it gets a copy of `defaultValue`, or what that returns. */
export function updateJson<T>(
  path: string,
  change: (value: T) => T | void,
  defaultValue?: T | (() => T),
  inAbilityDirectory?: boolean,
): T;

/** Like `updateJson`, as a part of a batch: made with its other steps, or not at all.
 * `change` gets what the file holds after the steps so far, and is called once. The commit is
 * refused (`conflict`) if anyone else has changed the file. */
export function updateJsonIn<T>(
  batch: Batch,
  path: string,
  change: (value: T) => T | void,
  defaultValue?: T | (() => T),
): T;

export interface StateOptions<T> {
  /** The value if there is no file, or a function that makes it; else `{}`. */
  default?: T | (() => T);
  /** From 1 on; kept in the member `schema_version` of the file. One without is 0. */
  schemaVersion?: number;
  /** The one for 1 makes a value of version 2 out of one of version 1. */
  migrations?: Record<number, (old: any) => unknown>;
  inAbilityDirectory?: boolean;
}

/** A value kept as JSON in one file; what it can hold is `Json`. A corrupt file is moved
 * aside, never overwritten; one of a newer schema, or one that is `unsupported`, is
 * refused, and left as it is. */
export class State<T = any> {
  constructor(path: string, options?: StateOptions<T>);
  /** Change it as often as you like, and `save`. */
  value: T;
  /** Where the corrupt file is now that was found last. */
  readonly quarantined: string | null;
  /** Loads the file again; changes that were not saved are gone. */
  reload(): void;
  /** Writes the value, if nobody else has written since; else `conflict`. */
  save(): void;
  /** Changes file and value in one step; no change of others is lost. Changes of `value`
   * that were not saved are saved first (`conflict`, if someone else wrote meanwhile), and
   * stay saved if the update then fails. */
  update(change: (value: T) => T | void): T;
  /** Like `update`, as a part of a batch: made with its other steps, or not at all. `change`
   * gets what the file holds after the steps so far, and is called once. `value` is the new
   * value, which is returned, as soon as the batch is committed; that is refused (`conflict`)
   * if anyone else has changed the file. Changes of `value` that were not saved are saved
   * first, on their own. A corrupt file is `corrupt`; `reload` moves it aside. */
  updateIn(batch: Batch, change: (value: T) => T | void): T;
}

/** Numbers that are each given once, also to many instances at once. */
export class Counter {
  constructor(path: string, inAbilityDirectory?: boolean);
  /** Uses up the next number: 1 at first. */
  next(): number;
  /** Uses up the next `count` numbers; returns the last of them. */
  add(count: number): number;
  /** The last number that was used up; 0 if there is no file. */
  value(): number;
  /** As `addIn`, for one number. */
  nextIn(batch: Batch): number;
  /** Like `add`, as a part of a batch. The numbers can be written into other files of it. For
   * all else they may be used only once the batch is committed, which is refused (`conflict`)
   * if anyone else has counted. */
  addIn(batch: Batch, count: number): number;
}

export interface Head {
  readonly count: number;
  readonly hash: string;
}

export interface AuditRecord extends Readonly<Record<"previous" | "hash" | "text", string>> {
  readonly sequence: number;
  /** In seconds since 1970. */
  readonly time: number;
  readonly payload: Uint8Array;
}

/** A break of the chain that `AuditLog.continueBroken` has recorded. */
export interface Break {
  /** The sequence of the record that continues the chain, in place of one that does not
   * follow. */
  readonly record: number;
  /** What was wrong with that one. */
  readonly reason: string;
  /** How many bytes do not follow the chain. */
  readonly size: number;
}

/** What is in the file of a log, whole or broken. */
export interface Inspection {
  /** Where the chain ends, as far as it can be followed. */
  readonly head: Head;
  readonly breaks: Break[];
  /** Where the chain breaks for good, if it does. */
  readonly broken: { record: number; reason: string } | null;
  /** How many bytes stand behind the last record that follows. */
  readonly brokenSize: number;
}

/** A log in which no record can be changed unseen. Any number of writers, in any number
 * of processes, may have it open: each record is appended on condition that the file
 * still ends where its writer saw it end, and again behind the records of a writer that
 * was faster, for at most a minute (`other-end`).
 *
 * The log alone cannot show that its last records are missing: keep a `Head` elsewhere,
 * and give it to `verify`. */
export class AuditLog {
  static readonly MAX_PAYLOAD: number;
  /** Verifies all that is there; `broken-chain` if it does not hold. */
  constructor(path: string, inAbilityDirectory?: boolean);
  /** `log-changed` if the file does not have the records any more that this writer knows
   * of. After `unconfirmed` look at `head`: if it counts the record, that is in the log,
   * but a power cut may undo it. */
  append(payload: Contents): Head;
  /** Like `append`, as a part of a batch: made with its other steps, or not at all. `head` is
   * the new head, which is returned, as soon as the batch is committed; that is refused
   * (`conflict`) if anyone else has appended. The whole log is read, and must not be longer
   * than what one call may carry (`too-large`). */
  appendIn(batch: Batch, payload: Contents): Head;
  get head(): Head;
  get count(): number;
  /** Where the chain ends; `broken-chain` if it does not hold, or if a record up to
   * `head` is missing or another one. A break that was recorded before `head` is
   * accepted. */
  static verify(path: string, inAbilityDirectory?: boolean, kept?: { head?: Head }): Head;
  /** Reads all of the log and reports what is there, whether or not its chain holds. */
  static inspect(path: string, inAbilityDirectory?: boolean): Inspection;
  /** Opens a log whose chain is broken, and continues it: everything stays in its place,
   * and a record is appended that says where the chain was broken, and whose hash covers
   * all bytes that do not follow it. A log that is not broken is opened. */
  static continueBroken(path: string, inAbilityDirectory?: boolean): AuditLog;
  /** Each verified before it is given. */
  static records(path: string, inAbilityDirectory?: boolean): Iterable<AuditRecord>;
}

/** Several changes in one place: all of them, durably, or none.
 *
 * A batch that is committed twice makes its steps twice: its appends add their contents once more.
 * That happens where a commit is repeated after `unconfirmed`, or where a program that was killed
 * begins again. To append once, append on a condition (`appendIf` with the version that was read,
 * or `read`, which makes one), or record in an `AuditLog` with `appendIn`. */
export class Batch {
  constructor(inAbilityDirectory?: boolean);
  write(path: string, contents: Contents): this;
  writeIf(path: string, contents: Contents, expected: Expected): this;
  append(path: string, contents: Contents): this;
  appendIf(path: string, contents: Contents, expected: Expected): this;
  rename(src: string, dst: string): this;
  /** `expected` is about the file at `dst`. */
  renameIf(src: string, dst: string, expected: Expected): this;
  delete(path: string): this;
  deleteIf(path: string, expected: Expected): this;
  get length(): number;
  /** What the file at `path` holds after the steps so far; `null` if there is none. The commit
   * is refused (`conflict`, with the step `null`) if the file is another one by then. */
  read(path: string): Uint8Array | null;
  /** For each step the version that it wrote; `null` for all but writes. */
  commit(): (Version | null)[];
}

/** Changes several files together, such that no change of others is lost. `change` gets an
 * empty batch, reads with `batch.read` what its steps depend on, and adds the steps; they are
 * committed if all that was read is still so, else all is done again, for at most a minute.
 * So `change` may be called several times, and should do nothing but compute. Returns what it
 * returned. After `unconfirmed` all of the change is in the files, or may be: to call this
 * again could make it twice. */
export function updateBatch<R>(change: (batch: Batch) => R, inAbilityDirectory?: boolean): R;

/** Begins to write a file of any size. Nobody sees it before `commit`. */
export function openWriter(path: string, inAbilityDirectory?: boolean): Writer;
/** Like `openWriter`; `expected` is checked at the commit. */
export function openWriterIf(path: string, expected: Expected, inAbilityDirectory?: boolean): Writer;

export interface Writer {
  write(contents: Contents): void;
  /** Hands on what is gathered; makes nothing visible and nothing durable. */
  flush(): void;
  /** Makes what was written the file, and closes the writer. */
  commit(): Version;
  /** Closes the writer; without a commit, nothing is left. */
  abort(): void;
  /** As `abort`. */
  [Symbol.dispose](): void;
}

/** Begins to read a file of any size: one version of it, whatever happens meanwhile. */
export function openReader(path: string, inAbilityDirectory?: boolean): Reader;

export interface Reader extends Iterable<Uint8Array> {
  readonly size: number;
  /** The next bytes, at most so many; none at the end. */
  read(maxBytes?: number): Uint8Array;
  /** The rest as text, without line feeds. */
  lines(): Iterable<string>;
  close(): void;
  /** As `close`. */
  [Symbol.dispose](): void;
}

/** The arguments, without the name of the program. */
export function args(): string[];
/** A variable that the host gives the ability. */
export function env(name: string): string | undefined;
/** The next line of standard input, waiting for it; `null` at the end. */
export function readLine(): string | null;
/** A line on standard output. */
export function print(text?: unknown): void;
/** A line on standard error. */
export function printError(text?: unknown): void;
/** Waits. */
export function sleep(milliseconds: number): void;
