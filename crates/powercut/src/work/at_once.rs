//! Several writers at the same time.

use anyhow::{Result, bail};
use std::thread;

/// Does all jobs at once and waits for them; the first error counts.
pub fn at_once<J>(jobs: impl IntoIterator<Item = J>) -> Result<()>
where
    J: FnOnce() -> Result<()> + Send,
{
    thread::scope(|scope| {
        let threads: Vec<_> = jobs.into_iter().map(|job| scope.spawn(job)).collect();
        for thread in threads {
            match thread.join() {
                Ok(result) => result?,
                Err(_) => bail!("a writer panicked"),
            }
        }
        Ok(())
    })
}
