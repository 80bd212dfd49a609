//! Running a workload on a fresh file system while its disk writes down what
//! happens.

use crate::disk::client::Disk;
use crate::disk::{Image, Log};
use crate::file_system::FileSystem;
use crate::neighbour::Neighbour;
use crate::promise::{History, Recorder};
use crate::system::loop_device::LoopDevice;
use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// The mark of the moment from which on the power may be cut.
const BEGIN: u64 = 0;

/// No workload takes that long, however busy the machine is; one that does waits
/// for a disk that does not answer.
const LIMIT: Duration = Duration::from_secs(300);

/// After the workload, so that what it should have synced has time to reach the
/// disk by itself, or not.
const QUIET: Duration = Duration::from_millis(5);

/// Where recordings are made.
#[derive(Clone, Debug)]
pub struct Studio {
    /// A directory in memory.
    pub scratch: PathBuf,
    /// This program, which can also be a disk or a worker.
    pub program: PathBuf,
}

/// What a workload gets.
pub struct Site<'a> {
    /// An empty directory on the file system.
    pub directory: PathBuf,
    pub seed: u64,
    pub recorder: &'a Recorder,
    /// What it is all on, which can be told to fail.
    pub disk: &'a Disk,
    /// This program, which can also be a worker.
    pub program: &'a Path,
    /// How volumes are opened.
    pub way: Way,
}

/// How the commits of a volume reach its files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// Each before it is acknowledged.
    #[default]
    Published,
    /// By way of a journal, later.
    Journaled,
}

impl<'a> Site<'a> {
    /// The same, with volumes that are opened in another way.
    pub fn with(&self, way: Way) -> Site<'a> {
        Site {
            directory: self.directory.clone(),
            way,
            ..*self
        }
    }
}

/// What happened to the disk, and what had been promised when.
#[derive(Debug)]
pub struct Recording {
    pub file_system: FileSystem,
    /// The disk before the first event.
    pub base: Image,
    pub log: Log,
    /// The event from which on the power may be cut.
    pub begin: usize,
    pub history: History,
    /// Whether the events, done again to `base`, made what was on the disk in
    /// the end; `None` if that was not asked for.
    pub replay_is_the_disk: Option<bool>,
}

/// The directory of the workload on the file system.
pub const DIRECTORY: &str = "volume";

impl Studio {
    /// Records `work` on a new file system.
    pub fn record(
        &self,
        file_system: FileSystem,
        seed: u64,
        compare: bool,
        work: impl FnOnce(&Site) -> Result<()>,
    ) -> Result<Recording> {
        let begin = |disk: &Disk, device: &LoopDevice| {
            file_system.make(device.path())?;
            disk.learn(file_system)
        };
        let base = Image::zeros(file_system.bytes());
        self.record_on(file_system, base, seed, compare, begin, work)
    }

    /// Records `work` on the file system of an image, from the mounting on.
    pub fn record_again(
        &self,
        file_system: FileSystem,
        image: &Image,
        seed: u64,
        work: impl FnOnce(&Site) -> Result<()>,
    ) -> Result<Recording> {
        let begin = |_: &Disk, _: &LoopDevice| Ok(());
        let mut recording = self.record_on(file_system, image.clone(), seed, false, begin, work)?;
        recording.begin = 0;
        Ok(recording)
    }

    fn record_on(
        &self,
        file_system: FileSystem,
        base: Image,
        seed: u64,
        compare: bool,
        prepare: impl FnOnce(&Disk, &LoopDevice) -> Result<()>,
        work: impl FnOnce(&Site) -> Result<()>,
    ) -> Result<Recording> {
        let scratch = tempfile::tempdir_in(&self.scratch).context("cannot make a directory")?;
        let scratch = scratch.path();
        let saved = scratch.join("base");
        save(&base, &saved)?;
        let disk = Disk::start(
            &self.program,
            &scratch.join("disk"),
            base.bytes(),
            Some(&saved),
        )?;
        let _watch = Watch::over(disk.process());

        let device = LoopDevice::attach(&disk.image())?;
        prepare(&disk, &device)?;
        let mount = file_system.mount(&device, &scratch.join("mount"))?;
        let directory = mount.path().join(DIRECTORY);
        fs::create_dir_all(&directory).context("cannot create the volume's directory")?;
        let neighbour = Neighbour::start(mount.path(), seed)?;
        rustix::fs::syncfs(File::open(mount.path())?).context("cannot sync the file system")?;
        let marker = disk.marker()?;
        marker.mark(BEGIN)?;
        let recorder = Recorder::new(marker);
        work(&Site {
            way: Way::default(),
            directory,
            seed,
            recorder: &recorder,
            disk: &disk,
            program: &self.program,
        })?;
        thread::sleep(QUIET);
        drop(neighbour);
        mount.unmount()?;
        device.drop_cache()?;
        let log = disk.log(scratch)?;
        let replay_is_the_disk = match compare {
            true => Some(log.replay(&base).equals(device.file())?),
            false => None,
        };
        let begin = log.marks().get(&BEGIN).copied();
        Ok(Recording {
            file_system,
            base,
            begin: begin.context("the log of the disk has no beginning")?,
            log,
            history: recorder.into_history(),
            replay_is_the_disk,
        })
    }
}

/// Writes an image to a file with holes.
pub fn save(image: &Image, path: &Path) -> Result<File> {
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .with_context(|| format!("cannot create {}", path.display()))?;
    file.set_len(image.bytes())?;
    image.put(&file)?;
    Ok(file)
}

/// Kills a disk that keeps the laboratory waiting; what waits gets an I/O error.
struct Watch {
    _done: mpsc::Sender<()>,
}

impl Watch {
    fn over(disk: Option<Pid>) -> Self {
        let (done, wait) = mpsc::channel::<()>();
        thread::spawn(move || {
            let end = wait.recv_timeout(LIMIT);
            if let (Err(RecvTimeoutError::Timeout), Some(disk)) = (end, disk) {
                let _ = kill_process(disk, Signal::KILL);
            }
        });
        Self { _done: done }
    }
}
