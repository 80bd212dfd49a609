//! What came of a copy: counted for each volume, told to a person or to a program.

use super::left_out::LeftOut;
use crate::size::written;
use ability_storage::{FilePath, VolumeId};
use serde_json::{Value, json};

/// Some files, and how long they are together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub files: u64,
    pub bytes: u64,
}

impl Tally {
    pub fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }

    fn and(self, other: Self) -> Self {
        Self {
            files: self.files + other.files,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// What came of the files of one volume.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Were not there.
    pub copied: Tally,
    /// Were there with other contents, and are replaced.
    pub replaced: Tally,
    /// Were there with the same contents.
    pub same: Tally,
    /// Are there with other contents, and were not touched.
    pub different: Vec<FilePath>,
    /// Could not be copied, and why.
    pub failed: Vec<(FilePath, String)>,
    /// Are in the target, but without the permissions that they have in the source, and why.
    pub not_permitted: Vec<(FilePath, String)>,
    /// Are not in the source, and were not touched.
    pub only_in_target: u64,
}

impl Done {
    pub fn is_complete(&self) -> bool {
        self.different.is_empty() && self.failed.is_empty() && self.not_permitted.is_empty()
    }

    /// How many files of the source are dealt with.
    pub fn files(&self) -> u64 {
        let troubled = self.different.len() + self.failed.len();
        self.copied.and(self.replaced).and(self.same).files + troubled as u64
    }

    /// What they have in the source and in the target now.
    pub fn bytes(&self) -> u64 {
        self.copied.and(self.replaced).and(self.same).bytes
    }

    fn json(&self, id: &VolumeId) -> Value {
        let tally = |tally: &Tally| json!({"files": tally.files, "bytes": tally.bytes});
        let paths: Vec<&str> = self.different.iter().map(FilePath::as_str).collect();
        let reasons = |files: &[(FilePath, String)]| {
            let files = files.iter();
            files
                .map(|(path, reason)| json!({"path": path.as_str(), "reason": reason}))
                .collect::<Vec<_>>()
        };
        json!({
            "volume": id.to_string(),
            "copied": tally(&self.copied),
            "replaced": tally(&self.replaced),
            "same": tally(&self.same),
            "different": paths,
            "failed": reasons(&self.failed),
            "not_permitted": reasons(&self.not_permitted),
            "only_in_target": self.only_in_target,
        })
    }
}

/// What came of all volumes that were looked at.
#[derive(Debug, Default)]
pub struct Report {
    pub volumes: Vec<(VolumeId, Done)>,
    /// Is in the source, and in no volume of it.
    pub left_out: Vec<LeftOut>,
    /// Whether the source has no volumes.
    pub is_empty: bool,
    /// Why it did not come to its end.
    pub stopped: Option<String>,
}

impl Report {
    /// Whether all that is in the source is in the target.
    pub fn is_complete(&self) -> bool {
        let is_all = self.left_out.is_empty() && !self.is_empty && self.stopped.is_none();
        is_all && self.volumes.iter().all(|(_, done)| done.is_complete())
    }

    pub fn json(&self) -> Value {
        let volumes = self.volumes.iter().map(|(id, done)| done.json(id));
        let left_out = self.left_out.iter();
        let left_out = left_out.map(|left| json!({"path": left.path, "reason": left.reason}));
        json!({
            "complete": self.is_complete(),
            "stopped": self.stopped,
            "volumes": volumes.collect::<Vec<_>>(),
            "left_out": left_out.collect::<Vec<_>>(),
        })
    }

    /// A line for each volume.
    pub fn text(&self) -> String {
        let lines = self.volumes.iter().map(|(id, done)| line(id, done));
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn line(id: &VolumeId, done: &Done) -> String {
    let tally = |tally: Tally, what: &str| {
        let bytes = written(tally.bytes);
        (tally.files > 0).then(|| format!("{what} {} ({bytes})", files(tally.files)))
    };
    let counted = |number: usize, what: &str| {
        let number = number as u64;
        (number > 0).then(|| format!("{} {what}", files(number)))
    };
    let parts = [
        tally(done.copied, "copied"),
        tally(done.replaced, "replaced"),
        tally(done.same, "had already"),
        counted(done.different.len(), "with other contents not touched"),
        counted(done.failed.len(), "NOT copied"),
        counted(
            done.only_in_target as usize,
            "only in the target left alone",
        ),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.is_empty() {
        true => format!("{id}: no files"),
        false => format!("{id}: {}", parts.join(", ")),
    }
}

fn files(number: u64) -> String {
    match number {
        1 => "1 file".to_owned(),
        number => format!("{number} files"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let path = || FilePath::new("a.txt").expect("valid");
        let user = VolumeId::user();
        let mut done = Done::default();
        assert_eq!(line(&user, &done), "user: no files");
        done.copied.add(1_500);
        done.copied.add(500);
        done.same.add(3);
        done.only_in_target = 2;
        assert!(done.is_complete());
        assert_eq!(
            line(&user, &done),
            "user: copied 2 files (2.0 KB), had already 1 file (3 B), 2 files only in the \
             target left alone"
        );
        done.different.push(path());
        done.failed.push((path(), "why".to_owned()));
        assert!(!done.is_complete());
        assert_eq!((done.files(), done.bytes()), (5, 2_003));
        assert!(line(&user, &done).contains("1 file NOT copied"));
    }
}
