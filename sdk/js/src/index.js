// Tear-free files for abilities. `index.d.ts` tells what each function promises.

export { StorageError } from "./errors.js";
export {
  appendFile,
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
