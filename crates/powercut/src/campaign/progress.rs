//! What a person sees meanwhile: a bar on a terminal, a line for each trial
//! elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const FRAME: Duration = Duration::from_millis(200);

/// Shows how many images there were, and how many a second.
pub struct Progress {
    bar: ProgressBar,
    started: Instant,
    images: Arc<AtomicU64>,
    done: Arc<AtomicBool>,
    ticker: Option<JoinHandle<()>>,
}

impl Progress {
    pub fn start(trials: usize) -> Self {
        let bar = match stderr().is_terminal() {
            true => ProgressBar::new(trials as u64),
            false => ProgressBar::hidden(),
        };
        let style = ProgressStyle::with_template("{elapsed:>5} [{bar:24}] {pos}/{len} {msg}");
        // A template that does not parse is a mistake here and no reason to stop.
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let images = Arc::new(AtomicU64::new(0));
        let done = Arc::new(AtomicBool::new(false));
        let ticker = thread::spawn({
            let (bar, images, done) = (bar.clone(), images.clone(), done.clone());
            let started = Instant::now();
            move || {
                while !done.load(Ordering::Relaxed) {
                    bar.set_message(rate(images.load(Ordering::Relaxed), started));
                    thread::sleep(FRAME);
                }
            }
        });
        Self {
            bar,
            started: Instant::now(),
            images,
            done,
            ticker: Some(ticker),
        }
    }

    /// Where images are counted.
    pub fn images(&self) -> Arc<AtomicU64> {
        self.images.clone()
    }

    pub fn note(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
    }

    /// One trial is over.
    pub fn advance(&self, text: &str) {
        let rate = rate(self.images.load(Ordering::Relaxed), self.started);
        self.note(&format!("{text:<76} | {rate}"));
        self.bar.inc(1);
    }
}

fn rate(images: u64, since: Instant) -> String {
    let seconds = since.elapsed().as_secs_f64();
    format!(
        "{images} images, {:.0}/s",
        images as f64 / seconds.max(0.001)
    )
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(ticker) = self.ticker.take() {
            let _ = ticker.join();
        }
        self.bar.finish_and_clear();
    }
}
