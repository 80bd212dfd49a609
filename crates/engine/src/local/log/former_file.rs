//! Files that a commit has replaced or removed: until a checkpoint, they may be at their paths
//! again, or still, after a power cut, a kill, or in a copy of the volume.
//!
//! A file that another program makes where the log says that there is none is another file: it
//! has seen the removal, and its file stays. Times alone do not tell the two apart, for clocks are
//! set back, and times of change move with owners, permissions and copies. So a record names what
//! was at the path before.

use super::super::directory::Stat;
use super::frame::{Fields, put_number};
use super::log_file::LogSlot;
use super::record::{put_time, time};
use crate::FilePath;
use std::collections::HashMap;
use std::io;
use std::time::SystemTime;

/// What tells a file of a volume from any other, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FormerFile {
    /// The inode of the directory of the volume: a copy of it has another. 0 where that is not
    /// known.
    root: u64,
    /// 0 where that is not known.
    inode: u64,
    /// When the inode was given to it; 1970 where that is not known.
    created: SystemTime,
    bytes: u64,
    modified: SystemTime,
}

impl FormerFile {
    /// `None` if this is no file on the disk.
    pub(super) fn of(root: u64, stat: &Stat) -> Option<Self> {
        if stat.stamp.is_none() && stat.created.is_none() {
            return None;
        }
        Some(Self {
            root,
            inode: stat.inode(),
            created: stat.created.unwrap_or(SystemTime::UNIX_EPOCH),
            bytes: stat.size,
            modified: stat.modified,
        })
    }

    /// Whether this is it. The next file that is made may have its inode. In a copy of the
    /// volume nothing is as it was, so whatever is there counts as what was copied.
    fn is(&self, there: &Self, is_copied: Option<bool>) -> bool {
        if is_copied.unwrap_or(self.root != there.root) {
            return true;
        }
        if self.inode == 0 || there.inode == 0 {
            return self.bytes == there.bytes && self.modified == there.modified;
        }
        let is_unknown = |time| time == SystemTime::UNIX_EPOCH;
        self.inode == there.inode
            && match is_unknown(self.created) || is_unknown(there.created) {
                // What was appended may be lost.
                true => there.modified <= self.modified,
                false => self.created == there.created,
            }
    }

    pub(super) fn encode(&self, record: &mut Vec<u8>) {
        put_number(record, self.root);
        put_number(record, self.inode);
        put_time(record, self.created);
        put_number(record, self.bytes);
        put_time(record, self.modified);
    }

    pub(super) fn decode(fields: &mut Fields<'_>) -> io::Result<Self> {
        Ok(Self {
            root: fields.number()?,
            inode: fields.number()?,
            created: time(fields)?,
            bytes: fields.number()?,
            modified: time(fields)?,
        })
    }
}

/// Those of all paths that the log has records about.
#[derive(Default)]
pub(super) struct FormerFiles(HashMap<FilePath, Vec<(LogSlot, FormerFile)>>);

impl FormerFiles {
    /// A record in this file of the log names one.
    pub(super) fn add(&mut self, path: &FilePath, which: LogSlot, file: FormerFile) {
        let files = self.0.entry(path.clone()).or_default();
        let named = (which, file);
        if !files.contains(&named) {
            files.push(named);
        }
    }

    /// What this file of the log says of the path is on the disk.
    pub(super) fn give_up(&mut self, path: &FilePath, which: LogSlot) {
        if let Some(files) = self.0.get_mut(path) {
            files.retain(|(named_in, _)| *named_in != which);
            if files.is_empty() {
                self.0.remove(path);
            }
        }
    }

    pub(super) fn of(&self, path: &FilePath) -> Vec<FormerFile> {
        let mut files: Vec<FormerFile> = Vec::new();
        for (_, file) in self.0.get(path).into_iter().flatten() {
            if !files.contains(file) {
                files.push(file.clone());
            }
        }
        files
    }

    /// Whether the file that is at the path now is known to have been there before. The
    /// directory of the volume has the inode `root`; where it is not known whether the volume
    /// is a copy, that tells.
    pub(super) fn has(
        &self,
        path: &FilePath,
        (root, is_copied): (u64, Option<bool>),
        now: &Stat,
    ) -> bool {
        let Some(now) = FormerFile::of(root, now) else {
            return false;
        };
        let mut files = self.0.get(path).into_iter().flatten();
        files.any(|(_, file)| file.is(&now, is_copied))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::directory::{Kind, Stamp};
    use super::*;
    use std::time::Duration;

    fn time(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn stat() -> Stat {
        Stat {
            kind: Kind::File,
            size: 5,
            modified: time(100),
            created: Some(time(90)),
            mode: None,
            links: 1,
            stamp: Some(Stamp {
                device: 1,
                inode: 7,
                changed: (100, 0),
            }),
            is_fixed: false,
        }
    }

    fn with_inode(inode: u64, stat: Stat) -> Stat {
        let stamp = stat.stamp.map(|stamp| Stamp { inode, ..stamp });
        Stat { stamp, ..stat }
    }

    #[test]
    fn a_file_is_told_from_what_another_program_makes() {
        let former = FormerFile::of(1, &stat()).expect("on the disk");
        let is =
            |root, stat: &Stat| FormerFile::of(root, stat).is_some_and(|it| former.is(&it, None));
        let changed = Stamp {
            changed: (5_000, 0),
            ..stat().stamp.expect("there")
        };
        let stamp = Some(changed);
        let owner_changed = Stat { stamp, ..stat() };
        let longer = Stat { size: 9, ..stat() };
        let unknown = Stat {
            created: None,
            ..owner_changed
        };
        for same in [stat(), owner_changed, longer, unknown] {
            assert!(is(1, &same), "{same:?}");
        }
        let next_in_inode = Stat {
            created: Some(time(95)),
            ..stat()
        };
        let restored = with_inode(8, stat());
        let in_log_alone = Stat {
            stamp: None,
            created: None,
            ..stat()
        };
        let next_of_unknown = Stat {
            modified: time(105),
            ..unknown
        };
        for other in [next_in_inode, restored, in_log_alone, next_of_unknown] {
            assert!(!is(1, &other), "{other:?}");
        }
        assert!(is(2, &restored), "in a copy of the volume");
        let restored_now = FormerFile::of(2, &restored).expect("on the disk");
        assert!(
            !former.is(&restored_now, Some(false)),
            "its root has another number"
        );
        let there = FormerFile::of(1, &restored).expect("on the disk");
        assert!(
            former.is(&there, Some(true)),
            "a copy with a root of this number"
        );
        let without_inode = |size| with_inode(0, Stat { size, ..stat() });
        assert!(is(1, &without_inode(5)) && !is(1, &without_inode(6)));
    }

    #[test]
    fn what_is_given_up_is_forgotten() {
        let path = FilePath::new("a").expect("valid");
        let mut files = FormerFiles::default();
        assert!(!files.has(&path, (1, None), &stat()));
        let former = FormerFile::of(1, &stat()).expect("on the disk");
        for which in [0, 1, 1] {
            files.add(&path, which, former.clone());
        }
        assert_eq!(files.of(&path), [former]);
        files.give_up(&path, 0);
        assert!(files.has(&path, (1, None), &stat()));
        files.give_up(&path, 1);
        assert!(!files.has(&path, (1, None), &stat()));
    }
}
