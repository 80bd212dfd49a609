//! The ways in which a promise is broken.

use super::Files;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is wrong with what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A file that must be there has no bytes.
    Empty,
    /// Zeros are where other bytes should be.
    Zeros,
    /// A mixture, or a piece of a change.
    Torn,
    /// The beginning of what should be there.
    Short,
    /// A file that must be there is not.
    Missing,
    /// An older version than one that was acknowledged.
    Lost,
    /// A version that nobody had begun to write.
    Future,
    /// A change of which it was said that it is not applied.
    NotApplied,
    /// A file that nobody wrote, or something temporary that is left behind.
    Extra,
    /// A file cannot be read.
    Unreadable,
    /// The volume does not open, or does not work once it is open.
    Unusable,
    /// The file system does not mount.
    Unmountable,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Empty => "empty",
            Kind::Zeros => "zeros",
            Kind::Torn => "torn",
            Kind::Short => "short",
            Kind::Missing => "missing",
            Kind::Lost => "lost",
            Kind::Future => "future",
            Kind::NotApplied => "not applied, but there",
            Kind::Extra => "extra",
            Kind::Unreadable => "unreadable",
            Kind::Unusable => "unusable",
            Kind::Unmountable => "unmountable",
        })
    }
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub kind: Kind,
    pub detail: String,
}

impl Violation {
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }

    /// What is wrong with files of which none of the states that they may be in
    /// is `wanted`, the one that was acknowledged last.
    pub fn between(left: &Files, wanted: &Files) -> Self {
        let Some(path) = left.differences(wanted).first().copied() else {
            return Self::new(Kind::Torn, "half a change is there");
        };
        let (kind, what) = match (left.get(path), wanted.get(path)) {
            (None, _) => (Kind::Missing, "is not there".to_owned()),
            (Some(left), None) => (kind_of_extra(left), "should not be there".to_owned()),
            (Some(left), Some(wanted)) => compare(left, wanted),
        };
        Self::new(kind, format!("{path} {what}"))
    }
}

/// A file that came too early may be empty or zeros, too.
fn kind_of_extra(left: &[u8]) -> Kind {
    match left.iter().all(|byte| *byte == 0) {
        true if left.is_empty() => Kind::Empty,
        true => Kind::Zeros,
        false => Kind::Extra,
    }
}

fn compare(left: &[u8], wanted: &[u8]) -> (Kind, String) {
    let lengths = format!("{} of {} bytes", left.len(), wanted.len());
    let differs = left.iter().zip(wanted).position(|(a, b)| a != b);
    let Some(from) = differs else {
        return match left.len() {
            0 => (Kind::Empty, format!("is empty: {lengths}")),
            n if n < wanted.len() => (Kind::Short, format!("is cut off: {lengths}")),
            _ => (Kind::Torn, format!("is too long: {lengths}")),
        };
    };
    // A file that a cut leaves zeros in has them from somewhere on.
    let to = left[from..].iter().position(|byte| *byte != 0);
    let zeros = to.map_or(left.len() - from, |to| to);
    if zeros >= 64.min(left.len() - from) {
        return (
            Kind::Zeros,
            format!("has zeros from byte {from} on: {lengths}"),
        );
    }
    (
        Kind::Torn,
        format!("is a mixture from byte {from} on: {lengths}"),
    )
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(left: &[u8], wanted: &[u8]) -> Kind {
        let files = |contents: &[u8]| {
            let mut files = Files::default();
            files.put("f", contents);
            files
        };
        Violation::between(&files(left), &files(wanted)).kind
    }

    #[test]
    fn kinds_are_told_apart() {
        let whole = [7; 200];
        let mut mixed = whole;
        mixed[100..].fill(8);
        let mut zeros = whole;
        zeros[100..].fill(0);
        assert_eq!(kind(b"", &whole), Kind::Empty);
        assert_eq!(kind(&whole[..150], &whole), Kind::Short);
        assert_eq!(kind(&[0; 200], &whole), Kind::Zeros);
        assert_eq!(kind(&zeros, &whole), Kind::Zeros);
        assert_eq!(kind(&mixed, &whole), Kind::Torn);
        assert_eq!(kind(&[7; 201], &whole), Kind::Torn);
        let none = Files::default();
        let mut one = Files::default();
        one.put("f", b"x");
        assert_eq!(Violation::between(&none, &one).kind, Kind::Missing);
        assert_eq!(Violation::between(&one, &none).kind, Kind::Extra);
    }
}
