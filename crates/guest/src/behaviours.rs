//! Runs the cases of `sdk/cases/behaviours.json` with this SDK.

use crate::testing::{Failure, MemoryStorage};
use crate::{
    AuditLog, Batch, BatchError, Counter, Error, Outcome, Precondition, Scope, State, append_file,
    atomic_write_file, delete_file, read_file_string, update_batch, update_file,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

const SCOPE: Scope = Scope::Ability;

/// The objects that the steps of a case have made.
#[derive(Default)]
struct Made {
    states: BTreeMap<String, State<Map<String, Value>>>,
    logs: BTreeMap<String, AuditLog>,
}

/// Shared with what another instance does in the middle of a call. The calls that meet one
/// take their object out first, so that no lock is held then.
type Shared = Arc<Mutex<Made>>;

/// Why a step was not made.
#[derive(Debug)]
enum Refusal {
    Storage(Error),
    Batch(BatchError),
    Thrown,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::Storage(error)
    }
}

impl From<BatchError> for Refusal {
    fn from(error: BatchError) -> Self {
        Refusal::Batch(error)
    }
}

type Given = Result<Value, Refusal>;

fn text<'a>(step: &'a Value, name: &str) -> &'a str {
    step[name].as_str().unwrap_or_default()
}

fn steps_of(step: &Value, name: &str) -> Vec<Value> {
    step[name].as_array().cloned().unwrap_or_default()
}

fn number(contents: Option<Vec<u8>>) -> i64 {
    let digits = contents.map(|contents| String::from_utf8(contents).unwrap());
    digits.map_or(0, |digits| digits.parse().unwrap())
}

#[test]
fn each_behaves_as_in_the_other_languages() {
    let cases = include_str!("../../../sdk/cases/behaviours.json");
    let cases: Vec<Value> = serde_json::from_str(cases).unwrap();
    assert!(cases.len() > 20);
    for case in &cases {
        if !steps_of(case, "not_in").contains(&json!("rust")) {
            println!("{}", case["name"]);
            run(case);
        }
    }
}

fn run(case: &Value) {
    let storage = MemoryStorage::new();
    for (path, contents) in case["files"].as_object().into_iter().flatten() {
        atomic_write_file(path, contents.as_str().unwrap(), SCOPE).unwrap();
    }
    let shared = Shared::default();
    for step in steps_of(case, "steps") {
        check(&storage, &shared, &step);
    }
    let mut files: BTreeMap<_, _> = storage.files(SCOPE);
    for (path, payloads) in case["logs"].as_object().into_iter().flatten() {
        let records = AuditLog::records(path.as_str(), SCOPE).unwrap();
        let found: Vec<_> = records
            .map(|record| String::from_utf8(record.unwrap().payload).unwrap())
            .collect();
        assert_eq!(json!(found), *payloads);
        files.remove(path);
    }
    let files: BTreeMap<_, _> = files
        .into_iter()
        .map(|(path, contents)| (path, String::from_utf8(contents).unwrap()))
        .collect();
    let then = case.get("then").cloned().unwrap_or(json!({}));
    assert_eq!(json!(files), then);
}

/// Makes a step, and compares what comes of it.
fn check(storage: &MemoryStorage, shared: &Shared, step: &Value) {
    if step.get("meanwhile").is_some() {
        let (shared, others) = (shared.clone(), steps_of(step, "meanwhile"));
        storage.interfere(move || others.iter().for_each(|step| check_others(&shared, step)));
    }
    if let Some(failure) = step["failure"].as_str() {
        let call = step["call"].as_u64().unwrap_or(1) as usize;
        storage.fail_call(call, failure_of(failure));
    }
    compare(step, make(shared, step));
}

/// The same for a step of another instance: it is neither failed nor interfered with.
fn check_others(shared: &Shared, step: &Value) {
    compare(step, make(shared, step));
}

