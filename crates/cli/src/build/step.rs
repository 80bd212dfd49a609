//! What a person sees who waits for a build: a spinner on a terminal, else a
//! line at the start of each step. On standard error.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

const FRAME: Duration = Duration::from_millis(100);

/// One line. That standard error may be closed is no reason to fail.
pub fn note(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

/// Does `work` while a person reads what it is.
pub fn while_doing<R>(what: &str, shown: bool, work: impl FnOnce() -> R) -> R {
    // A spinner would be torn by what the tool says.
    if shown || !stderr().is_terminal() {
        note(what);
        return work();
    }
    let bar = ProgressBar::new_spinner().with_message(what.to_owned());
    // A template that does not parse is a mistake in this file and no reason to stop.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed:>4} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(FRAME);
    let result = work();
    bar.finish_and_clear();
    result
}
