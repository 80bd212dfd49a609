//! How programs replace a file by themselves, through the plain calls of the
//! system. All but two of these tear, and the laboratory must find that out.

use super::contents::contents;
use crate::disk::{Fault, Reason, Which};
use crate::recording::Site;
use anyhow::Result;
use fastrand::Rng;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// The file that is replaced again and again.
pub const STATE: &str = "state.json";
/// Where the forward journal keeps the next version meanwhile.
pub const JOURNAL: &str = "state_tmp.json";

const REPLACES: u64 = 24;
const BYTES: [usize; 4] = [300, 4_096, 9_000, 20_000];

/// Between two steps, at most: long enough for the neighbour's sync to fall in
/// between.
const LONGEST_PAUSE_MICROSECONDS: u64 = 3_000;

/// One who replaces a file, step by step.
pub struct Program {
    directory: PathBuf,
    random: Rng,
}

pub type Protocol = fn(&mut Program, &[u8]) -> Result<()>;

/// The disk fails a few writes, that of the neighbour perhaps among them, and then
/// works again.
const A_FEW_WRITES: Fault = Fault {
    which: Which::All,
    error: Reason::Broken,
    most: 4,
};

/// The same on a disk that fails to write now and then.
pub fn run_on_failing_disk(site: &Site, protocol: Protocol) -> Result<()> {
    run_with(site, protocol, |version| {
        let fault = (version % 3 == 0).then_some(A_FEW_WRITES);
        site.disk.fail_data(fault)
    })?;
    site.disk.fail_data(None)
}

/// Replaces the file by a protocol, again and again.
pub fn run(site: &Site, protocol: Protocol) -> Result<()> {
    run_with(site, protocol, |_| Ok(()))
}

fn run_with(
    site: &Site,
    protocol: Protocol,
    mut before: impl FnMut(u64) -> Result<()>,
) -> Result<()> {
    let mut program = Program {
        directory: site.directory.clone(),
        random: Rng::with_seed(site.seed),
    };
    let mut writer = site.recorder.writer(&[STATE]);
    for version in 1..=REPLACES {
        let bytes = program.random.choice(BYTES).unwrap_or(BYTES[0]);
        let next = contents(STATE, version, bytes);
        before(version)?;
        writer.step(
            |files| files.put(STATE, &next),
            || protocol(&mut program, &next),
        )?;
        program.pause();
    }
    Ok(())
}

impl Program {
    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn pause(&mut self) {
        let pause = self.random.u64(0..LONGEST_PAUSE_MICROSECONDS);
        thread::sleep(Duration::from_micros(pause));
    }

    /// What `mode="w"` does, as every language has it.
    fn truncate_and_write(&mut self, name: &str, contents: &[u8]) -> Result<File> {
        let mut file = File::create(self.path(name))?;
        self.pause();
        file.write_all(contents)?;
        Ok(file)
    }

    fn delete(&mut self, name: &str) -> Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        Ok(fs::rename(self.path(from), self.path(to))?)
    }

    fn sync_directory(&mut self) -> Result<()> {
        Ok(File::open::<&Path>(&self.directory)?.sync_all()?)
    }
}

pub fn truncate_write(program: &mut Program, contents: &[u8]) -> Result<()> {
    program.truncate_and_write(STATE, contents)?;
    Ok(())
}

pub fn delete_write(program: &mut Program, contents: &[u8]) -> Result<()> {
    program.delete(STATE)?;
    program.pause();
    program.truncate_and_write(STATE, contents)?;
    Ok(())
}

pub fn rename_unsynced(program: &mut Program, contents: &[u8]) -> Result<()> {
    program.truncate_and_write(JOURNAL, contents)?;
    program.pause();
    program.rename(JOURNAL, STATE)
}

pub fn rename_file_unsynced(program: &mut Program, contents: &[u8]) -> Result<()> {
    rename_unsynced(program, contents)?;
    program.pause();
    program.sync_directory()
}

pub fn rename_directory_unsynced(program: &mut Program, contents: &[u8]) -> Result<()> {
    program.truncate_and_write(JOURNAL, contents)?.sync_all()?;
    program.pause();
    program.rename(JOURNAL, STATE)
}

pub fn rename_synced(program: &mut Program, contents: &[u8]) -> Result<()> {
    rename_directory_unsynced(program, contents)?;
    program.pause();
    program.sync_directory()
}

/// Syncs again what could not be synced: the system tells an error once, and the second
/// sync succeeds although nothing was written.
pub fn sync_again(program: &mut Program, contents: &[u8]) -> Result<()> {
    let file = program.truncate_and_write(JOURNAL, contents)?;
    file.sync_all().or_else(|_| file.sync_all())?;
    program.rename(JOURNAL, STATE)?;
    program.sync_directory()
}

/// As one author built it on the four calls of a platform: write the journal, read
/// it back, delete the file, write the file, delete the journal.
pub fn forward_journal(program: &mut Program, contents: &[u8]) -> Result<()> {
    program.truncate_and_write(JOURNAL, contents)?;
    fs::read(program.path(JOURNAL))?;
    program.pause();
    program.delete(STATE)?;
    program.pause();
    program.truncate_and_write(STATE, contents)?;
    program.pause();
    program.delete(JOURNAL)
}

/// The same with a sync at each step, which the platform does not offer.
pub fn forward_journal_synced(program: &mut Program, contents: &[u8]) -> Result<()> {
    program.truncate_and_write(JOURNAL, contents)?.sync_all()?;
    program.sync_directory()?;
    program.pause();
    program.delete(STATE)?;
    program.pause();
    program.truncate_and_write(STATE, contents)?.sync_all()?;
    program.sync_directory()?;
    program.pause();
    program.delete(JOURNAL)?;
    program.sync_directory()
}
