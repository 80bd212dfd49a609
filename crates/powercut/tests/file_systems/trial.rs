//! One commit under a fault, and what must be true of it.

use crate::kinds::{Kind, State, append, commit, contents, write};
use ability_storage_engine::layout::{
    LOG, LOG_FILES, LOG_KEPT, PRIVATE_DIR, SESSION_LOCK, SESSIONS, SPARE_SESSION,
};
use ability_storage_engine::{Error, LocalVolume, MemoryVolume, Outcome, Result, Volume};
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

/// A volume with the files that commits need, and one kind of commit to it.
pub struct Trial<'a> {
    kind: &'a Kind,
    directory: PathBuf,
    volume: LocalVolume,
    before: State,
    after: State,
}

/// What came of a commit under a fault.
pub struct Answer {
    pub error: Option<Error>,
    /// All of it, for messages.
    pub text: String,
}

impl Answer {
    /// Whether the commit is made, for sure or not.
    pub fn is_made(&self) -> bool {
        let outcome = self.error.as_ref().map(Error::outcome);
        outcome.is_none_or(|outcome| outcome == Outcome::Unconfirmed)
    }

    /// The error without the step of a batch that it is about.
    pub fn cause(&self) -> Option<&Error> {
        match self.error.as_ref()? {
            Error::Step { source, .. } => Some(source),
            error => Some(error),
        }
    }
}

impl<'a> Trial<'a> {
    /// In a directory that does not exist yet, with what `prepare` puts there.
    pub fn begin(
        kind: &'a Kind,
        directory: &Path,
        prepare: impl Fn(&dyn Volume) -> Result<()>,
    ) -> Self {
        fs::create_dir(directory).expect("created");
        let volume = LocalVolume::open(directory).expect("opened");
        prepare(&volume).expect("no fault yet");
        let model = MemoryVolume::new();
        prepare(&model).expect("done in memory");
        let before = contents(&model).expect("read");
        (kind.run)(&model).expect("done in memory");
        let after = contents(&model).expect("read");
        Self {
            kind,
            directory: directory.to_owned(),
            volume,
            before,
            after,
        }
    }

    pub fn volume(&self) -> &LocalVolume {
        &self.volume
    }

    /// Makes the commit while there is a fault.
    pub fn commit(&self, fault: impl Display) -> Answer {
        let error = (self.kind.run)(&self.volume).err();
        let said = match &error {
            Some(error) => format!("{error} ({error:?})"),
            None => "no error".to_owned(),
        };
        Answer {
            error,
            text: format!("{}, {fault}: {said}", self.kind.name),
        }
    }

    /// That the volume holds what the answer says: all of the commit or nothing.
    pub fn check_contents(&self, answer: &Answer) {
        let found = contents(&self.volume);
        let found = found.unwrap_or_else(|error| panic!("{error:?}; {}", answer.text));
        assert_same(&found, self.expected(answer), &answer.text);
    }

    fn expected(&self, answer: &Answer) -> &State {
        if answer.is_made() {
            &self.after
        } else {
            &self.before
        }
    }

    /// The fault is gone: the same volume holds what the answer says, keeps nothing that
    /// was on its way, can do what it could not, and is clean when it is closed.
    pub fn check_service(self, answer: &Answer) {
        let at = &answer.text;
        self.check_contents(answer);
        if !answer.is_made() {
            assert_eq!(staged(&self.directory), [""; 0], "{at}");
            (self.kind.run)(&self.volume).unwrap_or_else(|error| panic!("{error:?}; {at}"));
        }
        let found = contents(&self.volume).expect(at);
        assert_same(&found, &self.after, at);
        check_writing(&self.volume, at);
        let expected = contents(&self.volume).expect(at);
        let directory = self.close();
        check_opened(&directory, &[expected], at);
    }

    /// Closes the volume. Where it is, and what it may hold from then on: a commit that is
    /// not confirmed may be undone, as if the power failed.
    pub fn close_as(self, answer: &Answer) -> (PathBuf, Vec<State>) {
        let possible = match answer.error.as_ref().map(Error::outcome) {
            None => vec![self.after.clone()],
            Some(Outcome::NotApplied) => vec![self.before.clone()],
            Some(_) => vec![self.before.clone(), self.after.clone()],
        };
        (self.close(), possible)
    }

    fn close(self) -> PathBuf {
        self.directory
    }
}

/// Opened anew, the volume holds one of these, works, and is clean when it is closed.
pub fn check_opened(directory: &Path, possible: &[State], at: &str) {
    let volume = LocalVolume::open(directory).expect(at);
    let found = contents(&volume).expect(at);
    if !possible.contains(&found) {
        assert_same(&found, &possible[0], at);
    }
    check_writing(&volume, at);
    drop(volume);
    let left = sessions_of(directory);
    assert!(left.is_empty(), "left behind {left:?}; {at}");
}

fn check_writing(volume: &LocalVolume, at: &str) {
    for change in [write("next/file", "works"), append("next/log", "too")] {
        commit(volume, [change]).expect(at);
    }
}

/// What is on its way into the volume.
fn staged(directory: &Path) -> Vec<String> {
    let private = directory.join(PRIVATE_DIR);
    let sessions = private.join(SESSIONS);
    let of_session = |session: String| names(&sessions.join(session));
    let of_sessions = names(&sessions).into_iter().flat_map(of_session);
    let of_sessions = of_sessions.filter(|name| name != SESSION_LOCK);
    let is_kept = |name: &&str| LOG_FILES.contains(name) || LOG_KEPT.contains(name);
    let of_log = names(&private.join(LOG)).into_iter();
    of_sessions
        .chain(of_log.filter(|name| !is_kept(&&**name)))
        .collect()
}

pub fn sessions_of(volume: &Path) -> Vec<String> {
    let mut sessions = names(&volume.join(PRIVATE_DIR).join(SESSIONS));
    sessions.retain(|name| name != SPARE_SESSION);
    sessions
}

pub fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("listed");
    let names = entries.map(|entry| entry.expect("listed").file_name());
    names
        .map(|name| name.into_string().expect("UTF-8"))
        .collect()
}

#[track_caller]
pub fn assert_same(found: &State, expected: &State, at: &str) {
    let lengths = |state: &State| -> Vec<String> {
        let files = state.iter();
        files
            .map(|(path, contents)| format!("{path} {}", contents.len()))
            .collect()
    };
    assert!(
        found == expected,
        "found {:?}, expected {:?}; {at}",
        lengths(found),
        lengths(expected)
    );
}
