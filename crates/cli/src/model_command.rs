//! A command that answers prompts: it gets one on its standard input and prints the answer.
//!
//! It runs in a process group of its own, which is killed when the run ends before the command
//! does, or when it prints more than an answer may have.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How long an answer may be, in bytes: the host keeps it in memory, and so does the guest.
pub const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// How often it is looked whether the run is over.
const PAUSE: Duration = Duration::from_millis(50);

pub struct ModelCommand {
    /// For the shell of the system.
    command: String,
    /// Whether the run is over, so that nobody waits for an answer any more.
    is_over: AtomicBool,
}

impl ModelCommand {
    pub fn new(command: &str) -> Self {
        Self {
            command: command.to_owned(),
            is_over: AtomicBool::new(false),
        }
    }

    /// Kills what runs, and starts nothing more.
    pub fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// Gives a prompt to the command and takes what it prints, without the last line end, for
    /// the answer.
    ///
    /// # Errors
    ///
    /// If the command cannot be started, fails, or prints too much or no text: what a person
    /// should read about it.
    pub fn ask(&self, prompt: Vec<u8>) -> Result<String, String> {
        let told = |what: String| format!("the model's command {what}");
        let mut child = self
            .start()
            .map_err(|error| told(format!("could not be started: {error}")))?;
        let answer = self.answer(&mut child, prompt);
        if answer.is_err() {
            kill(&mut child);
        }
        let answer = String::from_utf8(answer.map_err(told)?);
        let answer = answer.map_err(|_| told("printed no text".to_owned()))?;
        let answer = answer.strip_suffix('\n').unwrap_or(&answer);
        Ok(answer.strip_suffix('\r').unwrap_or(answer).to_owned())
    }

    fn start(&self) -> io::Result<Child> {
        let (shell, option) = match cfg!(windows) {
            true => ("cmd", "/C"),
            false => ("sh", "-c"),
        };
        let mut command = Command::new(shell);
        command.args([option, &self.command]);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
    }

    /// What the command prints until it ends.
    fn answer(&self, child: &mut Child, prompt: Vec<u8>) -> Result<Vec<u8>, String> {
        if let Some(mut input) = child.stdin.take() {
            // It may answer before it has read all, or read nothing at all.
            thread::spawn(move || input.write_all(&prompt));
        }
        let output = child.stdout.take();
        let (sender, printed) = mpsc::channel();
        thread::spawn(move || sender.send(output.map_or(Ok(Vec::new()), read)));
        let answer = loop {
            match printed.recv_timeout(PAUSE) {
                Ok(answer) => break answer.map_err(|error| format!("was lost: {error}"))?,
                Err(RecvTimeoutError::Timeout) => self.check()?,
                Err(RecvTimeoutError::Disconnected) => return Err("was lost".to_owned()),
            }
        };
        if answer.len() as u64 > MAX_ANSWER_BYTES {
            return Err(format!(
                "was killed: it printed more than {MAX_ANSWER_BYTES} bytes"
            ));
        }
        let mut pause = Duration::from_millis(1);
        loop {
            match child.try_wait() {
                Err(error) => return Err(format!("was lost: {error}")),
                Ok(Some(status)) if status.success() => return Ok(answer),
                Ok(Some(status)) => return Err(format!("failed ({status})")),
                Ok(None) => self.check()?,
            }
            thread::sleep(pause);
            pause = (2 * pause).min(PAUSE);
        }
    }

    /// # Errors
    ///
    /// If the run is over.
    fn check(&self) -> Result<(), String> {
        match self.is_over.load(Ordering::SeqCst) {
            true => Err("was killed: the run is over".to_owned()),
            false => Ok(()),
        }
    }
}

/// All that there is, or a little more than may be.
fn read(output: ChildStdout) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    let mut output = output.take(MAX_ANSWER_BYTES + 1);
    output.read_to_end(&mut answer)?;
    Ok(answer)
}

/// Kills a command that was not waited for yet, and all that it has started.
fn kill(child: &mut Child) {
    // Until it was waited for, no other process has its number.
    #[cfg(unix)]
    let _ = rustix::process::kill_process_group(
        rustix::process::Pid::from_child(child),
        rustix::process::Signal::KILL,
    );
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::sync::Arc;
    use std::time::Instant;

    fn ask(command: &str) -> Result<String, String> {
        ModelCommand::new(command).ask(b"prompt".to_vec())
    }

    #[test]
    fn what_it_prints_is_the_answer() {
        assert_eq!(ask("cat"), Ok("prompt".to_owned()));
        assert_eq!(ask("echo yes"), Ok("yes".to_owned()));
        let long = ModelCommand::new("echo yes").ask(vec![b'x'; 1 << 20]);
        assert_eq!(long, Ok("yes".to_owned()));
        let longest = ask(&format!("head -c {MAX_ANSWER_BYTES} /dev/zero"));
        assert_eq!(longest.map(|answer| answer.len()), Ok(1 << 20));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (command, expected) in [
            ("exit 3", "exit status: 3"),
            ("kill -9 $$", "signal: 9"),
            ("cat /dev/zero", "more than 1048576 bytes"),
            ("printf '\\377'", "no text"),
        ] {
            let error = ask(command).expect_err("it fails");
            assert!(error.contains(expected), "{error}");
        }
    }

    /// Each is what the command does after it has started another process, whose number it
    /// writes down.
    #[test]
    fn nothing_that_it_started_outlives_the_run_or_a_failure() {
        for rest in ["wait", "exec >&-; wait", "cat /dev/zero"] {
            let directory = tempfile::tempdir().expect("a directory");
            let number = directory.path().join("number");
            let command = format!("sleep 600 & echo $! > {}; {rest}", number.display());
            let model = Arc::new(ModelCommand::new(&command));
            let asking = model.clone();
            let asked = thread::spawn(move || asking.ask(Vec::new()));
            let begun = Instant::now();
            let started = loop {
                match fs::read_to_string(&number) {
                    Ok(text) if text.ends_with('\n') => break text.trim().to_owned(),
                    _ if begun.elapsed() > Duration::from_secs(60) => panic!("not started"),
                    _ => thread::sleep(Duration::from_millis(5)),
                }
            };
            model.end();
            let error = asked.join().expect("no panic").expect_err("killed");
            assert!(error.contains("was killed"), "{error}");
            while is_running(&started) {
                assert!(begun.elapsed() < Duration::from_secs(60), "{rest}: it runs");
                thread::sleep(Duration::from_millis(5));
            }
        }
    }

    /// Whether a process of this number is there, and is no zombie.
    fn is_running(number: &str) -> bool {
        let listed = Command::new("ps")
            .args(["-o", "stat=", "-p", number])
            .output();
        let state = listed.expect("ps runs").stdout;
        state.first().is_some_and(|state| *state != b'Z')
    }
}
