// What can go wrong, and what it means for the file.
//
// Every message names the path and says what happened to the data. Nothing here may
// claim *not applied* where the host did not.

/** Why a call failed. `code` says what it is; `outcome`, what became of the file. */
export class StorageError extends Error {
  constructor(code, path, message, details = {}) {
    super(message);
    this.code = code;
    this.path = path;
    this.outcome = code === "unconfirmed" ? "unconfirmed" : "not-applied";
    Object.assign(this, details);
  }

  /** Whether the change was made although the call failed. */
  get isApplied() {
    return this.outcome === "unconfirmed";
  }
}

// On the prototype, so that it is not shown with each error.
Object.defineProperty(StorageError.prototype, "name", { value: "StorageError", writable: true, configurable: true });

/** What a host says where it does not know whether the change was made. */
const UNKNOWN = "may have been changed, or not";

/** What happened to the path, and why. A host may say both by itself. */
function once(path, what, reason) {
  if (reason.startsWith(UNKNOWN)) return `${path} ${reason}`;
  const knows = ["was ", "may "].some((word) => reason.startsWith(`${path} ${word}`));
  return knows ? reason : `${path} ${what}${reason}`;
}

/** Why a path is refused, without the path, which a host may name as well. */
function unnamed(reason) {
  const said = " cannot name a file: ";
  const at = reason.startsWith('"') ? reason.lastIndexOf(said) : -1;
  return at < 0 ? reason : reason.slice(at + said.length);
}

const FROM_HOST = {
  "not-found": (path) => [`${path} was not found`],
  conflict: (path, found) => [
    `${path} was not changed: it is not in the expected state (${found == null ? "found no file" : `found version ${found}`})`,
    { found: found ?? null },
  ],
  "invalid-path": (path, reason) => [`${path} cannot be used as a path: ${unnamed(reason)}`],
  "too-large": (path, limit) => [
    `${path} needs more than the ${limit} bytes that the host allows in one call or one file; ` +
      "nothing was changed. Longer files are read and written piece by piece",
    { limit: Number(limit) },
  ],
  "quota-exceeded": (path, reason) => [once(path, "was not changed: ", reason)],
  "no-space": (path) => [`${path} was not changed: the disk is full`],
  "read-only": (path) => [`${path} was not changed: the host gives its files for reading only`],
  unavailable: (path, reason) => [`${path} cannot be reached, nothing was changed: ${reason}`],
  unconfirmed: (path, reason) =>
    reason.includes(UNKNOWN)
      ? [once(path, `${UNKNOWN}: `, reason), { outcome: "unknown" }]
      : [once(path, "was changed, but the change may not survive a power cut: ", reason)],
  other: (path, reason) => [`the call for ${path} failed, nothing was changed: ${reason}`],
};

/** What the host said of a call for `path`. What the host did not say goes on as it is. */
export function fromHost(error, path) {
  const said = error?.payload;
  const words = FROM_HOST[said?.tag];
  if (!words) return error;
  const [message, details] = words(shown(path), said.val);
  return new StorageError(said.tag, path, message, details);
}

/** What the host said of a rename. It does not tell which of the two paths it means;
 * where only one makes sense that one is named, else both are. */
export function fromRename(error, source, target) {
  const said = error?.payload;
  if (said?.tag === "not-found") return fromHost(error, source);
  if (said?.tag === "invalid-path") {
    const val = `on renaming ${shown(source)} to it: ${said.val}`;
    return fromHost({ payload: { tag: said.tag, val } }, target);
  }
  return fromHost(error, target);
}

/** The file does not end as it was to. */
export function otherEnd(path) {
  const message = `${shown(path)} was not changed: it does not end as expected`;
  return new StorageError("other-end", path, message);
}

export function notUtf8(path, validUpTo) {
  const message = `${shown(path)} is not text: it is not UTF-8 from byte ${validUpTo} on`;
  return new StorageError("not-utf8", path, message, { validUpTo });
}

/** The text to be written has half of a surrogate pair. */
export function notEncodable(path, position) {
  const message = `${shown(path)} was not changed: its new text has half of a surrogate pair at character ${position}, which UTF-8 cannot hold`;
  return new StorageError("not-encodable", path, message, { position });
}

export function corrupt(path, reason) {
  const message = `${shown(path)} is corrupt and was left as it is: ${reason}`;
  return new StorageError("corrupt", path, message, { reason });
}

/** The file holds something valid that could not be written again as it is. */
export function unsupported(path, reason) {
  const message = `${shown(path)} was left as it is: ${reason}`;
  return new StorageError("unsupported", path, message, { reason });
}

export function notSerializable(path, reason) {
  const message = `${shown(path)} was not changed: its new value cannot be written as JSON: ${reason}`;
  return new StorageError("not-serializable", path, message);
}

/** Characters that could forge a line of a log or hide in it: controls, what nobody
 * sees, line ends, halves of surrogate pairs. Not `\p{…}`: one of the engines comes
 * without the tables of Unicode. */
const MISLEADING = /[\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\ufeff\ufff9-\ufffb]/g;

/** A path as a message shows it: as it is where that cannot mislead, else quoted. */
export function shown(path) {
  const plain = path !== "" && path.isWellFormed() && !path.includes('"');
  if (plain && path.search(MISLEADING) < 0) return path;
  return JSON.stringify(path).replace(
    MISLEADING,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
