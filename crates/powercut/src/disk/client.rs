//! A disk in a process of its own, from the outside.

use super::command::Command;
use super::fault::Fault;
use super::log::Log;
use super::server::{CONTROL, IMAGE};
use crate::file_system::FileSystem;
use anyhow::{Context, Result, bail};
use rustix::mount::UnmountFlags;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Long even for a machine that does much else.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A disk that is there as long as this value.
#[derive(Debug)]
pub struct Disk {
    directory: PathBuf,
    server: Child,
    control: File,
}

/// Makes writes of data fail.
#[derive(Debug)]
pub struct Remote {
    control: File,
}

impl Remote {
    /// Makes some writes of data fail, or none from now on. The disk must have
    /// [learned](Disk::learn) which those are.
    pub fn fail_data(&self, fault: Option<Fault>) -> Result<()> {
        tell(&self.control, &Command::FailData(fault))
    }
}

/// Notes numbers in the log of a disk.
#[derive(Debug)]
pub struct Marker {
    control: File,
}

impl Marker {
    /// When it returns, the number is in the log: after all that was answered
    /// before, and before all that is asked for later.
    pub fn mark(&self, number: u64) -> Result<()> {
        tell(&self.control, &Command::Mark(number))
    }
}

/// The disk takes each write to its control file as a command.
fn tell(mut control: &File, command: &Command) -> Result<()> {
    let text = command.to_text();
    let told = control.write(text.as_bytes());
    let bytes = told.with_context(|| format!("the disk refused `{text}`"))?;
    if bytes != text.len() {
        bail!("the disk took `{text}` in part");
    }
    Ok(())
}

impl Disk {
    /// Starts one with `program`, which must serve a disk when it is called with
    /// `disk <directory> <bytes> [<base>]`. It begins as the image in the file
    /// `base`, or as `bytes` zeros.
    pub fn start(
        program: &Path,
        directory: &Path,
        bytes: u64,
        base: Option<&Path>,
    ) -> Result<Self> {
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        let mut command = std::process::Command::new(program);
        command
            .arg("disk")
            .arg(directory)
            .arg(bytes.to_string())
            .args(base)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let mut server = command.spawn().context("cannot start a disk")?;
        match control_file(&mut server, directory) {
            Ok(control) => Ok(Self {
                directory: directory.to_owned(),
                server,
                control,
            }),
            Err(error) => {
                end(&mut server, directory);
                Err(error)
            }
        }
    }

    pub fn image(&self) -> PathBuf {
        self.directory.join(IMAGE)
    }

    pub fn marker(&self) -> Result<Marker> {
        Ok(Marker {
            control: self.control_again()?,
        })
    }

    /// All that has happened so far. `scratch` is where it may be written to.
    pub fn log(&self, scratch: &Path) -> Result<Log> {
        let path = scratch.join("disk.log");
        tell(&self.control, &Command::Save(path.clone()))?;
        let log = Log::load(&path).context("cannot read the log of the disk");
        let _ = fs::remove_file(path);
        log
    }

    /// Makes reads or writes fail with an I/O error, until told otherwise.
    pub fn fail(&self, reads: bool, writes: bool) -> Result<()> {
        tell(&self.control, &Command::Fail { reads, writes })
    }

    /// Lets the disk learn which writes are data of files. It must hold a file system
    /// that was just made.
    pub fn learn(&self, file_system: FileSystem) -> Result<()> {
        tell(&self.control, &Command::Learn(file_system))
    }

    /// For a thread of its own.
    pub fn remote(&self) -> Result<Remote> {
        Ok(Remote {
            control: self.control_again()?,
        })
    }

    fn control_again(&self) -> Result<File> {
        let control = self.control.try_clone();
        control.context("cannot open the disk's control file again")
    }

    /// Makes some writes of data fail, or none from now on. The disk must have
    /// [learned](Self::learn) which those are.
    pub fn fail_data(&self, fault: Option<Fault>) -> Result<()> {
        tell(&self.control, &Command::FailData(fault))
    }

    /// How many writes of data have failed so far.
    pub fn failed(&self) -> Result<u64> {
        let text = fs::read_to_string(self.directory.join(CONTROL));
        let text = text.context("cannot read what the disk tells")?;
        text.parse().context("the disk tells no number")
    }

    /// The process to kill if something waits for the disk without end: what
    /// waits gets an I/O error.
    pub fn process(&self) -> Option<rustix::process::Pid> {
        rustix::process::Pid::from_raw(self.server.id() as i32)
    }
}

fn control_file(server: &mut Child, directory: &Path) -> Result<File> {
    let path = directory.join(CONTROL);
    let started = Instant::now();
    loop {
        if let Ok(file) = File::options().write(true).open(&path) {
            return Ok(file);
        }
        if let Some(status) = server.try_wait()? {
            bail!("the disk ended at once ({status})");
        }
        if started.elapsed() > START_LIMIT {
            bail!("the disk does not start");
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn end(server: &mut Child, directory: &Path) {
    // First: whoever waits for the disk is free then.
    let _ = server.kill();
    let _ = server.wait();
    let _ = rustix::mount::unmount(directory, UnmountFlags::DETACH);
}

impl Drop for Disk {
    fn drop(&mut self) {
        end(&mut self.server, &self.directory);
    }
}
