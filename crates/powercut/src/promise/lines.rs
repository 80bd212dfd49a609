//! A log to which several writers append at once. In which order their lines come
//! is not known beforehand; that each is whole and there once, is.

use super::{Kind, Status, Violation};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A file of lines. Each is `<writer> <number> ...`; a writer's numbers grow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lines {
    path: String,
    lines: BTreeMap<String, Status>,
}

impl Lines {
    pub fn new(path: String, lines: BTreeMap<String, Status>) -> Self {
        Self { path, lines }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn statuses(&self) -> impl Iterator<Item = Status> {
        self.lines.values().copied()
    }

    /// # Errors
    ///
    /// If a line is torn, doubled, in a wrong order, unknown, or if one that was
    /// acknowledged is missing.
    pub fn judge(&self, left: Option<&[u8]>) -> Result<(), Violation> {
        let path = &self.path;
        let text = String::from_utf8_lossy(left.unwrap_or_default());
        let whole = text.is_empty() || text.ends_with('\n');
        let mut last: BTreeMap<&str, u64> = BTreeMap::new();
        for line in text.lines() {
            let torn = || Violation::new(Kind::Torn, format!("{path} has a line {line:?}"));
            let (writer, number) = writer_and_number(line).ok_or_else(torn)?;
            match self.lines.get(line) {
                None => return Err(torn()),
                Some(Status::NotBegun) => {
                    let detail = format!("{path} has {line:?}, which was not begun");
                    return Err(Violation::new(Kind::Future, detail));
                }
                Some(Status::NotApplied) => {
                    let detail = format!("{path} has {line:?}, which was not applied");
                    return Err(Violation::new(Kind::NotApplied, detail));
                }
                Some(_) => {}
            }
            if last.insert(writer, number).is_some_and(|it| it >= number) {
                let detail = format!("{path} has {line:?} twice, or too late");
                return Err(Violation::new(Kind::Torn, detail));
            }
        }
        if !whole {
            return Err(Violation::new(
                Kind::Short,
                format!("the last line of {path} has no end"),
            ));
        }
        let mut acknowledged = self
            .lines
            .iter()
            .filter(|(_, s)| **s == Status::Acknowledged);
        let there: std::collections::BTreeSet<&str> = text.lines().collect();
        match acknowledged.find(|(line, _)| !there.contains(line.as_str())) {
            Some((line, _)) => Err(Violation::new(
                Kind::Lost,
                format!("{path} lacks {line:?}, which was acknowledged"),
            )),
            None => Ok(()),
        }
    }
}

fn writer_and_number(line: &str) -> Option<(&str, u64)> {
    let mut words = line.split(' ');
    Some((words.next()?, words.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(left: &str) -> Option<Kind> {
        let lines = [
            ("a 1 x", Status::Acknowledged),
            ("b 1 x", Status::Begun),
            ("a 2 x", Status::Begun),
            ("a 3 x", Status::NotBegun),
        ];
        let lines = lines.map(|(line, status)| (line.to_owned(), status));
        let lines = Lines::new("log".to_owned(), lines.into());
        lines.judge(Some(left.as_bytes())).err().map(|v| v.kind)
    }

    #[test]
    fn lines_are_there_once_and_whole() {
        assert_eq!(kind("a 1 x\n"), None);
        assert_eq!(kind("b 1 x\na 1 x\na 2 x\n"), None);
        assert_eq!(kind(""), Some(Kind::Lost));
        assert_eq!(kind("b 1 x\n"), Some(Kind::Lost));
        assert_eq!(kind("a 1 x\na 1 x\n"), Some(Kind::Torn));
        assert_eq!(kind("a 2 x\na 1 x\n"), Some(Kind::Torn));
        assert_eq!(kind("a 1 x\na 2"), Some(Kind::Torn));
        assert_eq!(kind("a 1 x\na 2 x"), Some(Kind::Short));
        assert_eq!(kind("a 1 x\n\0\0\0\0"), Some(Kind::Torn));
        assert_eq!(kind("a 1 x\na 3 x\n"), Some(Kind::Future));
    }
}
