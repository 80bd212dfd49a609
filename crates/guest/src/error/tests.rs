//! What messages say.

use super::*;

fn from_host(error: types::Error) -> Error {
    Error::from_host(error, "notes.json")
}

#[test]
fn only_unconfirmed_is_applied() {
    let all = [
        types::Error::NotFound,
        types::Error::Conflict(None),
        types::Error::InvalidPath("r".into()),
        types::Error::TooLarge(1),
        types::Error::QuotaExceeded("r".into()),
        types::Error::NoSpace,
        types::Error::ReadOnly,
        types::Error::Unavailable("r".into()),
        types::Error::Unconfirmed("r".into()),
        types::Error::Other("r".into()),
    ];
    for wit in all {
        let unconfirmed = matches!(wit, types::Error::Unconfirmed(_));
        let error = from_host(wit);
        assert_eq!(error.is_applied(), unconfirmed, "{error}");
        assert_eq!(error.path(), "notes.json");
        assert!(error.to_string().contains("notes.json"), "{error}");
    }
}

#[test]
fn messages_say_what_happened_to_the_file() {
    assert_eq!(
        from_host(types::Error::NoSpace).to_string(),
        "notes.json was not changed: the disk is full"
    );
    assert_eq!(
        from_host(types::Error::Conflict(Some("v7".into()))).to_string(),
        "notes.json was not changed: it is not in the expected state (found version v7)"
    );
    assert_eq!(
        from_host(types::Error::Conflict(None)).to_string(),
        "notes.json was not changed: it is not in the expected state (found no file)"
    );
}

#[test]
fn a_rename_names_the_path_that_is_meant() {
    let error = Error::from_rename(types::Error::NotFound, "a", "b");
    assert_eq!(error, Error::NotFound { path: "a".into() });
    let error = Error::from_rename(types::Error::NoSpace, "a", "b");
    assert_eq!(error, Error::NoSpace { path: "b".into() });
    let error = Error::from_rename(types::Error::InvalidPath("has ..".into()), "a", "../b");
    assert_eq!(
        error.to_string(),
        "../b cannot be used as a path: on renaming a to it: has .."
    );
}

#[test]
fn a_hostile_name_is_quoted() {
    let error = Error::from_host(types::Error::NotFound, "a\nok b");
    assert_eq!(error.to_string(), r#""a\nok b" was not found"#);
    let error = Error::from_host(types::Error::NotFound, "");
    assert_eq!(error.to_string(), r#""" was not found"#);
}
