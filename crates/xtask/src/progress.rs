//! What a person sees while something takes long: a spinner or a bar on a terminal, plain lines
//! elsewhere.
//!
//! Writes to stderr only, and no control codes unless stderr is a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

const FRAME: Duration = Duration::from_millis(100);

/// How often a bar becomes a line where there is no terminal.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

fn on_terminal() -> bool {
    stderr().is_terminal()
}

fn coloured() -> bool {
    on_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

pub fn bold(text: &str) -> String {
    paint("1", text)
}

pub fn red(text: &str) -> String {
    paint("1;31", text)
}

fn paint(code: &str, text: &str) -> String {
    if coloured() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

pub fn heading(text: &str) {
    eprintln!("\n{}", bold(&format!("== {text}")));
}

pub fn note(text: &str) {
    eprintln!("{text}");
}

/// A long step of unknown length.
pub struct Step {
    what: String,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl Step {
    /// `expected`: how long it takes about, for people who wonder.
    pub fn start(what: &str, expected: &str) -> Self {
        let announced = format!("{what} ({expected})");
        let bar = if on_terminal() {
            let bar = ProgressBar::new_spinner().with_message(announced);
            bar.set_style(style("{spinner} {elapsed:>4} {msg}"));
            bar.enable_steady_tick(FRAME);
            Some(bar)
        } else {
            note(&announced);
            None
        };
        Self {
            what: what.to_owned(),
            started: Instant::now(),
            bar,
        }
    }

    /// Says how it ended, and hands the outcome on.
    pub fn end_with<T, E>(self, outcome: Result<T, E>) -> Result<T, E> {
        self.end(if outcome.is_ok() { "done" } else { "failed" });
        outcome
    }

    fn end(self, how: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        note(&format!(
            "{}: {how} after {}",
            self.what,
            seconds(self.started.elapsed())
        ));
    }
}

/// Progress towards a known number.
pub struct Meter {
    what: String,
    bar: Option<ProgressBar>,
    shown: Instant,
}

impl Meter {
    pub fn start(what: &str, length: usize) -> Self {
        let bar = on_terminal().then(|| {
            let bar = ProgressBar::new(length as u64).with_prefix(what.to_owned());
            bar.set_style(style("{elapsed:>4} {prefix} [{bar:30}] {msg}").progress_chars("=> "));
            bar.enable_steady_tick(FRAME);
            bar
        });
        if bar.is_none() {
            note(what);
        }
        Self {
            what: what.to_owned(),
            bar,
            shown: Instant::now(),
        }
    }

    pub fn set(&mut self, position: usize, message: String) {
        if let Some(bar) = &self.bar {
            bar.set_position(position as u64);
            bar.set_message(message);
        } else if self.shown.elapsed() >= PLAIN_INTERVAL {
            note(&format!("{}: {message}", self.what));
            self.shown = Instant::now();
        }
    }

    pub fn done(self, message: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        note(&format!("{}: {message}", self.what));
    }
}

fn style(template: &str) -> ProgressStyle {
    // A template that does not parse is a mistake in this file and no reason to stop.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

pub fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_readable() {
        assert_eq!(seconds(Duration::from_millis(1234)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 05 s");
    }

    #[test]
    fn templates_parse() {
        for template in [
            "{spinner} {elapsed:>4} {msg}",
            "{elapsed:>4} {prefix} [{bar:30}] {msg}",
        ] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
