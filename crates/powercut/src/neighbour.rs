//! Another program on the same file system, which syncs a file of its own every
//! now and then.
//!
//! It makes the journal of the file system commit in the middle of what the
//! workload does. Without it some broken protocols look sound: half of what they do
//! reaches the disk only together with the other half.

use anyhow::{Context, Result};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Between two syncs, at most.
const LONGEST_PAUSE_MICROSECONDS: u64 = 4_000;

#[derive(Debug)]
pub struct Neighbour {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Neighbour {
    /// Starts one whose file is in `directory`.
    pub fn start(directory: &Path, seed: u64) -> Result<Self> {
        let file = File::create(directory.join("neighbour"))
            .context("cannot create the file of the neighbour")?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let thread = thread::spawn(move || {
            let mut random = fastrand::Rng::with_seed(seed);
            while !told.load(Ordering::Relaxed) {
                let pause = random.u64(0..LONGEST_PAUSE_MICROSECONDS);
                thread::sleep(Duration::from_micros(pause));
                // If the disk is gone, the workload will tell.
                let _ = file.write_all_at(&random.u64(..).to_le_bytes(), 0);
                let _ = file.sync_all();
            }
        });
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
