//! The process that is the disk: a FUSE mount with one file of fixed size, the
//! image, and one to control it.
//!
//! Must never touch the file system that lives on it: it would wait for itself.

use super::command::Command;
use super::fault::Faults;
use super::image::Image;
use super::layout::Layout;
use super::log::{Event, Log};
use crate::file_system::FileSystem;
use anyhow::{Context, Result};
use fuser::{
    Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    InitFlags, KernelConfig, LockOwner, OpenFlags, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry,
    ReplyOpen, ReplyWrite, Request, WriteFlags,
};
use std::ffi::OsStr;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

/// The name of the image.
pub const IMAGE: &str = "disk.img";
/// The name of the file that takes commands, and tells how many writes of data
/// have failed.
pub const CONTROL: &str = "control";

const IMAGE_INODE: INodeNo = INodeNo(2);
const CONTROL_INODE: INodeNo = INodeNo(3);
const FOREVER: Duration = Duration::from_secs(1 << 30);

/// Enough for queued writes to overtake each other.
const THREADS: usize = 4;
/// What a write takes at most, beyond its copying.
const LONGEST_DELAY_MICROSECONDS: u64 = 400;

/// `FALLOC_FL_PUNCH_HOLE` and `FALLOC_FL_ZERO_RANGE` of `linux/falloc.h`.
const MAKES_ZEROS: i32 = 0x02 | 0x10;

/// Mounts the disk at `directory` and serves it until it is unmounted or the
/// process is killed. It begins as `base`, or as `bytes` zeros.
pub fn serve(directory: &Path, bytes: u64, base: Option<&Path>) -> Result<()> {
    let image = match base {
        Some(path) => File::open(path)
            .and_then(|file| Image::load(&file))
            .with_context(|| format!("cannot read {}", path.display()))?,
        None => Image::zeros(bytes),
    };
    let mut config = Config::default();
    config.n_threads = Some(THREADS);
    fuser::mount(RecordingDisk::new(image), directory, &config)
        .with_context(|| format!("cannot mount a disk at {}", directory.display()))
}

struct RecordingDisk {
    bytes: u64,
    state: Mutex<State>,
    fail_reads: AtomicBool,
    fail_writes: AtomicBool,
}

struct State {
    image: Image,
    log: Log,
    faults: Faults,
}

impl State {
    fn happen(&mut self, event: Event) {
        event.apply(&mut self.image);
        self.log.push(event);
    }

    fn learn(&mut self, file_system: FileSystem) -> io::Result<()> {
        let layout = Layout::of(file_system, &self.image);
        self.faults.layout = Some(layout.ok_or(io::ErrorKind::InvalidData)?);
        Ok(())
    }

    fn write(&mut self, offset: u64, contents: &[u8]) -> Result<(), Errno> {
        if let Some(error) = self.faults.meet(&self.image, offset, contents) {
            return Err(error);
        }
        self.happen(Event::Write {
            offset,
            contents: contents.to_owned(),
        });
        Ok(())
    }
}

