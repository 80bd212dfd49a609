//! What the tests over the simulated disk share.

use super::layout::SPARE_SESSION;
use super::log::Sizes;
use super::options::Tuning;
use super::sim::{Fault, Process, SimDirectory, SimDisk};
use super::unique_name;
use super::{Local, LocalVolumeOptions};
use crate::{
    Batch, Change, Counters, FileInfo, FilePath, Reader, Snapshot, Usage, Version, Volume, Writer,
};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

/// All files of a volume.
pub(crate) type Contents = BTreeMap<String, Vec<u8>>;

pub(crate) fn open(disk: &SimDisk) -> io::Result<Arc<Local<SimDirectory>>> {
    open_with(disk, Way::Published)
}

pub(crate) fn open_with(disk: &SimDisk, way: Way) -> io::Result<Arc<Local<SimDirectory>>> {
    let volume = Local::open(disk.start().0, way.options())?;
    Ok(Arc::new(volume))
}

/// So that the log is soon full, and nothing has to be waited for.
const SMALL: Tuning = Tuning {
    sizes: Sizes {
        log_bytes: 1 << 10,
        max_log_bytes: 2 << 10,
        inline_bytes: 256,
        record_bytes: 700,
    },
    slowest_tick: Duration::ZERO,
};

/// How commits are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Way {
    /// Each is published in the files.
    #[default]
    Published,
    /// Through a journal, which is settled when it is full or closed, and not by a
    /// thread, so that a test is the same each time.
    Journaled,
}

impl Way {
    pub(crate) fn options(self) -> LocalVolumeOptions {
        LocalVolumeOptions {
            journaled: self == Way::Journaled,
            checkpoint_after: None,
            tuning: SMALL,
            ..LocalVolumeOptions::default()
        }
    }
}

pub(crate) fn contents(volume: &Local<SimDirectory>) -> crate::Result<Contents> {
    let read = |path: FilePath| {
        let snapshot = volume.reader.read(&path, 1 << 20)?;
        Ok((path.to_string(), snapshot.contents))
    };
    volume.reader.list(None)?.into_iter().map(read).collect()
}

/// All files that are left if the power is cut now and nothing that was not synced
/// reaches the disk.
pub(crate) fn contents_after_cut(disk: &SimDisk) -> Contents {
    let after_cut = disk.after_power_cut(1, &mut || 0);
    let recovered = open(&after_cut[0]).expect("recovered");
    contents(&recovered).expect("readable")
}

pub(crate) fn sessions_left(disk: &SimDisk) -> Vec<String> {
    let mut sessions = disk.names_in(&[".ability-storage", "sessions"]);
    sessions.retain(|name| name != SPARE_SESSION);
    sessions
}

/// What sessions have staged and not published.
pub(crate) fn staged_left(disk: &SimDisk) -> Vec<String> {
    let names_of = |id: &String| disk.names_in(&[".ability-storage", "sessions", id]);
    let names = sessions_left(disk).iter().flat_map(names_of).collect();
    let mut names: Vec<String> = names;
    names.extend(disk.names_in(&[".ability-storage", "log"]));
    names.retain(|name| unique_name::is_name(name));
    names
}

pub(crate) fn write(path: &str, contents: &[u8]) -> Change {
    Change::write(file(path), contents)
}

pub(crate) fn append(path: &str, contents: &[u8]) -> Change {
    Change::append(file(path), contents)
}

pub(crate) fn rename(source: &str, target: &str) -> Change {
    Change::rename(file(source), file(target))
}

pub(crate) fn delete(path: &str) -> Change {
    Change::delete(file(path))
}

pub(crate) fn batch<const N: usize>(changes: [Change; N]) -> Batch {
    changes.into_iter().collect()
}

pub(crate) fn file(path: &str) -> FilePath {
    FilePath::new(path).expect("valid")
}

/// Clients of one volume on a simulated disk, each a process of its own.
pub(crate) struct SimWorld {
    disk: SimDisk,
    way: Way,
    clients: Vec<(SimVolume, Process)>,
}

/// The volume of a client.
pub(crate) struct SimVolume(Arc<Local<SimDirectory>>);

impl SimWorld {
    pub(crate) fn new(clients: usize, way: Way) -> Self {
        let disk = SimDisk::new();
        let clients = (0..clients).map(|_| start(&disk, way)).collect();
        Self { disk, way, clients }
    }

    pub(crate) fn client(&self, client: usize) -> &SimVolume {
        &self.clients[client].0
    }

    pub(crate) fn cut_at(&self, call: usize) {
        self.disk.cut_at(call);
    }

    pub(crate) fn fail_at(&self, call: usize) {
        self.disk.fail_at(call, Fault::Error(ErrorKind::Other));
    }

    pub(crate) fn stick(&self, path: &str) {
        let path: Vec<&str> = path.split('/').collect();
        self.disk
            .fail_path_unannounced(&path, ErrorKind::StorageFull);
    }

    pub(crate) fn heal(&self) {
        self.disk.heal();
    }

    pub(crate) fn reopen(&mut self, client: usize) {
        // Opened first, so that what the old session still holds is in its way.
        self.clients[client] = start(&self.disk, self.way);
    }

    pub(crate) fn after_kill(&mut self, client: usize) {
        let process = self.clients[client].1.clone();
        self.disk.kill(&process);
        self.disk.heal();
        self.clients[client] = start(&self.disk, self.way);
    }

    pub(crate) fn after_power_cut(&mut self, choice: u64) {
        for (_, process) in &self.clients {
            self.disk.kill(process);
        }
        let mut left = self.disk.after_power_cut(1, &mut || choice);
        if let Some(left) = left.pop() {
            self.disk = left;
        }
        let count = self.clients.len();
        self.clients = (0..count).map(|_| start(&self.disk, self.way)).collect();
    }
}

impl SimVolume {
    /// What cannot be put into the files stays in the log.
    pub(crate) fn checkpoint(&self) {
        let _ = self.0.checkpoint();
    }
}

fn start(disk: &SimDisk, way: Way) -> (SimVolume, Process) {
    let (root, process) = disk.start();
    let volume = Local::open(root, way.options()).expect("opened");
    (SimVolume(Arc::new(volume)), process)
}

impl Volume for SimVolume {
    fn read(&self, path: &FilePath, max_bytes: u64) -> crate::Result<Snapshot> {
        self.0.reader.read(path, max_bytes)
    }

    fn stat(&self, path: &FilePath) -> crate::Result<FileInfo> {
        self.0.reader.stat(path)
    }

    fn list(&self, directory: Option<&FilePath>) -> crate::Result<Vec<FilePath>> {
        self.0.reader.list(directory)
    }

    fn commit(&self, batch: Batch) -> crate::Result<Vec<Option<Version>>> {
        self.0.commit(batch)
    }

    fn writer(&self, path: &FilePath) -> crate::Result<Box<dyn Writer>> {
        self.0.writer(path)
    }

    fn reader(&self, path: &FilePath) -> crate::Result<Box<dyn Reader>> {
        self.0.reader.reader(path)
    }

    fn usage(&self) -> crate::Result<Usage> {
        self.0.usage()
    }

    fn counters(&self) -> Counters {
        self.0.counters(0)
    }

    fn close(&self) -> crate::Result<()> {
        let finished = self.0.finish();
        finished.map_err(super::not_in_the_files)
    }
}
