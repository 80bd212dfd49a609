//! Conversations, as `tests/abilities/README.md` describes them.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// One thing to do or to check.
#[derive(Debug)]
pub enum Step {
    Put(String, String),
    Remove(String),
    Run(Session),
    StartBackground,
    Wait(Duration),
    StopBackground,
    Said(String),
    Only(Vec<String>),
    Absent(String),
    File(String, String),
    Json(String, serde_json::Value),
    Lines(String, usize),
    Matches(String, regex::Regex),
}

/// What is said in one run of the ability.
#[derive(Debug, Default)]
pub struct Session {
    pub arguments: Vec<String>,
    pub input: String,
    pub output: String,
    pub logged: Vec<String>,
    pub code: i32,
}

/// The steps of a conversation, each with the number of its line.
pub fn read(path: &Path) -> Vec<(usize, Step)> {
    let text = fs::read_to_string(path).expect("a conversation");
    let mut lines = Lines {
        rest: text.lines().enumerate().peekable(),
    };
    let mut steps = Vec::new();
    while let Some((number, word, rest)) = lines.next() {
        let step = step(word, rest, &mut lines);
        let step = step.unwrap_or_else(|| panic!("{}:{number}: {word} {rest}", path.display()));
        steps.push((number, step));
    }
    steps
}

fn step(word: &str, rest: &str, lines: &mut Lines) -> Option<Step> {
    let path = || rest.to_owned();
    let path_and = || {
        rest.split_once(' ')
            .map(|(path, rest)| (path.to_owned(), rest))
    };
    Some(match (word, rest) {
        ("put", _) => Step::Put(path(), lines.contents()),
        ("remove", _) => Step::Remove(path()),
        ("run", _) => {
            let mut words = rest.split_whitespace().map(str::to_owned);
            (words.next()? == "main").then_some(())?;
            Step::Run(session(words.collect(), lines)?)
        }
        ("start", "background") => Step::StartBackground,
        ("wait", _) => Step::Wait(Duration::from_secs_f64(rest.parse().ok()?)),
        ("stop", "background") => Step::StopBackground,
        ("said", _) => Step::Said(path()),
        ("only", _) => Step::Only(rest.split_whitespace().map(str::to_owned).collect()),
        ("absent", _) => Step::Absent(path()),
        ("file", _) => Step::File(path(), lines.contents()),
        ("json", _) => {
            let (path, json) = path_and()?;
            Step::Json(path, serde_json::from_str(json).ok()?)
        }
        ("lines", _) => {
            let (path, count) = path_and()?;
            Step::Lines(path, count.parse().ok()?)
        }
        ("matches", _) => {
            let (path, pattern) = path_and()?;
            Step::Matches(path, regex::Regex::new(pattern).ok()?)
        }
        _ => return None,
    })
}

/// The lines of a session, up to its end.
fn session(arguments: Vec<String>, lines: &mut Lines) -> Option<Session> {
    let mut session = Session {
        arguments,
        ..Session::default()
    };
    loop {
        let (_, word, rest) = lines.next()?;
        match word {
            ">" => session.input += &format!("{rest}\n"),
            "<" => session.output += &format!("{rest}\n"),
            "log" => session.logged.push(rest.to_owned()),
            "exit" => {
                session.code = rest.parse().ok()?;
                return Some(session);
            }
            _ => return None,
        }
    }
}

struct Lines<'a> {
    rest: std::iter::Peekable<std::iter::Enumerate<std::str::Lines<'a>>>,
}

impl<'a> Lines<'a> {
    /// The next line that says something: its number, its word, and the rest.
    fn next(&mut self) -> Option<(usize, &'a str, &'a str)> {
        loop {
            let (index, line) = self.rest.next()?;
            if !line.is_empty() && !line.starts_with('#') {
                let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
                return Some((index + 1, word, rest));
            }
        }
    }

    /// The contents of a file, which follow.
    fn contents(&mut self) -> String {
        let mut contents = Vec::new();
        while let Some(line) = self.rest.next_if(|(_, line)| line.starts_with('|')) {
            contents.push(line.1.trim_start_matches('|').trim_start_matches(' '));
        }
        contents.join("\n")
    }
}
