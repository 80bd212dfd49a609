// What other languages and the tests of the host ask of this probe, by name.

import {
  AuditLog,
  Batch,
  Counter,
  State,
  appendFile,
  atomicWriteFile,
  atomicWriteFileIf,
  deleteFile,
  openReader,
  openWriter,
  print,
  readFile,
  readLine,
  updateJson,
} from "ability-storage";

/** How `pour` hands contents to the host. */
const POURS = {
  write: (contents) => atomicWriteFile("poured", contents),
  "write-if": (contents) => {
    deleteFile("poured");
    atomicWriteFileIf("poured", contents, { version: null });
  },
  append: (contents) => appendFile("poured.log", contents),
  batch: (contents) => {
    const half = contents.length / 2;
    new Batch()
      .write("poured", contents.subarray(0, half))
      .append("poured.log", contents.subarray(half))
      .commit();
  },
};

export const commands = {
  /**
   * Hands the host so many bytes by one call after another, a piece at a time, and leaves one
   * file at most. What a call does not free adds up.
   */
  pour(call, piece, bytes) {
    const contents = new Uint8Array(Number(piece));
    const times = Math.floor(Number(bytes) / Number(piece));
    const writer = call === "stream" ? openWriter("poured") : null;
    for (let time = 0; time < times; time += 1) {
      // What is there already would not be written.
      contents.fill(time % 23);
      if (writer) writer.write(contents);
      else POURS[call](contents);
      if (time % 16 === 0) deleteFile("poured.log");
    }
    writer?.commit();
    print(`ok ${times}`);
  },

  /** Adds to a state, a counter and an audit log that any language may have begun. */
  write(text) {
    const state = new State("interop/state.json", { default: { texts: [] }, schemaVersion: 1 });
    state.update(({ texts }) => ({ texts: [...texts, text] }));
    new Counter("interop/counter.txt").next();
    new AuditLog("interop/audit.log").append(text);
  },

  /** Says what is in them. */
  read() {
    const state = new State("interop/state.json", { default: { texts: [] }, schemaVersion: 1 });
    print(`state ${JSON.stringify(state.value.texts)}`);
    print(`counter ${new Counter("interop/counter.txt").value()}`);
    for (const { sequence, text } of AuditLog.records("interop/audit.log")) {
      print(`record ${sequence} ${JSON.stringify(text)}`);
    }
  },

  /** Verifies an audit log; says where it ends. */
  verify(path) {
    const { count, hash } = AuditLog.verify(path);
    print(`${count} ${hash}`);
  },

  /** Counts so often in one file that others count in, too. */
  count(times) {
    for (let time = 0; time < Number(times); time += 1) {
      print(String(new Counter("count.txt", false).next()));
    }
  },

  /** Adds so often to one number as JSON. */
  add(times) {
    for (let time = 0; time < Number(times); time += 1) {
      updateJson("sum.json", ({ sum }) => ({ sum: sum + 1 }), { sum: 0 }, false);
    }
  },

  /** Appends each line of standard input to an audit log, and acknowledges it. */
  record() {
    const log = new AuditLog("record.log");
    print(`ready ${log.count}`);
    for (let line = readLine(); line !== null; line = readLine()) {
      print(`ok ${log.append(line).count}`);
    }
  },

  /** Writes and reads so many MiB, piece by piece. */
  large(mebibytes) {
    const piece = new Uint8Array(2 ** 20).fill(7);
    const writer = openWriter("large.bin");
    for (let count = 0; count < Number(mebibytes); count += 1) writer.write(piece);
    writer.commit();
    const reader = openReader("large.bin");
    let size = 0;
    for (const chunk of reader) size += chunk.length;
    print(`${size} of ${reader.size}`);
  },

  /** Calls itself so often. */
  deep(times) {
    const call = (left) => (left === 0 ? 0 : 1 + call(left - 1));
    print(String(call(Number(times))));
  },

  hello() {
    print("hello");
  },

  cat(path) {
    print(readFile(path));
  },
};
