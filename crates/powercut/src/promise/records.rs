//! Records in files that other programs change, too: what stands around a record is
//! not known, but that it is whole and there once, is.

use super::files::Contents;
use super::{Files, Kind, Status, Violation};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Files, and the records that were put into them in the order of their groups.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Records {
    owns: Vec<String>,
    records: Vec<Record>,
}

/// One whole file, or one piece of a log. Its first line is of no other record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    pub path: String,
    pub contents: Contents,
    /// Those of a group are there together, or none of them is.
    pub group: u64,
    pub status: Status,
    /// Whether something was done since that may have taken it away.
    pub is_released: bool,
}

impl Records {
    pub fn new(owns: Vec<String>, records: Vec<Record>) -> Self {
        Self { owns, records }
    }

    pub fn owns(&self) -> &[String] {
        &self.owns
    }

    /// # Errors
    ///
    /// If a record is torn, doubled, in a wrong order or too early, if one that was
    /// acknowledged is missing, or a group is there in part.
    pub fn judge(&self, left: &Files) -> Result<(), Violation> {
        let mut last: BTreeMap<&str, usize> = BTreeMap::new();
        let mut groups: BTreeMap<u64, bool> = BTreeMap::new();
        for record in self.records.iter().filter(|it| !it.is_released) {
            let places = record.places(left);
            record.judge(&places, left)?;
            let is_there = !places.is_empty();
            if *groups.entry(record.group).or_insert(is_there) != is_there {
                return Err(record.violation(Kind::Torn, "is not as the others of its batch"));
            }
            if let [(path, at)] = places[..]
                && last.insert(path, at).is_some_and(|before| before > at)
            {
                return Err(record.violation(Kind::Torn, "stands before an older one"));
            }
        }
        Ok(())
    }
}

impl Record {
    fn name(&self) -> &[u8] {
        let bytes = self.contents.bytes();
        let end = bytes.iter().position(|byte| *byte == b'\n');
        &bytes[..end.map_or(bytes.len(), |end| end + 1)]
    }

    fn places<'a>(&self, left: &'a Files) -> Vec<(&'a str, usize)> {
        let places = |(path, contents): (&'a str, &'a [u8])| {
            let places = find(contents, self.contents.bytes()).into_iter();
            places.map(move |at| (path, at))
        };
        left.iter().flat_map(places).collect()
    }

    fn judge(&self, places: &[(&str, usize)], left: &Files) -> Result<(), Violation> {
        let broken = |kind, what| Err(self.violation(kind, what));
        match (places.len(), self.status) {
            (2.., _) => broken(Kind::Torn, "is there twice"),
            (1, Status::NotBegun) => broken(Kind::Future, "was not begun"),
            (1, Status::NotApplied) => broken(Kind::NotApplied, "was said not to be applied"),
            (1, _) | (0, Status::NotBegun) => Ok(()),
            (0, status) if self.is_there_in_part(left) => match status {
                Status::Acknowledged => broken(Kind::Torn, "is there in part"),
                _ => broken(Kind::Torn, "was not acknowledged, and is there in part"),
            },
            (0, Status::Acknowledged) => match left.get(&self.path) {
                None => broken(Kind::Missing, "has no file"),
                Some([]) => broken(Kind::Empty, "has an empty file"),
                Some(bytes) if bytes.iter().all(|byte| *byte == 0) => {
                    broken(Kind::Zeros, "has a file of zeros")
                }
                Some(_) => broken(Kind::Lost, "was acknowledged, and is not there"),
            },
            (0, _) => Ok(()),
        }
    }

    fn is_there_in_part(&self, left: &Files) -> bool {
        left.iter()
            .any(|(_, contents)| !find(contents, self.name()).is_empty())
    }

    fn violation(&self, kind: Kind, what: &str) -> Violation {
        let name = String::from_utf8_lossy(self.name());
        Violation::new(kind, format!("{}: {:?} {what}", self.path, name.trim_end()))
    }
}

/// Where `wanted` stands.
fn find(all: &[u8], wanted: &[u8]) -> Vec<usize> {
    let Some(first) = wanted.first() else {
        return Vec::new();
    };
    let starts = all.iter().enumerate().filter(|(_, byte)| *byte == first);
    let starts = starts.filter(|(at, _)| all[*at..].starts_with(wanted));
    starts.map(|(at, _)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Acknowledged, Begun, NotApplied, NotBegun};

    fn kind(statuses: [(Status, bool); 3], left: &str) -> Option<Kind> {
        let texts = ["a 1\none;", "a 2\ntwo;", "a 3\nthree;"];
        let records =
            statuses
                .iter()
                .zip(texts)
                .zip(1..)
                .map(|(((status, is_released), text), group)| Record {
                    path: "log".to_owned(),
                    contents: Contents::new(text.as_bytes()),
                    group: u64::min(group, 2),
                    status: *status,
                    is_released: *is_released,
                });
        let mut files = Files::default();
        files.put("log", left.as_bytes());
        let records = Records::new(vec!["log".to_owned()], records.collect());
        records.judge(&files).err().map(|violation| violation.kind)
    }

    #[test]
    fn records_are_there_once_and_whole_whatever_is_around_them() {
        let all = [(Acknowledged, false); 3];
        assert_eq!(kind(all, "x a 1\none;\0a 2\ntwo;a 3\nthree;y"), None);
        assert_eq!(kind(all, "a 1\none;a 2\ntwo;a 3\nthr"), Some(Kind::Torn));
        assert_eq!(kind(all, "a 1\none;"), Some(Kind::Lost));
        assert_eq!(kind(all, ""), Some(Kind::Empty));
        assert_eq!(kind(all, "\0\0"), Some(Kind::Zeros));
        assert_eq!(kind(all, "a 2\ntwo;a 3\nthree;a 1\none;"), Some(Kind::Torn));
    }

    #[test]
    fn groups_are_there_whole_or_not_at_all() {
        let begun = [(Acknowledged, false), (Begun, false), (Begun, false)];
        assert_eq!(kind(begun, "a 1\none;"), None);
        assert_eq!(kind(begun, "a 1\none;a 2\ntwo;a 3\nthree;"), None);
        assert_eq!(kind(begun, "a 1\none;a 2\ntwo;"), Some(Kind::Torn));
    }

    #[test]
    fn what_was_not_begun_or_not_applied_is_not_there() {
        let early = [(NotBegun, false), (Begun, false), (Begun, false)];
        assert_eq!(kind(early, "a 1\none;"), Some(Kind::Future));
        let refused = [(NotApplied, false), (Begun, false), (Begun, false)];
        assert_eq!(kind(refused, "a 1\none;"), Some(Kind::NotApplied));
    }

    #[test]
    fn of_released_records_nothing_is_asked() {
        let released = [(Acknowledged, true), (Begun, false), (Begun, false)];
        assert_eq!(kind(released, "a 1\no"), None);
        assert_eq!(kind(released, "a 1\none;a 1\none;"), None);
    }
}
