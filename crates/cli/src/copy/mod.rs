//! `ability copy`: all volumes of a root to another root, of the same kind or another.
//!
//! | module | holds |
//! |---|---|
//! | `volume` | from one volume to another, file by file |
//! | `permissions` | who may read and write what was copied |
//! | `left_out` | what is no file of any volume |
//! | `reading` | reading files piece by piece |
//! | `report` | what came of it |
//! | `trouble` | what can go wrong |
//!
//! Must never change what it copies from.

mod left_out;
mod permissions;
mod reading;
mod report;
#[cfg(test)]
mod tests;
mod trouble;
mod volume;

use crate::progress::Line;
use crate::roots::{self, Opening, Place, StoreOptions, told};
use crate::size::written;
use crate::{FAILED, complain};
use ability_storage::{FilePath, Limits, Root, VolumeId};
use anyhow::{Context, Result};
use clap::Args;
use left_out::{LeftOut, left_out};
use permissions::Permissions;
use report::{Done, Report};
use std::cell::Cell;
use std::io::{self, Write, stdout};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use trouble::Trouble;
use volume::Ends;

/// Some files of FROM are not in TO.
const INCOMPLETE: u8 = 1;

/// What belongs to a volume in its directory.
const PRIVATE_DIR: &str = ".ability-storage";

/// How many things that were left out are named on standard error.
const MOST_LINES: usize = 100;

/// How often the line of progress changes.
const FRAME: Duration = Duration::from_millis(100);

pub const LONG_ABOUT: &str = "\
Copy all files of a root to another one: a directory to a bucket, a bucket to a
directory, or either to its like.

Each file that arrives is one complete version of it, verified by its hash, and
appears whole or not at all. Running the same command again, after an interruption
for instance, goes on where it ended: files that are there already with the same
contents are not copied again, but read at both ends and compared. Files that are
there with other contents are not touched unless you say so. Nothing is ever deleted.

Abilities may use both roots meanwhile: what they change in TO is kept, and what they
change in FROM after it was copied is not in TO until you run it again. So files that
belong together may be of different moments in TO: for a backup of those, stop the
abilities, or copy from a snapshot of the file system. To move to another root, stop
them, copy, and start them there.

What is in a directory and can be in no volume is left out, and named: links, names that
no file may have, and whatever is beside the volumes.

Limits of abilities do not count here. The times of files are those of the copy. Between
directories, new and replaced files get the permissions that they have in FROM; one that
was there with the same contents is never opened to more people than before.";

pub const AFTER_HELP: &str = "\
Examples:
  ability copy data s3://bucket/data
  ability copy s3://bucket/data backup --json
  ability copy data gs://bucket/data --overwrite
      What differs becomes as it is in data/, also where it is newer in the bucket.

What a session that was killed left half-done in a directory FROM is finished first, for
it is a part of its files. That needs the right to write there; without it, a line
says so, and the files are copied as they are.

