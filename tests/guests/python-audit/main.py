"""Records each line of standard input in an audit log, as `audit-chain` does in Rust.

What it prints is the same: `ready <count> <hash>`, and `ok <sequence> <hash>` once a
record is durable; with `verify`, `verified <count> records, head <hash>`.
"""

import sys

from ability_storage import AuditLog

PATH = "audit_chain.log"


def main() -> None:
    if sys.argv[1:] == ["verify"]:
        head = AuditLog.verify(PATH)
        print(f"verified {head.count} records, head {head.hash}")
        return
    log = AuditLog.open(PATH)
    print("ready", log.head.count, log.head.hash, flush=True)
    for line in sys.stdin.buffer:
        head = log.append(line.removesuffix(b"\n"))
        # Only now: who reads this may rely on the record.
        print("ok", head.count, head.hash, flush=True)