impl RecordingDisk {
    fn new(image: Image) -> Self {
        Self {
            bytes: image.bytes(),
            state: Mutex::new(State {
                image,
                log: Log::default(),
                faults: Faults::default(),
            }),
            fail_reads: AtomicBool::new(false),
            fail_writes: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attributes(&self, inode: INodeNo) -> Option<FileAttr> {
        let (kind, perm, size) = match inode {
            INodeNo::ROOT => (FileType::Directory, 0o700, 0),
            IMAGE_INODE => (FileType::RegularFile, 0o600, self.bytes),
            CONTROL_INODE => (FileType::RegularFile, 0o600, 0),
            _ => return None,
        };
        Some(FileAttr {
            ino: inode,
            size,
            blocks: size / 512,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind,
            perm,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            flags: 0,
            blksize: 4096,
        })
    }

    fn obey(&self, text: &[u8]) -> io::Result<()> {
        let text = std::str::from_utf8(text).map_err(|_| io::ErrorKind::InvalidInput)?;
        match Command::parse(text).ok_or(io::ErrorKind::InvalidInput)? {
            Command::Mark(mark) => self.state().happen(Event::Mark(mark)),
            Command::Save(path) => self.state().log.save(&path)?,
            Command::Fail { reads, writes } => {
                self.fail_reads.store(reads, Ordering::Relaxed);
                self.fail_writes.store(writes, Ordering::Relaxed);
            }
            Command::Learn(file_system) => self.state().learn(file_system)?,
            Command::FailData(fault) => self.state().faults.fault = fault,
        }
        Ok(())
    }

    fn check_writes(&self) -> Result<(), Errno> {
        match self.fail_writes.load(Ordering::Relaxed) {
            true => Err(Errno::EIO),
            false => Ok(()),
        }
    }

    fn change(&self, event: Event) -> Result<(), Errno> {
        self.check_writes()?;
        self.state().happen(event);
        Ok(())
    }

    fn is_failing(&self) -> bool {
        self.state().faults.fault.is_some()
    }

    fn write_image(&self, offset: u64, contents: &[u8]) -> Result<(), Errno> {
        self.check_writes()?;
        self.state().write(offset, contents)
    }
}

/// As long as a write may take on a disk that does others first.
fn wait_a_little() {
    let random = RandomState::new().hash_one(0);
    thread::sleep(Duration::from_micros(random % LONGEST_DELAY_MICROSECONDS));
}

impl Filesystem for RecordingDisk {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        // Several writes of the loop device at once; without it they come one by one.
        let _ = config.add_capabilities(InitFlags::FUSE_ASYNC_DIO);
        Ok(())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let inode = match name.to_str() {
            Some(IMAGE) if parent == INodeNo::ROOT => IMAGE_INODE,
            Some(CONTROL) if parent == INodeNo::ROOT => CONTROL_INODE,
            _ => return reply.error(Errno::ENOENT),
        };
        match self.attributes(inode) {
            Some(attributes) => reply.entry(&FOREVER, &attributes, Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.attributes(inode) {
            Some(attributes) => reply.attr(&FOREVER, &attributes),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn open(&self, _: &Request, inode: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let flags = match inode {
            CONTROL_INODE => FopenFlags::FOPEN_DIRECT_IO,
            _ => FopenFlags::empty(),
        };
        reply.opened(FileHandle(0), flags);
    }

    fn read(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        if inode == CONTROL_INODE && offset == 0 {
            let failed = self.state().faults.failed.to_string();
            return reply.data(failed.as_bytes());
        }
        if inode != IMAGE_INODE || offset >= self.bytes {
            return reply.data(&[]);
        }
        if self.fail_reads.load(Ordering::Relaxed) {
            return reply.error(Errno::EIO);
        }
        let mut buffer = vec![0; (size as u64).min(self.bytes - offset) as usize];
        self.state().image.read(&mut buffer, offset);
        reply.data(&buffer);
    }

    fn write(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        contents: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let written = if inode == CONTROL_INODE {
            self.obey(contents).map_err(Errno::from)
        } else {
            // A disk that fails is not slow, too: so the syncs of another program come and
            // go in the middle of one of our changes.
            if !self.is_failing() {
                wait_a_little();
            }
            self.write_image(offset, contents)
        };
        match written {
            Ok(()) => reply.written(contents.len() as u32),
            Err(error) => reply.error(error),
        }
    }

    fn fallocate(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        bytes: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        // Without zeroing, mkfs would write its zeros as data.
        if mode & MAKES_ZEROS == 0 {
            return reply.error(Errno::EOPNOTSUPP);
        }
        match self.change(Event::Zero { offset, bytes }) {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(error),
        }
    }

    fn fsync(&self, _: &Request, inode: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        // Never ENOSYS: the kernel would not ask again.
        if inode != IMAGE_INODE {
            return reply.ok();
        }
        match self.change(Event::Flush) {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }
}
