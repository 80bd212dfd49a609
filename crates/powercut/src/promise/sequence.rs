//! Files that change step by step: what is left must be a state that one of the
//! steps made, not older than the last that was acknowledged.

use super::{Files, Kind, Status, Violation};
use serde::{Deserialize, Serialize};

/// All states of the files of one writer, and how far it had come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sequence {
    /// The files at and under these paths are its own.
    owns: Vec<String>,
    /// First what was there before the first step.
    states: Vec<State>,
}

/// What one step made of the files.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    pub files: Files,
    pub status: Status,
}

impl Sequence {
    pub fn new(owns: Vec<String>, states: Vec<State>) -> Self {
        Self { owns, states }
    }

    pub fn owns(&self) -> &[String] {
        &self.owns
    }

    pub fn statuses(&self) -> impl Iterator<Item = Status> {
        self.states.iter().map(|state| state.status)
    }

    fn last_acknowledged(&self) -> usize {
        let acknowledged = |state: &State| state.status == Status::Acknowledged;
        self.states.iter().rposition(acknowledged).unwrap_or(0)
    }

    /// # Errors
    ///
    /// If what is left is no state that it may be.
    pub fn judge(&self, left: &Files) -> Result<(), Violation> {
        let last = self.last_acknowledged();
        let is_possible = |status| matches!(status, Status::Begun | Status::Acknowledged);
        let may_be = |(i, state): &(usize, &State)| *i >= last && is_possible(state.status);
        let mut allowed = self.states.iter().enumerate().filter(may_be);
        if allowed.any(|(_, state)| state.files == *left) {
            return Ok(());
        }
        Err(self.violation(left, last))
    }

    fn violation(&self, left: &Files, last: usize) -> Violation {
        let same = self.states.iter().rposition(|state| state.files == *left);
        let of = self.states.len() - 1;
        match same {
            Some(i) if i < last => Violation::new(
                Kind::Lost,
                format!(
                    "{} are as after step {i} of {of}, but {last} was acknowledged",
                    self
                ),
            ),
            Some(i) if self.states[i].status == Status::NotApplied => Violation::new(
                Kind::NotApplied,
                format!("{self} are as after step {i} of {of}, which was said not to be applied"),
            ),
            Some(i) => Violation::new(
                Kind::Future,
                format!("{self} are as after step {i} of {of}, which was not begun"),
            ),
            None => {
                let wanted = &self.states[last].files;
                let mut violation = Violation::between(left, wanted);
                violation.detail += &format!(" (step {last} of {of} was acknowledged)");
                violation
            }
        }
    }
}

impl std::fmt::Display for Sequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the files of {}", self.owns.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Acknowledged, Begun, NotBegun};

    /// Two files that change together: both hold the number of the step.
    fn files(number: usize) -> Files {
        let mut files = Files::default();
        for path in ["d/a", "d/b"] {
            if number > 0 {
                files.put(path, number.to_string().as_bytes());
            }
        }
        files
    }

    fn sequence(statuses: &[Status]) -> Sequence {
        let states = statuses.iter().enumerate().map(|(i, status)| State {
            files: files(i),
            status: *status,
        });
        Sequence::new(vec!["d".to_owned()], states.collect())
    }

    fn kind(sequence: &Sequence, left: &Files) -> Option<Kind> {
        sequence.judge(left).err().map(|violation| violation.kind)
    }

    #[test]
    fn what_was_begun_may_be_there_and_what_was_acknowledged_must() {
        let sequence = sequence(&[Acknowledged, Acknowledged, Acknowledged, Begun, NotBegun]);
        assert_eq!(kind(&sequence, &files(0)), Some(Kind::Lost));
        assert_eq!(kind(&sequence, &files(1)), Some(Kind::Lost));
        assert_eq!(kind(&sequence, &files(2)), None);
        assert_eq!(kind(&sequence, &files(3)), None);
        assert_eq!(kind(&sequence, &files(4)), Some(Kind::Future));
    }

    #[test]
    fn at_first_there_is_what_was_there_before() {
        let sequence = sequence(&[Acknowledged, Begun, NotBegun]);
        assert_eq!(kind(&sequence, &files(0)), None);
        assert_eq!(kind(&sequence, &files(1)), None);
        assert_eq!(kind(&sequence, &files(2)), Some(Kind::Future));
    }

    #[test]
    fn half_a_change_is_none() {
        let sequence = sequence(&[Acknowledged, Acknowledged, Begun]);
        let mut half = files(1);
        half.put("d/a", b"2");
        assert_eq!(kind(&sequence, &half), Some(Kind::Torn));
        half.remove("d/a");
        assert_eq!(kind(&sequence, &half), Some(Kind::Missing));
    }

    #[test]
    fn a_step_that_is_not_applied_is_not_there() {
        let sequence = sequence(&[Acknowledged, Acknowledged, Status::NotApplied, Begun]);
        assert_eq!(kind(&sequence, &files(1)), None);
        assert_eq!(kind(&sequence, &files(2)), Some(Kind::NotApplied));
        assert_eq!(kind(&sequence, &files(3)), None);
    }

    #[test]
    fn an_acknowledged_step_makes_up_for_one_before_that_is_not_yet() {
        let sequence = sequence(&[Acknowledged, Begun, Acknowledged, Begun]);
        assert_eq!(kind(&sequence, &files(1)), Some(Kind::Lost));
        assert_eq!(kind(&sequence, &files(2)), None);
        assert_eq!(kind(&sequence, &files(3)), None);
    }
}
