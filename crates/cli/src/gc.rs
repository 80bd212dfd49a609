//! `ability gc`: removing from a root what nobody needs any more.
//!
//! Must never remove anything itself: volumes know what is in use, and only they do.

use crate::progress::Line;
use crate::roots::{self, Opening, Place, StoreOptions, told};
use crate::size::written;
use crate::time::{self, time};
use crate::{FAILED, complain};
use ability_storage::{LocalRoot, Root, Volume, VolumeId};
#[cfg(feature = "object-store")]
use ability_storage_object_store::ObjectRoot;
use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use std::io::{Write, stdout};
use std::time::Duration;

/// Some volumes were not cleared.
const INCOMPLETE: u8 = 1;

pub const LONG_ABOUT: &str = "\
Remove what nobody needs any more from a root in an object store: contents that were
replaced or deleted, and what clients sent that stopped before they committed it.

It takes two runs. The first one that finds something out of use only notes it; one
that comes at least the time of grace later removes it. So run it every day or so.
With --grace 0 one run does both.

No file is ever lost to it, however short the time is, and abilities may run meanwhile.
But what takes one of them longer than that to write may have to be written again, and
one that reads a long file for longer may find it gone in the middle.

A root that is a directory needs no such care: the next session to open a volume clears
what a killed one left. There, that is all that this does, with each volume.";

pub const AFTER_HELP: &str = "\
Examples:
  ability gc s3://bucket/data
  ability gc s3://bucket/data --dry-run
  ability gc s3://bucket/data --grace 7d --json
  ability gc s3://bucket/data --grace 0
      For a root that nobody uses at the moment.

Exit codes:
  0      all volumes are cleared, of what has been out of use for long enough
  1      some volumes could not be cleared to the end; the next run goes on
  2      the command line is wrong
  125    the root cannot be opened, or its volumes cannot be listed";

#[derive(Args)]
pub struct GcArgs {
    /// The root: a url such as s3://bucket/prefix, or a directory
    #[arg(value_name = "ROOT", value_parser = Place::parser())]
    root: Place,

    /// For how long something must have been out of use [default: 24h]
    ///
    /// A number of seconds, or one with s, m, h or d.
    #[arg(long, value_name = "TIME", value_parser = time)]
    grace: Option<Duration>,

    /// Only say what would be removed; nothing is noted either
    #[arg(long)]
    dry_run: bool,

    /// Say on standard output, as JSON, what was removed
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    store: StoreOptions,
}

const DAY: Duration = Duration::from_secs(86_400);

impl GcArgs {
    /// What no option can know alone.
    pub fn check(&self) -> Result<(), String> {
        self.store.check(&[&self.root])?;
        if self.root.is_url() {
            return Ok(());
        }
        let refused = match self {
            Self { grace: Some(_), .. } => {
                "--grace is for object stores; in a directory nothing has to wait"
            }
            Self { dry_run: true, .. } => {
                "--dry-run is for object stores; a directory is cleared by whoever opens its volumes"
            }
            _ => return Ok(()),
        };
        Err(refused.to_owned())
    }
}

/// What was done to one volume.
// Nothing makes the second kind where there are no stores.
#[cfg_attr(not(feature = "object-store"), allow(dead_code))]
enum Cleared {
    /// So many sessions' remains were finished or removed.
    Directory { recovered: u64 },
    Store {
        /// Or would have been, in a dry run.
        removed: Objects,
        waiting: Objects,
        used: u64,
    },
}

/// How many they are, and how long they are together.
struct Objects {
    number: u64,
    bytes: u64,
}

/// Clears a root, and returns the exit code of the command.
pub fn gc(args: &GcArgs) -> u8 {
    let cleared = match clear_all(args) {
        Ok(cleared) => cleared,
        Err(error) => {
            complain(format_args!("{error:#}"));
            return FAILED;
        }
    };
    for (id, cleared) in &cleared {
        if let Err(reason) = cleared {
            complain(format_args!("{id}: {reason}"));
        }
    }
    let text = match args.json {
        true => as_json(args, &cleared).to_string(),
        false => as_text(args, &cleared),
    };
    if let Err(error) = writeln!(stdout(), "{text}") {
        complain(format_args!(
            "standard output could not be written: {error}"
        ));
        return FAILED;
    }
    match cleared.iter().all(|(_, cleared)| cleared.is_ok()) {
        true => 0,
        false => INCOMPLETE,
    }
}

type Results = Vec<(VolumeId, Result<Cleared, String>)>;

fn clear_all(args: &GcArgs) -> Result<Results> {
    let line = Line::begin();
    line.say(format!("opening {}", args.root));
    let opening = |read_only| Opening {
        read_only,
        store: Some(&args.store),
        ..Opening::default()
    };
    match &args.root {
        Place::Directory(path) => {
            // One that does not exist must not be made.
            roots::open_directory(path, opening(true))?;
            let root = roots::open_directory(path, opening(args.dry_run))?;
            clear_each(args, &line, &root, |id| recover(&root, id))
        }
        #[cfg(feature = "object-store")]
        Place::Url(url) => {
            let root = roots::open_store(url, opening(args.dry_run))?;
            clear_each(args, &line, &root, |id| sweep(&root, id, args))
        }
        #[cfg(not(feature = "object-store"))]
        Place::Url(url) => Err(roots::without_stores(url)),
    }
}

