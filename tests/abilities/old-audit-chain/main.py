"""An audit trail in which each record holds the hash of the one before it. The whole
file is written for each record, with a journal beside it."""

import hashlib
import json

from src.agent.capability import MatchingCapability
from src.agent.capability_worker import CapabilityWorker
from src.main import AgentWorker

CHAIN = "audit.json"
JOURNAL = "audit_tmp.json"


def digest(record):
    body = {k: v for k, v in record.items() if k != "hash"}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


class AuditCapability(MatchingCapability):
    worker: AgentWorker = None
    capability_worker: CapabilityWorker = None

    #{{register capability}}

    def call(self, worker: AgentWorker):
        self.worker = worker
        self.capability_worker = CapabilityWorker(self)
        self.worker.session_tasks.create(self.run())

    async def recover(self):
        """If we were interrupted between delete and write, the journal has it all."""
        cw = self.capability_worker
        if await cw.check_if_file_exists(JOURNAL, False):
            journal = await cw.read_file(JOURNAL, False)
            try:
                json.loads(journal)
            except json.JSONDecodeError:
                await cw.delete_file(JOURNAL, False)
                return
            if await cw.check_if_file_exists(CHAIN, False):
                await cw.delete_file(CHAIN, False)
            await cw.write_file(CHAIN, journal, False)
            await cw.delete_file(JOURNAL, False)

    async def load(self):
        if not await self.capability_worker.check_if_file_exists(CHAIN, False):
            return []
        return json.loads(await self.capability_worker.read_file(CHAIN, False))

    async def save(self, chain):
        cw = self.capability_worker
        text = json.dumps(chain)
        if await cw.check_if_file_exists(JOURNAL, False):
            await cw.delete_file(JOURNAL, False)
        await cw.write_file(JOURNAL, text, False)
        if await cw.read_file(JOURNAL, False) != text:
            raise IOError("the journal was not written")
        if await cw.check_if_file_exists(CHAIN, False):
            await cw.delete_file(CHAIN, False)
        await cw.write_file(CHAIN, text, False)
        await cw.delete_file(JOURNAL, False)

    async def run(self):
        cw = self.capability_worker
        try:
            await self.recover()
            chain = await self.load()
            while True:
                said = await cw.user_response()
                if said == "stop":
                    break
                if said == "verify":
                    before = "0" * 64
                    for record in chain:
                        if record["before"] != before or record["hash"] != digest(record):
                            await cw.speak(f"Record {record['number']} is broken.")
                            break
                        before = record["hash"]
                    else:
                        await cw.speak(f"{len(chain)} records, all in order.")
                    continue
                record = {
                    "number": len(chain),
                    "event": said,
                    "before": chain[-1]["hash"] if chain else "0" * 64,
                }
                record["hash"] = digest(record)
                chain.append(record)
                await self.save(chain)
                await cw.speak(f"recorded {record['number']}")
        except Exception as e:
            self.worker.editor_logging_handler.error(f"[Audit] {e!r}")
            await cw.speak("The audit trail cannot be kept.")
        cw.resume_normal_flow()