fn failure_of(name: &str) -> Failure {
    match name {
        "no-space" => Failure::NoSpace,
        "unconfirmed" => Failure::Unconfirmed,
        "unknown-made" => Failure::UnknownMade,
        "unknown-not-made" => Failure::UnknownNotMade,
        _ => panic!("there is no failure {name}"),
    }
}

fn compare(step: &Value, given: Given) {
    let refusal = match given {
        Ok(given) => {
            assert_eq!(step.get("fails"), None, "it did not fail: {step}");
            assert_eq!(step.get("gives").unwrap_or(&given), &given, "{step}");
            return;
        }
        Err(refusal) => refusal,
    };
    let (error, at, said) = match refusal {
        Refusal::Thrown => return assert_eq!(step["fails"], "thrown"),
        Refusal::Storage(error) => (error.clone(), None, error.to_string()),
        Refusal::Batch(failure) => {
            let said = failure.to_string();
            (failure.error, Some(failure.step), said)
        }
    };
    assert_eq!(step["fails"], code_of(&error), "{said}");
    if let Some(outcome) = step["outcome"].as_str() {
        let found = match error.outcome() {
            Outcome::NotApplied => "not-applied",
            Outcome::Unconfirmed => "unconfirmed",
            Outcome::Unknown => "unknown",
        };
        assert_eq!(found, outcome);
        assert_eq!(error.is_applied(), outcome == "unconfirmed");
    }
    // `update_batch` gives the error alone, as its caller's own type.
    if let Some(at) = at {
        assert_eq!(step.get("step").unwrap_or(&json!(at)), &json!(at));
        assert!(said.contains(text(step, "says")), "{said}");
    }
}

fn code_of(error: &Error) -> &'static str {
    match error {
        Error::Conflict { .. } => "conflict",
        Error::Corrupt { .. } => "corrupt",
        Error::LogChanged { .. } => "log-changed",
        Error::NoSpace { .. } => "no-space",
        Error::Unconfirmed { .. } => "unconfirmed",
        Error::Other { reason, .. } if reason.starts_with("update_batch commits") => "misuse",
        Error::Other { reason, .. } if reason.starts_with("all files of a batch") => "type",
        error => panic!("{error}"),
    }
}

/// Lends an object to a call, in the middle of which others may use theirs.
macro_rules! lent {
    ($shared:expr, $kind:ident, $step:expr, $call:expr) => {{
        let name = text($step, "as").to_owned();
        let lock = || $shared.lock().unwrap_or_else(PoisonError::into_inner);
        let mut object = lock().$kind.remove(&name).unwrap();
        let given = $call(&mut object);
        lock().$kind.insert(name, object);
        given
    }};
}

/// Makes a step on its own.
fn make(shared: &Shared, step: &Value) -> Given {
    let (path, contents) = (text(step, "path"), text(step, "text"));
    match text(step, "do") {
        "read" => return Ok(json!(read_file_string(path, SCOPE)?)),
        "write" => atomic_write_file(path, contents, SCOPE)?,
        "append" => append_file(path, contents, SCOPE)?,
        "delete" => delete_file(path, SCOPE)?,
        "file-add" => {
            update_file(path, SCOPE, |old| {
                Ok::<_, Error>([old.unwrap_or_default(), contents.as_bytes()].concat())
            })?;
        }
        "json-push" => {
            let mut list = State::<Vec<Value>>::load_or_default(path, SCOPE)?;
            list.update(|list| list.push(step["value"].clone()))?;
        }
        "counter-next" => return Ok(json!(Counter::new(path, SCOPE).next()?)),
        "batch" => {
            let mut batch = Batch::new(SCOPE);
            for step in steps_of(step, "steps") {
                checked_in(shared, &mut batch, &step)?;
            }
            batch.commit()?;
        }
        "update-batch" => return make_again(shared, step),
        "state" => {
            let is_shared = step["place"] == "user";
            let scope = if is_shared { Scope::User } else { SCOPE };
            let state = State::load_or_default(path, scope)?;
            let mut made = shared.lock().unwrap();
            made.states.insert(text(step, "as").to_owned(), state);
        }
        "log" => {
            let log = AuditLog::open(path, SCOPE)?;
            let mut made = shared.lock().unwrap();
            made.logs.insert(text(step, "as").to_owned(), log);
        }
        "log-append" => {
            return lent!(shared, logs, step, |log: &mut AuditLog| {
                Ok(json!(log.append(contents)?.count))
            });
        }
        _ => return make_with_state(shared, step),
    }
    Ok(Value::Null)
}

