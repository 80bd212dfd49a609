// `State`: schemas, migrations, and what is corrupt.

import * as sdk from "ability-storage";
import { equal, test, throws } from "./expect.js";

test("a state is its default until it is saved", () => {
  const start = { asked: 0 };
  const state = new sdk.State("s.json", { default: start });
  equal([state.value, sdk.listFiles()], [{ asked: 0 }, []]);
  state.value.asked += 1;
  equal(start, { asked: 0 });
  state.save();
  equal(sdk.readFile("s.json"), '{\n  "asked": 1\n}');
  equal(new sdk.State("s.json").value, { asked: 1 });
});

test("a state overwrites nothing unseen", () => {
  const [one, two] = [new sdk.State("s.json"), new sdk.State("s.json")];
  one.value.one = 1;
  one.save();
  two.value.two = 2;
  throws("conflict", () => two.save());
  throws("conflict", () => two.update((value) => value));
  equal(sdk.readFile("s.json"), '{\n  "one": 1\n}');
  two.reload();
  equal(two.update((value) => void (value.two = 2)), { one: 1, two: 2 });
  one.reload();
  equal(one.value, { one: 1, two: 2 });
});

test("an update saves what was not saved", () => {
  const state = new sdk.State("s.json", { default: { n: 0 } });
  state.value.draft = "kept";
  equal(state.update((value) => void (value.n += 1)), { n: 1, draft: "kept" });
  equal(JSON.parse(sdk.readFile("s.json")), { n: 1, draft: "kept" });
  state.value = { n: 5 };
  equal(state.update((value) => void (value.n += 1)), { n: 6 });
  state.value.n = NaN;
  throws("not-serializable", () => state.update(() => ({ n: 7 })));
  equal(new sdk.State("s.json").value, { n: 6 });
  const late = new sdk.State("late.json", { default: undefined });
  equal([late.value, late.update(() => ({ n: 1 }))], [undefined, { n: 1 }]);
});

test("an update that fails leaves file and value", () => {
  const state = new sdk.State("s.json", { default: { n: 1 } });
  state.save();
  throws(RangeError, () =>
    state.update((value) => {
      value.n = 2;
      throw new RangeError("no");
    }),
  );
  throws("not-serializable", () => state.update(() => NaN));
  equal([state.value, JSON.parse(sdk.readFile("s.json"))], [{ n: 1 }, { n: 1 }]);
});

test("an older schema is migrated, a newer one refused", () => {
  const migrations = { 0: ({ city }) => ({ cities: [city] }), 1: (old) => void (old.asked = 0) };
  sdk.atomicWriteFile("s.json", '{"city": "Oslo"}');
  const state = new sdk.State("s.json", { schemaVersion: 2, migrations });
  equal(state.value, { cities: ["Oslo"], asked: 0 });
  equal(sdk.readFile("s.json"), '{"city": "Oslo"}');
  state.save();
  equal(Object.keys(JSON.parse(sdk.readFile("s.json"))), ["schema_version", "cities", "asked"]);
  equal(JSON.parse(sdk.readFile("s.json")).schema_version, 2);
  const before = sdk.readFile("s.json");
  const newer = throws("newer-schema", () => new sdk.State("s.json", { schemaVersion: 1 }));
  equal([newer.found, newer.supported, newer.outcome], [2, 1, "not-applied"]);
  throws("schema", () => new sdk.State("s.json", { schemaVersion: 3, migrations }));
  equal([sdk.readFile("s.json"), sdk.listFiles()], [before, ["s.json"]]);
  throws("not-serializable", () => state.update(() => [1]));
  throws("not-serializable", () => state.update(() => ({ schema_version: 7 })));
  throws(TypeError, () => new sdk.State("s.json", { schemaVersion: 1, migrations: { 1: (old) => old } }));
  throws(TypeError, () => new sdk.State("s.json", { migrations }));
});

test("a corrupt state is set aside, never overwritten", () => {
  for (const [number, corrupt] of ["{", "", '{"schema_version": "x"}', "[]"].entries()) {
    sdk.atomicWriteFile("s.json", corrupt);
    const state = new sdk.State("s.json", { default: { fresh: true }, schemaVersion: 1 });
    equal(state.quarantined, `s.corrupt-${number + 1}.json`);
    equal([state.value, sdk.readFile(state.quarantined)], [{ fresh: true }, corrupt]);
    equal(sdk.checkIfFileExists("s.json"), false);
  }
});

test("a state that becomes corrupt is set aside by an update", () => {
  const state = new sdk.State("s.json", { default: { n: 0 } });
  state.save();
  sdk.atomicWriteFile("s.json", "torn");
  equal(state.update((value) => void (value.n += 1)), { n: 1 });
  equal([sdk.readFile("s.corrupt-1.json"), state.quarantined], ["torn", "s.corrupt-1.json"]);
});
