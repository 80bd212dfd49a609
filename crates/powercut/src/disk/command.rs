//! What a disk can be told, as the text that is written to its control file.

use super::fault::Fault;
use crate::file_system::FileSystem;
use clap::ValueEnum;
use std::path::PathBuf;

/// What the disk can be told, by one write to its control file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Note a number in the log.
    Mark(u64),
    /// Write the log to a file.
    Save(PathBuf),
    /// From now on, fail reads or writes with an I/O error, or do not.
    Fail { reads: bool, writes: bool },
    /// Learn which writes are data: the disk holds a file system that was just made.
    Learn(FileSystem),
    /// From now on, fail some writes of data, or none.
    FailData(Option<Fault>),
}

impl Command {
    pub fn to_text(&self) -> String {
        match self {
            Command::Mark(mark) => format!("mark {mark}"),
            Command::Save(path) => format!("save {}", path.display()),
            Command::Fail { reads, writes } => format!("fail {reads} {writes}"),
            Command::Learn(file_system) => format!("learn {file_system}"),
            Command::FailData(None) => "fail-data none".to_owned(),
            Command::FailData(Some(fault)) => format!("fail-data {}", fault.to_text()),
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let (verb, rest) = text.split_once(' ')?;
        match verb {
            "mark" => rest.parse().ok().map(Command::Mark),
            "save" => Some(Command::Save(rest.into())),
            "fail" => {
                let (reads, writes) = rest.split_once(' ')?;
                Some(Command::Fail {
                    reads: reads.parse().ok()?,
                    writes: writes.parse().ok()?,
                })
            }
            "learn" => FileSystem::from_str(rest, false).ok().map(Command::Learn),
            "fail-data" if rest == "none" => Some(Command::FailData(None)),
            "fail-data" => Fault::parse(rest).map(|fault| Command::FailData(Some(fault))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::fault::{Reason, Which};

    #[test]
    fn commands_survive_being_sent() {
        for command in [
            Command::Mark(u64::MAX),
            Command::Save("/some where/a log".into()),
            Command::Fail {
                reads: true,
                writes: false,
            },
            Command::Learn(FileSystem::Btrfs),
            Command::FailData(None),
            Command::FailData(Some(Fault {
                which: Which::New,
                error: Reason::Full,
                most: 12,
            })),
        ] {
            assert_eq!(Command::parse(&command.to_text()), Some(command));
        }
        assert_eq!(Command::parse("mark x"), None);
    }
}
