//! How much a guest may put into its volumes: the options, and the limits of the
//! engine that they become.

use crate::size::bytes;
use ability_storage::{DEFAULT_MAX_VALUE_BYTES, Limits};
use clap::Args;

#[derive(Args)]
#[command(next_help_heading = "Limits of each of its two places for files")]
pub struct StorageLimits {
    /// The longest file it may write
    ///
    /// In bytes, or with K, M or G for 1,024 bytes and its powers. More is
    /// answered with `too-large`. One call carries at most 64M of it; files longer
    /// than that are written and read piece by piece (`streaming`).
    #[arg(long, value_name = "N", value_parser = room, default_value = "1G")]
    pub max_file_bytes: u64,

    /// How long all files may be together
    ///
    /// Counts what is there already. More is answered with `quota-exceeded`, as
    /// with the next limit; deleting and shrinking files is always allowed.
    #[arg(long, value_name = "N", value_parser = room, default_value = "4G")]
    pub max_total_bytes: u64,

    /// How many files there may be
    #[arg(long, value_name = "N", value_parser = files, default_value = "100000")]
    pub max_files: u64,

    /// Let it write plain text only, by the ending of the name
    ///
    /// That is .txt, .csv, .json, .md, .log, .yaml and .yml, and .count for
    /// counters. Other names are
    /// answered with `invalid-path`; what has one already can be read and deleted.
    #[arg(long)]
    pub text_files_only: bool,
}

impl StorageLimits {
    pub fn of_volume(&self) -> Limits {
        let limits = Limits::default()
            .max_file_bytes(self.max_file_bytes)
            .max_total_bytes(self.max_total_bytes)
            .max_files(self.max_files);
        // Else the longest file could not be written after all.
        let in_flight = limits.max_bytes_in_flight.max(self.max_file_bytes);
        let limits = limits.max_bytes_in_flight(in_flight);
        if self.text_files_only {
            limits.text_files_only()
        } else {
            limits
        }
    }

    /// The longest contents of one call.
    pub fn of_value(&self) -> u64 {
        self.max_file_bytes.min(DEFAULT_MAX_VALUE_BYTES)
    }
}

fn room(text: &str) -> Result<u64, String> {
    match bytes(text)? {
        0 => Err(no_room()),
        bytes => Ok(bytes),
    }
}

fn files(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err(no_room()),
        Ok(files) => Ok(files),
        Err(_) => Err("not a number of files, such as 100".to_owned()),
    }
}

fn no_room() -> String {
    "no file could be written; use --read-only for that".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn parsed(options: &[&str]) -> StorageLimits {
        let words = ["ability", "run", "a.wasm", "--root", "data"];
        let Command::Run(args) = Cli::parse_from(words.iter().chain(options)).command else {
            panic!("{words:?} is `run`");
        };
        args.storage
    }

    #[test]
    fn what_the_help_says_is_the_default_is_the_engines() {
        assert_eq!(parsed(&[]).of_volume(), Limits::default());
        assert_eq!(parsed(&[]).of_value(), 64 << 20);
    }

    #[test]
    fn the_longest_file_may_be_longer_than_a_call_can_carry() {
        let limits = parsed(&["--max-file-bytes", "100G"]);
        assert_eq!(limits.of_volume().max_file_bytes, 100 << 30);
        assert_eq!(limits.of_volume().max_bytes_in_flight, 100 << 30);
        assert_eq!(limits.of_value(), 64 << 20);
        assert_eq!(parsed(&["--max-file-bytes", "1K"]).of_value(), 1 << 10);
    }

    #[test]
    fn names_can_be_limited_to_text() {
        let limits = parsed(&["--text-files-only"]).of_volume();
        assert_eq!(limits, Limits::default().text_files_only());
    }

    #[test]
    fn no_room_at_all_is_another_option() {
        for wrong in ["0", "0K", "-1", ""] {
            assert!(room(wrong).is_err(), "{wrong}");
            assert!(files(wrong).is_err(), "{wrong}");
        }
        assert_eq!(room("128M"), Ok(128 << 20));
        assert_eq!(files("7"), Ok(7));
        assert!(files("7K").is_err());
    }
}