fn make_with_state(shared: &Shared, step: &Value) -> Given {
    let key = text(step, "key").to_owned();
    match text(step, "do") {
        "log-count" => lent!(shared, logs, step, |log: &mut AuditLog| {
            assert_eq!(log.head().count, log.count());
            Ok(json!(log.count()))
        }),
        kind => lent!(shared, states, step, |state: &mut State<
            Map<String, Value>,
        >| {
            match kind {
                "state-set" => drop(state.insert(key, step["value"].clone())),
                "state-save" => state.save()?,
                "state-update" => {
                    state.update(|state| drop(state.insert(key.clone(), step["value"].clone())))?;
                }
                "state-value" => return Ok(json!(**state)),
                _ => panic!("there is no step {kind}"),
            }
            Ok(Value::Null)
        }),
    }
}

fn make_again(shared: &Shared, step: &Value) -> Given {
    let mut tries = 0_u64;
    let given = update_batch(SCOPE, |batch| {
        tries += 1;
        for step in steps_of(step, "steps") {
            if step["do"] != "others" {
                checked_in(shared, batch, &step)?;
            } else if tries == 1 {
                let others = steps_of(&step, "steps");
                others.iter().for_each(|step| check_others(shared, step));
            }
        }
        Ok(Value::Null)
    });
    assert_eq!(step.get("tries").unwrap_or(&json!(tries)), &json!(tries));
    given
}

fn checked_in(shared: &Shared, batch: &mut Batch, step: &Value) -> Result<(), Refusal> {
    let given = make_in(shared, batch, step)?;
    assert_eq!(step.get("gives").unwrap_or(&given), &given, "{step}");
    Ok(())
}

/// Makes a step as a part of a batch.
fn make_in(shared: &Shared, batch: &mut Batch, step: &Value) -> Given {
    let (path, contents) = (text(step, "path"), text(step, "text"));
    match text(step, "do") {
        "read" => {
            let contents = batch.read(path)?;
            return Ok(json!(
                contents.map(|contents| String::from_utf8(contents).unwrap())
            ));
        }
        "write" => _ = batch.write(path, contents),
        "create" => _ = batch.write_if(path, contents, Precondition::Absent),
        "append" => _ = batch.append(path, contents),
        "rename" => _ = batch.rename(path, text(step, "target")),
        "delete" => _ = batch.delete(path),
        "take" => {
            let rest = number(batch.read(path)?) - step["count"].as_i64().unwrap();
            batch.write(path, rest.to_string());
        }
        "counter-next" => return Ok(json!(Counter::new(path, SCOPE).next_in(batch)?)),
        "json-push" => {
            let mut list = State::<Vec<Value>>::load_or_default(path, SCOPE)?;
            list.update_in(batch, |list| list.push(step["value"].clone()))?;
        }
        "state-update" => lent!(shared, states, step, |state: &mut State<
            Map<String, Value>,
        >| {
            let (key, value) = (text(step, "key").to_owned(), step["value"].clone());
            state.update_in(batch, |state| drop(state.insert(key, value)))
        })?,
        "log-append" => {
            return lent!(shared, logs, step, |log: &mut AuditLog| {
                Ok(json!(log.append_in(batch, contents)?.count))
            });
        }
        "commit" => drop(batch.commit()?),
        "throw" => return Err(Refusal::Thrown),
        _ => return make_with_state(shared, step),
    }
    Ok(Value::Null)
}
