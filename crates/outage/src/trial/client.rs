//! One client: a process that commits until its standard input ends, or it is killed.

use super::log::{Kind, Log, Told};
use ability_storage_engine::{
    Batch, Change, Error, FilePath, Outcome, Precondition, Result, Volume, VolumeId,
};
use ability_storage_object_store::{ObjectRoot, ObjectVolume};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

pub const LINES: &str = "lines";
pub const COUNT: &str = "count";
pub const PAIR: [&str; 2] = ["pair/one", "pair/other"];

/// Longer than what is kept in the list of files.
const OWN_BYTES: usize = 20_000;

/// Commit until standard input ends.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The url of the root; credentials are in the environment.
    #[arg(long)]
    pub root: String,

    #[arg(long)]
    pub endpoint: String,

    /// The ability whose volume it is.
    #[arg(long)]
    pub ability: String,

    #[arg(long)]
    pub client: usize,

    #[arg(long)]
    pub log: PathBuf,
}

pub fn run(options: &Options) -> anyhow::Result<()> {
    let is_over = Arc::new(AtomicBool::new(false));
    let ends = is_over.clone();
    thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        ends.store(true, Ordering::SeqCst);
    });
    let volume = open(options)?;
    let mut log = Log::create(&options.log)?;
    // A client of this number may have been killed before.
    let mut number = super::log::read(&options.log)?.len() as u64;
    while !is_over.load(Ordering::SeqCst) {
        number += 1;
        let kind = match number % 4 {
            0 => Kind::Batch,
            1 => Kind::Count,
            _ => Kind::Line,
        };
        log.begun(kind, number)?;
        let result = match kind {
            Kind::Line => append_line(&volume, options.client, number),
            Kind::Count => count(&volume),
            Kind::Batch => batch(&volume, options.client, number),
        };
        let told = match &result {
            Ok(()) => Told::Made,
            Err(error) if error.outcome() == Outcome::NotApplied => Told::NotMade,
            Err(_) => Told::InDoubt,
        };
        if let Err(error) = &result {
            eprintln!("client {}: {error}", options.client);
        }
        log.told(told)?;
    }
    Ok(())
}

pub fn open(options: &Options) -> Result<ObjectVolume> {
    let root = ObjectRoot::options()
        .endpoint(&options.endpoint)
        .allow_http(true);
    Ok(root
        .open(&options.root)?
        .open_volume(&VolumeId::ability(&options.ability)?))
}

pub fn line(client: usize, number: u64) -> String {
    format!("{client}.{number}")
}

pub fn own(client: usize) -> String {
    format!("own/{client}")
}

/// Contents that tell whose they are, and whether they are whole.
pub fn contents(client: usize, number: u64) -> Vec<u8> {
    let word = format!("{} ", line(client, number));
    word.bytes()
        .cycle()
        .take(OWN_BYTES + number as usize % 100)
        .collect()
}

fn append_line(volume: &ObjectVolume, client: usize, number: u64) -> Result<()> {
    let change = Change::append(FilePath::new(LINES)?, format!("{}\n", line(client, number)));
    volume.commit(change.into()).map(drop)
}

/// Reads, adds one and writes if nobody was faster, until nobody was.
fn count(volume: &ObjectVolume) -> Result<()> {
    let path = FilePath::new(COUNT)?;
    loop {
        let (before, precondition) = match volume.read(&path, u64::MAX) {
            Ok(seen) => {
                let text = String::from_utf8_lossy(seen.contents()).into_owned();
                (
                    text.parse().unwrap_or(0),
                    Precondition::Version(seen.version()),
                )
            }
            Err(Error::NotFound { .. }) => (0_u64, Precondition::Absent),
            Err(error) => return Err(error),
        };
        let write = Change::write(path.clone(), (before + 1).to_string());
        match volume.commit(write.only_if(precondition).into()) {
            Err(Error::Conflict { .. }) => {}
            result => return result.map(drop),
        }
    }
}

fn batch(volume: &ObjectVolume, client: usize, number: u64) -> Result<()> {
    let own = own(client);
    let paths = [own.as_str(), PAIR[0], PAIR[1]];
    let mut batch = Batch::new();
    for path in paths {
        batch.push(Change::write(
            FilePath::new(path)?,
            contents(client, number),
        ));
    }
    volume.commit(batch).map(drop)
}
