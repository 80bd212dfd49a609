//! One ability in the real host: what is said to it, and the files that it keeps.

use crate::script::{Session, Step};
use end_to_end::command::{Ability, end_with_input};
use end_to_end::guests;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread::{self, JoinHandle};

pub struct Stage {
    name: String,
    ability: Ability,
    background: Option<Background>,
    /// What the last one said in all.
    said: Vec<String>,
}

struct Background {
    process: Child,
    lines: JoinHandle<Vec<String>>,
}

impl Stage {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ability: Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR")),
            background: None,
            said: Vec::new(),
        }
    }

    /// Compiles what there is, so that no wait is about that.
    pub fn warm_up(&self) {
        for part in ["", ".background"] {
            let component = guests::directory().join(format!("{}{part}.wasm", self.name));
            if component.exists() {
                let options = ["--no-background", "--timeout", "0.001"];
                end_to_end::command::end(self.ability.component(&component, &options, &[]));
            }
        }
        let _ = fs::remove_dir_all(self.ability.root());
    }

    /// # Errors
    ///
    /// What is not as it should be.
    pub fn perform(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Put(path, contents) => {
                let path = self.user_directory().join(path);
                fs::create_dir_all(path.parent().expect("a directory")).expect("created");
                fs::write(path, contents).expect("written");
            }
            Step::Remove(path) => {
                let _ = fs::remove_file(self.user_directory().join(path));
            }
            Step::Run(session) => return self.run(session),
            Step::StartBackground => self.start_background(),
            // It has to start first; and the machine may be busy.
            Step::Wait(time) => thread::sleep(*time * 2),
            Step::StopBackground => self.stop_background(),
            Step::Said(line) => {
                let said = self.said.contains(line);
                return check(said, || format!("it said {:?}", self.said));
            }
            file => return self.check_files(file),
        }
        Ok(())
    }

    fn run(&self, session: &Session) -> Result<(), String> {
        let arguments: Vec<_> = session.arguments.iter().map(String::as_str).collect();
        let options = ["--no-background"];
        let command = self.ability.guest(&self.name, &options, &arguments);
        let ended = end_with_input(command, &session.input);
        let is_logged = |text: &String| ended.stderr.lines().any(|line| line.contains(text));
        let is_right = ended.code == Some(session.code)
            && ended.stdout == session.output
            && session.logged.iter().all(is_logged);
        check(is_right, || {
            format!(
                "exit {:?}\n{}\n--- logged:\n{}",
                ended.code, ended.stdout, ended.stderr
            )
        })
    }

    fn start_background(&mut self) {
        let component = guests::path(&format!("{}.background", self.name));
        let options = ["--id", self.name.as_str()];
        let mut command = self.ability.component(&component, &options, &[]);
        command.stdin(Stdio::piped()).stderr(Stdio::inherit());
        let mut process = command.spawn().expect("started");
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        let lines = thread::spawn(move || output.lines().map_while(Result::ok).collect());
        self.background = Some(Background { process, lines });
    }

    fn stop_background(&mut self) {
        let Background { mut process, lines } = self.background.take().expect("it runs");
        process.kill().expect("killed");
        process.wait().expect("gone");
        self.said = lines.join().expect("no panic");
    }

    fn user_directory(&self) -> PathBuf {
        self.ability.root().join("user")
    }

    /// The files of the user, by their paths.
    fn files(&self) -> BTreeMap<String, String> {
        let directory = self.user_directory();
        let names = end_to_end::command::names(&directory);
        let of_the_user = names.into_iter().filter(|name| name != ".ability-storage");
        of_the_user
            .map(|name| {
                let contents = fs::read_to_string(directory.join(&name)).expect("a text");
                (name, contents)
            })
            .collect()
    }

    fn check_files(&self, step: &Step) -> Result<(), String> {
        let files = self.files();
        let found = |path: &str| -> Result<&String, String> {
            let (start, end) = path.split_once('*').unwrap_or((path, ""));
            let is_it = |name: &&String| match path.contains('*') {
                true => name.starts_with(start) && name.ends_with(end),
                false => *name == path,
            };
            let name = files.keys().find(is_it);
            name.and_then(|name| files.get(name))
                .ok_or_else(|| format!("there are {:?}", files.keys()))
        };
        match step {
            Step::Only(paths) => check(files.keys().eq(paths), || {
                format!("there are {:?}", files.keys())
            }),
            Step::Absent(path) => check(found(path).is_err(), || format!("there are {files:?}")),
            Step::File(path, contents) => {
                let found = found(path)?;
                check(found == contents, || format!("it is {found:?}"))
            }
            Step::Json(path, json) => {
                let found = found(path)?;
                let parsed = serde_json::from_str::<serde_json::Value>(found);
                check(parsed.is_ok_and(|parsed| parsed == *json), || {
                    format!("it is {found:?}")
                })
            }
            Step::Lines(path, count) => {
                let found = found(path)?;
                check(found.lines().count() == *count, || {
                    format!("it is {found:?}")
                })
            }
            Step::Matches(path, pattern) => {
                let found = found(path)?;
                check(pattern.is_match(found), || format!("it is {found:?}"))
            }
            other => unreachable!("{other:?} is about no file"),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(background) = &mut self.background {
            let _ = background.process.kill();
            let _ = background.process.wait();
        }
    }
}

fn check(is_right: bool, found: impl FnOnce() -> String) -> Result<(), String> {
    match is_right {
        true => Ok(()),
        false => Err(found()),
    }
}
