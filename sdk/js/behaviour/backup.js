// Backups.

import * as sdk from "ability-storage";
import { bytes, equal, test, throws } from "./expect.js";

test("a backup holds what was there before", () => {
  equal(sdk.backupPath("notes/a.b/state.json"), "notes/a.b/state.backup.json");
  equal(sdk.backupPath("a.b/state"), "a.b/state.backup");
  equal(sdk.backupPath(".hidden"), ".hidden.backup");
  sdk.writeFileWithBackup("s.json", "1");
  throws("not-found", () => sdk.readBackup("s.json"));
  sdk.writeFileWithBackup("s.json", "2");
  equal([sdk.readFile("s.json"), sdk.readBackup("s.json")], ["2", "1"]);
  sdk.writeFileWithBackup("s.json", "3");
  equal([sdk.readFile("s.json"), sdk.readBackup("s.json")], ["3", "2"]);
  sdk.writeFileWithBackup("s.json", "3");
  equal(sdk.readBackup("s.json"), "2");
  equal(sdk.readBackupBytes("s.json"), bytes(0x32));
  equal(sdk.listFiles(), ["s.backup.json", "s.json"]);
});