fn clear_each(
    args: &GcArgs,
    line: &Line,
    root: &dyn Root,
    clear: impl Fn(&VolumeId) -> Result<Cleared>,
) -> Result<Results> {
    let ids = root.list().map_err(told)?;
    if ids.is_empty() {
        let text = format!("there are no volumes in {}", args.root);
        line.aside(|| complain(text));
    }
    let mut results = Results::new();
    for (number, id) in ids.iter().enumerate() {
        let (number, all) = (number + 1, ids.len());
        line.say(format!("{id}: volume {number} of {all}"));
        let cleared = clear(id).map_err(|error| format!("{error:#}"));
        results.push((id.clone(), cleared));
    }
    Ok(results)
}

/// To open a volume is to clear it. What cannot be put into its file is an error that names
/// the path.
fn recover(root: &LocalRoot, id: &VolumeId) -> Result<Cleared> {
    let volume = root.open_volume(id).map_err(told)?;
    volume.checkpoint().map_err(told)?;
    let recovered = volume.counters().recoveries;
    Ok(Cleared::Directory { recovered })
}

#[cfg(feature = "object-store")]
fn sweep(root: &ObjectRoot, id: &VolumeId, args: &GcArgs) -> Result<Cleared> {
    let (volume, grace) = (root.open_volume(id), args.grace.unwrap_or(DAY));
    let swept = match args.dry_run {
        true => volume.would_sweep(grace),
        false => volume.sweep(grace),
    };
    let swept = swept.map_err(told)?;
    let objects = |number, bytes| Objects { number, bytes };
    Ok(Cleared::Store {
        removed: objects(swept.removed, swept.removed_bytes),
        waiting: objects(swept.waiting, swept.waiting_bytes),
        used: swept.used,
    })
}

fn as_json(args: &GcArgs, results: &Results) -> Value {
    let volumes = results.iter().map(|(id, cleared)| {
        let id = id.to_string();
        match cleared {
            Ok(Cleared::Directory { recovered }) => json!({"volume": id, "recovered": recovered}),
            Ok(Cleared::Store {
                removed,
                waiting,
                used,
            }) => json!({
                "volume": id,
                "removed": removed.number,
                "removed_bytes": removed.bytes,
                "waiting": waiting.number,
                "waiting_bytes": waiting.bytes,
                "used": used,
            }),
            Err(reason) => json!({"volume": id, "error": reason}),
        }
    });
    let volumes: Vec<Value> = volumes.collect();
    json!({ "dry_run": args.dry_run, "volumes": volumes })
}

/// A line for each volume, and what there is to know of those that are not done with.
fn as_text(args: &GcArgs, results: &Results) -> String {
    let mut lines = Vec::new();
    let mut some_wait = false;
    let removed_or_not = match args.dry_run {
        true => "would remove",
        false => "removed",
    };
    for (id, cleared) in results {
        match cleared {
            Ok(Cleared::Directory { recovered: 0 }) => {
                lines.push(format!("{id}: nothing to clear"))
            }
            Ok(Cleared::Directory { .. }) => {
                lines.push(format!(
                    "{id}: cleared what was left by sessions that did not end properly"
                ));
            }
            Ok(Cleared::Store {
                removed,
                waiting,
                used,
            }) => {
                some_wait |= waiting.number > 0;
                lines.push(format!(
                    "{id}: {removed_or_not} {} objects ({}), {} wait ({}), {used} in use",
                    removed.number,
                    written(removed.bytes),
                    waiting.number,
                    written(waiting.bytes),
                ));
            }
            Err(_) => {}
        }
    }
    if some_wait {
        let grace = time::written(args.grace.unwrap_or(DAY));
        lines.push(format!(
            "What waits is out of use, and is removed by a run {grace} or more after the first \
             that saw it so."
        ));
    }
    if !args.root.is_url() {
        lines.push("In a directory, opening a volume is all that clears it.".to_owned());
    }
    lines.join("\n")
}

#[cfg(all(test, feature = "object-store"))]
mod tests {
    use super::*;
    use ability_storage::{Change, FilePath, Volume};

    #[test]
    fn what_is_replaced_waits_for_the_time_of_grace() {
        let root = ObjectRoot::open("memory:///data").expect("opened");
        let user = VolumeId::user();
        let volume = root.open_volume(&user);
        for byte in [1, 2] {
            let path = FilePath::new("a").expect("valid");
            let contents = vec![byte; 100_000];
            let write = Change::write(path, contents);
            volume.commit(write.into()).expect("written");
        }
        let said = |grace, dry_run| {
            let args = GcArgs {
                root: Place::Url("memory:///data".to_owned()),
                grace: Some(grace),
                dry_run,
                json: false,
                store: StoreOptions::default(),
            };
            let cleared = sweep(&root, &user, &args).map_err(|error| error.to_string());
            let results = vec![(user.clone(), cleared)];
            let json = as_json(&args, &results);
            assert_eq!(json["dry_run"], dry_run);
            (
                as_text(&args, &results),
                json["volumes"][0]["removed"].as_u64(),
            )
        };
        let (text, removed) = said(DAY, false);
        assert_eq!(removed, Some(0));
        assert!(text.contains("user: removed 0 objects (0 B), 1 wait (100.0 KB), 1 in use"));
        assert!(text.contains("removed by a run 1d or more after"), "{text}");
        for _ in 0..2 {
            let (text, removed) = said(Duration::ZERO, true);
            assert_eq!(removed, Some(1));
            let told = "user: would remove 1 objects (100.0 KB), 0 wait (0 B), 1 in use";
            assert_eq!(text, told);
        }
        let (text, removed) = said(Duration::ZERO, false);
        assert_eq!(removed, Some(1));
        assert_eq!(
            text,
            "user: removed 1 objects (100.0 KB), 0 wait (0 B), 1 in use"
        );
    }
}
