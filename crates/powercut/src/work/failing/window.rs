//! The time in which a disk fails.

use crate::disk::client::Remote;
use crate::disk::{Disk, Fault};
use crate::recording::Site;
use anyhow::Result;
use fastrand::Rng;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Between two syncs of a thief, at most.
const LONGEST_PAUSE_MICROSECONDS: u64 = 500;

/// Between two faults that end by themselves, at most.
const LONGEST_REST_MICROSECONDS: u64 = 60_000;

/// Another program whose syncs are told of errors that are about our files. The
/// system tells each error once to those who open a file later.
#[derive(Clone, Copy, Debug)]
pub enum Thief {
    /// Syncs the file system as a whole, as `sync -f` does.
    OfFileSystem,
    /// Syncs one plain file after the other.
    OfFiles,
}

/// A disk that fails as long as this value is there, all the time or now and then.
pub struct Window<'a> {
    disk: &'a Disk,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl<'a> Window<'a> {
    /// A fault that ends by itself begins again and again.
    pub fn open(site: &Site<'a>, fault: Fault, thief: Option<Thief>) -> Result<Self> {
        site.disk.fail_data(Some(fault))?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        if let Some(thief) = thief {
            let (stop, directory) = (stop.clone(), site.directory.clone());
            let random = Rng::with_seed(site.seed);
            threads.push(thread::spawn(move || {
                steal(thief, &directory, &stop, random);
            }));
        }
        if fault.most < u64::MAX {
            let (stop, remote) = (stop.clone(), site.disk.remote()?);
            let random = Rng::with_seed(site.seed);
            threads.push(thread::spawn(move || {
                flicker(fault, &remote, &stop, random)
            }));
        }
        Ok(Self {
            disk: site.disk,
            stop,
            threads,
        })
    }

    /// The disk works again.
    pub fn close(mut self) -> Result<()> {
        self.end();
        self.disk.fail_data(None)
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        self.end();
        // If the disk does not take this, it is gone.
        let _ = self.disk.fail_data(None);
    }
}

fn flicker(fault: Fault, disk: &Remote, stop: &AtomicBool, mut random: Rng) {
    while !stop.load(Ordering::Relaxed) {
        let pause = random.u64(0..LONGEST_REST_MICROSECONDS);
        thread::sleep(Duration::from_micros(pause));
        // If the disk does not take this, it is gone.
        let _ = disk.fail_data(Some(fault));
    }
}

fn steal(thief: Thief, directory: &Path, stop: &AtomicBool, mut random: Rng) {
    while !stop.load(Ordering::Relaxed) {
        match thief {
            Thief::OfFileSystem => drop(sync(directory)),
            Thief::OfFiles => {
                let files = plain_files(directory).into_iter();
                let files = files.filter_map(|path| File::open(path).ok());
                files.for_each(|file| drop(file.sync_all()));
            }
        }
        let pause = random.u64(0..LONGEST_PAUSE_MICROSECONDS);
        thread::sleep(Duration::from_micros(pause));
    }
}

/// Those that are listed; what is hidden belongs to the volume.
fn plain_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !is_hidden => files.extend(plain_files(&entry.path())),
            Ok(kind) if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    files
}

/// Syncs the whole file system of a directory, through a descriptor of its own.
pub fn sync(directory: &Path) -> Result<()> {
    Ok(rustix::fs::syncfs(File::open(directory)?)?)
}

/// Whether the file system has not given up: a plain new file can be written.
pub fn still_works(directory: &Path) -> bool {
    let path = directory.with_file_name("probe");
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&path)?;
        std::io::Write::write_all(&mut file, &[7; 10_000])?;
        file.sync_all()?;
        fs::remove_file(&path)
    };
    let written = write();
    if let Err(error) = &written {
        eprintln!("a file system gave up: {error}");
    }
    written.is_ok()
}
