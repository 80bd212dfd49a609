"""Does in Python what guests in other languages do, on the same files.

Without a command it records each line of standard input in an audit log, as
`audit-chain` does: `ready <count> <hash>`, then `ok <sequence> <hash>` once a record is
durable. `verify` says `verified <count> records, head <hash>`, with `--head COUNT:HASH`
only if no record up to that head is missing; `continue` goes on behind a break; `count
PATH` counts on, and `push PATH TEXT` adds to the list in a state.
"""

import sys

from ability_storage.sdk import AuditLog, Counter, Head, State, check_if_file_exists

LOG = "audit_chain.log"


def main() -> None:
    match sys.argv[1:]:
        case []:
            record()
        case ["verify"]:
            # An empty log has no file yet.
            head = AuditLog.verify(LOG) if check_if_file_exists(LOG) else AuditLog(LOG).head
            print(f"verified {head.count} records, head {head.hash}")
        case ["verify", "--head", text]:
            count, hash_ = text.split(":")
            head = AuditLog.verify(LOG, head=Head(int(count), hash_))
            print(f"verified {head.count} records, head {head.hash}")
        case ["continue"]:
            head = AuditLog.continue_broken(LOG).head
            print("ready", head.count, head.hash)
        case ["count", path]:
            print(Counter(path).next())
        case ["push", path, text]:
            State(path, default=list).update(lambda items: [*items, text])
        case other:
            sys.exit(f"what is {other}?")


def record() -> None:
    log = AuditLog(LOG)
    print("ready", log.head.count, log.head.hash, flush=True)
    for line in sys.stdin.buffer:
        head = log.append(line.removesuffix(b"\n"))
        # Only now: who reads this may rely on the record.
        print("ok", head.count, head.hash, flush=True)
