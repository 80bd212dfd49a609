//! What a batch hands on, and what its errors say.

use super::*;

fn example() -> Batch {
    let mut batch = Batch::new(Scope::User);
    batch
        .write("a", "1")
        .append_if("b", b"2".to_vec(), Precondition::Absent)
        .rename("c", "d")
        .delete_if("e", Precondition::Version(Version::new("v")));
    batch
}

fn failure(step: Option<u32>, error: types::Error) -> BatchError {
    example().error(batch::Failure { step, error })
}

#[test]
fn steps_are_kept_in_order_with_their_preconditions() {
    let batch = example();
    assert_eq!(batch.len(), 4);
    assert_eq!(
        format!("{batch:?}"),
        r#"Batch(User) {"write": "a", "append": "b", "rename": "d", "delete": "e"}"#
    );
    let preconditions: Vec<_> = batch.steps.iter().map(|step| &step.precondition).collect();
    assert!(matches!(
        preconditions[..],
        [
            types::Precondition::Any,
            types::Precondition::Absent,
            types::Precondition::Any,
            types::Precondition::Version(version),
        ] if version == "v"
    ));
}

#[test]
fn contents_are_passed_as_they_are() {
    let batch = example();
    assert!(matches!(
        &batch.steps[1].change,
        batch::Change::Append(file) if file.path == "b" && file.contents == b"2"
    ));
}

#[test]
fn a_failure_names_the_step_and_its_path() {
    let error = failure(Some(1), types::Error::Conflict(None));
    assert_eq!(error.step, Some(1));
    assert_eq!(error.error.path(), "b");
    assert_eq!(
        error.to_string(),
        "no step of the batch was made: b was not changed: \
         it is not in the expected state (found no file)"
    );
    let error = failure(Some(2), types::Error::NotFound);
    assert_eq!(Error::from(error).path(), "c", "the source of the rename");
}

#[test]
fn a_failure_of_the_whole_names_the_first_path() {
    let error = failure(None, types::Error::Unconfirmed("no sync".into()));
    assert_eq!(error.step, None);
    assert_eq!(
        error.to_string(),
        "the whole batch was made: a was changed, \
         but the change may not survive a power cut: no sync"
    );
}

#[test]
fn unknown_outcomes_are_not_reported_as_made() {
    let reason = "a may have been changed, or not, for the answer was lost: reset";
    let error = failure(None, types::Error::Unconfirmed(reason.into()));
    assert_eq!(
        error.to_string(),
        format!("all of the batch was made, or none: {reason}")
    );
}

#[test]
fn a_step_that_is_not_there_does_not_panic() {
    let error = failure(Some(9), types::Error::NoSpace);
    assert_eq!(error.step, Some(9));
    assert_eq!(error.error, Error::NoSpace { path: "".into() });
}
