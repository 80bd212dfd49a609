/** Storage in memory, for the tests of an ability under Node. */

import type { Contents } from "ability-storage";

/** Those of the host, unless said otherwise. */
export interface Limits {
  maxFileBytes?: number;
  maxTotalBytes?: number;
  maxFiles?: number;
  maxDepth?: number;
  /** How much one call carries. */
  maxValueBytes?: number;
  /** How many writers and readers may be open at once. */
  maxStreams?: number;
  textFilesOnly?: boolean;
}

export interface MemoryOptions {
  files?: Record<string, Contents>;
  userFiles?: Record<string, Contents>;
  limits?: Limits;
  args?: string[];
  env?: Record<string, string>;
  /** Standard input. */
  input?: Contents;
}

/** What a call can be told to fail with. `unconfirmed` makes the change, then fails. The
 * outcome of `unknown-made` and of `unknown-not-made` is `unknown`; one makes the change, the
 * other does not. */
export type Failure =
  | "no-space"
  | "quota-exceeded"
  | "read-only"
  | "unavailable"
  | "unconfirmed"
  | "unknown-made"
  | "unknown-not-made"
  | "other";

export interface MemoryStorage {
  /** Whether every change but a delete fails with `no-space`. */
  diskFull: boolean;
  /** Whether every change fails with `read-only`. */
  readOnly: boolean;
  /** How many calls of storage there were. */
  readonly calls: number;
  /** What was printed, and what was printed as errors. */
  readonly output: string;
  readonly errors: string;
  files(inAbilityDirectory?: boolean): Record<string, Uint8Array>;
  /** As text; `null` for what is not UTF-8. */
  texts(inAbilityDirectory?: boolean): Record<string, string | null>;
  /** Lets the `n`-th call from now fail, counted from 1. If that call cannot meet such a
   * failure, the next one that can meets it: a read is never told that the disk is full, or
   * that it was not confirmed. */
  failCall(n: number, failure?: Failure): void;
  /** Calls `change` right before the next change, once: another writer is faster. */
  interfere(change: () => void): void;
  /** Takes it away again. */
  remove(): void;
  [Symbol.dispose](): void;
}

/** Puts storage in memory in place of the host, until it is removed. */
export function memoryStorage(options?: MemoryOptions): MemoryStorage;