With --json, one object is printed on standard output, also after a failure:
  complete       whether all that is in FROM is in TO
  stopped        why the copy did not come to its end, or null
  volumes        for each volume:
    volume         its name: user, or abilities/ID
    copied, replaced, same
                   files that were not there, had other contents (--overwrite), had the
                   same: {\"files\": number, \"bytes\": number}
    different      paths of files in TO with other contents, which were not touched
    failed         files that were not copied: [{\"path\": \"\", \"reason\": \"\"}]
    not_permitted  files that were copied without their permissions: the same form
    only_in_target how many files are in TO alone
  left_out       what can be in no volume: [{\"path\": \"\", \"reason\": \"\"}]

Exit codes:
  0      all files of FROM are in TO
  1      some are not: they differ, could not be copied, or cannot be in a volume; each
         is named. Or there is no volume in FROM
  2      the command line is wrong
  125    it could not be started, or had to stop: a root cannot be opened, is full, or
         does not answer any more; what was copied until then stays
  130    SIGINT (Ctrl-C) ended it; 143: SIGTERM did. What was copied until then is whole,
         and stays; nothing is printed for --json";

#[derive(Args)]
pub struct CopyArgs {
    /// The root to copy: a directory, or a url such as s3://bucket/prefix
    #[arg(value_name = "FROM", value_parser = Place::parser())]
    from: Place,

    /// The root to copy it to; a directory is created if it does not exist
    #[arg(value_name = "TO", value_parser = Place::parser())]
    to: Place,

    /// Replace files that are in TO with other contents
    ///
    /// Only those that it has seen: what somebody writes there at that moment is kept,
    /// and reported.
    #[arg(long)]
    overwrite: bool,

    /// Say on standard output, as JSON, what was copied
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    store: StoreOptions,
}

impl CopyArgs {
    /// What no option can know alone.
    pub fn check(&self) -> Result<(), String> {
        self.store.check(&[&self.from, &self.to])?;
        match (&self.from, &self.to) {
            (Place::Directory(from), Place::Directory(to)) => check_apart(from, to),
            (from, to) if from == to => Err("FROM and TO are the same".to_owned()),
            _ => Ok(()),
        }
    }
}

/// Copies, and returns the exit code of the command.
pub fn copy(args: &CopyArgs) -> u8 {
    let mut report = Report::default();
    let copied = copy_all(args, &mut report);
    let stopped = copied.map_err(|error| format!("{error:#}")).err();
    report.stopped = stopped.clone();
    let text = match args.json {
        true => report.json().to_string(),
        false => report.text(),
    };
    let printed = match text.is_empty() {
        true => Ok(()),
        false => writeln!(stdout(), "{text}"),
    };
    if let Some(reason) = stopped {
        complain(format_args!("the copy is not complete: {reason}"));
        return FAILED;
    }
    if let Err(error) = printed {
        complain(format_args!(
            "standard output could not be written: {error}"
        ));
        return FAILED;
    }
    match report.is_complete() {
        true => 0,
        false => INCOMPLETE,
    }
}

fn copy_all(args: &CopyArgs, report: &mut Report) -> Result<()> {
    let line = Line::begin();
    line.say(format!("opening {} and {}", args.from, args.to));
    let opening = |read_only| Opening {
        limits: none(),
        read_only,
        store: Some(&args.store),
        ..Opening::default()
    };
    let from = roots::open(&args.from, opening(true)).context("FROM")?;
    let ids = from.list().map_err(told).context("FROM")?;
    if let Place::Directory(directory) = &args.from {
        ids.iter().for_each(|id| finish(directory, id, &line));
    }
    // From now on, new files are for their owner alone; so what is above comes first.
    let mut permissions = Permissions::keep(&args.from, &args.to);
    let to = roots::open(&args.to, opening(false)).context("TO")?;
    if ids.is_empty() {
        let hint = hint_at_root(&args.from);
        let text = format!(
            "there are no volumes in {}, so nothing was copied{hint}",
            args.from
        );
        line.aside(|| complain(text));
    }
    report.is_empty = ids.is_empty();
    if let Place::Directory(directory) = &args.from {
        report.left_out = left_out(directory);
        line.aside(|| complain_of_left_out(&report.left_out));
    }
    let copied = copy_volumes(args, (&*from, &*to), ids, &mut permissions, report, &line);
    if let Some(permissions) = permissions {
        complain_of_directories(&permissions.give_to_rest(), &line);
    }
    copied
}

fn copy_volumes(
    args: &CopyArgs,
    (from, to): (&dyn Root, &dyn Root),
    ids: Vec<VolumeId>,
    permissions: &mut Option<Permissions>,
    report: &mut Report,
    line: &Line,
) -> Result<()> {
    for id in ids {
        let source = from.volume(&id).map_err(told).context("FROM")?;
        if let Some(permissions) = permissions {
            permissions.expect(&id, &source.list(None).map_err(told).context("FROM")?);
        }
        let target = to.volume(&id).map_err(told).context("TO")?;
        let arrived = |path: &FilePath, was_there| match permissions.as_ref() {
            Some(permissions) => permissions.give(&id, path, was_there),
            None => Ok(()),
        };
        let ends = Ends {
            source: &*source,
            target: &*target,
            overwrite: args.overwrite,
            arrived: &arrived,
        };
        let (done, copied) = copy_volume(&id, ends, line);
        if let Some(permissions) = permissions {
            complain_of_directories(&permissions.give_to_volume(&id), line);
        }
        report.volumes.push((id, done));
        copied.map_err(|trouble| trouble.told())?;
    }
    Ok(())
}

fn copy_volume(id: &VolumeId, ends: Ends<'_>, line: &Line) -> (Done, Result<(), Trouble>) {
    let mut done = Done::default();
    let shown = Cell::new(None::<Instant>);
    let tell = |done: &Done, all: usize, under_way: u64| {
        if shown.get().is_none_or(|shown| shown.elapsed() >= FRAME) {
            shown.set(Some(Instant::now()));
            let (files, bytes) = (done.files(), written(done.bytes() + under_way));
            line.say(format!("{id}: {files} of {all} files, {bytes}"));
        }
    };
    let copied = volume::copy(ends, &mut done, &tell);
    line.aside(|| complain_of(id, &done));
    (done, copied)
}

/// What to do if the directory is not a root, but in one.
fn hint_at_root(place: &Place) -> &'static str {
    match place {
        Place::Directory(directory) if directory.join(PRIVATE_DIR).is_dir() => {
            "; it is a volume itself: give its root, which is the directory above `user`, or \
             above `abilities`"
        }
        _ => "",
    }
}

fn complain_of_directories(failed: &[(PathBuf, io::Error)], line: &Line) {
    for (path, error) in failed {
        let path = path.display();
        let what = "could not be given its permissions, so it is for its owner alone";
        line.aside(|| complain(format_args!("the directory {path} {what}: {error}")));
    }
}

/// A line for each thing that is in the directory and in no volume, but for very many.
fn complain_of_left_out(left_out: &[LeftOut]) {
    for LeftOut { path, reason } in left_out.iter().take(MOST_LINES) {
        let path = path.replace('\n', "\\n");
        complain(format_args!("{path} was left out: {reason}"));
    }
    let more = left_out.len().saturating_sub(MOST_LINES);
    if more > 0 {
        complain(format_args!(
            "{more} more were left out; --json names all of them"
        ));
    }
}

/// A line for each file that is not in the target as it is in the source.
fn complain_of(id: &VolumeId, done: &Done) {
    for path in &done.different {
        let what = "is in TO with other contents, and was not touched (see --overwrite)";
        complain(format_args!("{id}: {path} {what}"));
    }
    for (path, reason) in &done.failed {
        complain(format_args!("{id}: {path} was not copied: {reason}"));
    }
    for (path, reason) in &done.not_permitted {
        let what = "was copied, but its permissions could not be set";
        complain(format_args!("{id}: {path} {what}: {reason}"));
    }
}

/// Has a volume finish what sessions that were killed have left, for who only reads it
/// sees some of that half-done. Where nothing was ever begun, there is nothing to finish.
fn finish(directory: &Path, id: &VolumeId, line: &Line) {
    let components = id.components();
    let volume = components.fold(directory.to_owned(), |path, name| path.join(name));
    if !volume.join(PRIVATE_DIR).exists() {
        return;
    }
    let opening = Opening {
        limits: none(),
        ..Opening::default()
    };
    let opened = roots::open_directory(directory, opening);
    if let Err(reason) = opened.and_then(|root| root.open_volume(id).map_err(told)) {
        let what = "what killed sessions may have left in it could not be finished, so it is \
                    copied as it is";
        line.aside(|| complain(format_args!("{id}: {what}: {reason}")));
    }
}

/// No limits: they are for abilities, and what is to be copied is there already.
fn none() -> Limits {
    Limits::default()
        .max_file_bytes(u64::MAX)
        .max_total_bytes(u64::MAX)
        .max_files(u64::MAX)
        .max_depth(usize::MAX)
        .max_bytes_in_flight(u64::MAX)
}

/// A copy into itself would write into volumes behind their backs.
fn check_apart(from: &Path, to: &Path) -> Result<(), String> {
    let (from, to) = (resolved(from), resolved(to));
    match from.starts_with(&to) || to.starts_with(&from) {
        true => Err("FROM and TO must be apart: neither may contain the other".to_owned()),
        false => Ok(()),
    }
}

/// A path without links and dots, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut there = path.as_path();
    loop {
        if let Ok(found) = there.canonicalize() {
            let rest = path.strip_prefix(there).unwrap_or(Path::new(""));
            return found.join(rest).components().collect();
        }
        match there.parent() {
            Some(parent) => there = parent,
            None => return path,
        }
    }
}
