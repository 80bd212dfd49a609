// Tear-free files for abilities. `index.d.ts` tells what each function promises.

export { FileEnd } from "./end.js";
export { StorageError } from "./errors.js";
export {
  appendFile,
  appendFileIf,
  atomicWriteFile,
  atomicWriteFileIf,
  checkIfFileExists,
  deleteFile,
  listFiles,
  readFile,
  readFileBytes,
  readWithVersion,
  replaceFile,
  statFile,
} from "./files.js";
export { args, env, print, printError, readLine, sleep } from "./io.js";
export { AuditLog } from "./audit/log.js";
export { backupPath, readBackup, readBackupBytes, writeFileWithBackup } from "./backup.js";
export { Batch, updateBatch } from "./batch.js";
export { Counter } from "./counter.js";
export { State } from "./state.js";
export { openReader, openWriter, openWriterIf } from "./streams.js";
export { updateFile, updateJson, updateJsonIn } from "./update.js";
