// Does in JavaScript what guests in other languages do, on the same files.
//
// Without a command it records each line of standard input in an audit log, as
// `audit-chain` does: `ready <count> <hash>`, then `ok <sequence> <hash>` once a record
// is durable. `verify` says `verified <count> records, head <hash>`, with `--head
// COUNT:HASH` only if no record up to that head is missing; `continue` goes on behind a
// break; `count PATH` counts on, and `push PATH TEXT` adds to the list in a state.

import {
  args,
  AuditLog,
  checkIfFileExists,
  Counter,
  print,
  printError,
  readLine,
  State,
} from "ability-storage";

const LOG = "audit_chain.log";

export function main() {
  const [command, path, text] = args();
  switch (command) {
    case undefined:
      return record();
    case "verify": {
      // An empty log has no file yet.
      const head = checkIfFileExists(LOG) ? AuditLog.verify(LOG, true, kept(path, text)) : new AuditLog(LOG).head;
      print(`verified ${head.count} records, head ${head.hash}`);
      return 0;
    }
    case "continue": {
      const { head } = AuditLog.continueBroken(LOG);
      print(`ready ${head.count} ${head.hash}`);
      return 0;
    }
    case "count":
      print(`${new Counter(path).next()}`);
      return 0;
    case "push":
      new State(path, { default: [] }).update((items) => [...items, text]);
      return 0;
    default:
      printError(`what is ${command}?`);
      return 1;
  }
}

/** What is to be verified, too: `--head COUNT:HASH`. */
function kept(option, text) {
  if (option === undefined) return {};
  const [count, hash] = text.split(":");
  return { head: { count: Number(count), hash } };
}

function record() {
  const log = new AuditLog(LOG);
  print(`ready ${log.head.count} ${log.head.hash}`);
  for (let line = readLine(); line !== null; line = readLine()) {
    const head = log.append(line);
    // Only now: who reads this may rely on the record.
    print(`ok ${head.count} ${head.hash}`);
  }
}
