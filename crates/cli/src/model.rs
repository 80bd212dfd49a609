//! The language model behind a conversation: a command, a file of answers, or none.
//!
//! Must never fail a guest because the model does: it gets an error value, and a
//! person sees why.

use crate::complain;
use crate::guest::Guest;
use crate::model_command::ModelCommand;
use serde::Serialize;
use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::component::{HasData, Linker};

mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package ability:cli;
            world conversation { import ability:conversation/model@0.1.0; }
        ",
        path: "wit/conversation",
        imports: { default: async },
        additional_derives: [serde::Serialize],
    });
}

use bindings::ability::conversation::model::{self, Message};

/// Who answers prompts. Clones share what is left of a file's answers.
#[derive(Clone, Default)]
pub enum Model {
    #[default]
    None,
    Command(Arc<ModelCommand>),
    Answers(Arc<Answers>),
}

/// The lines of a file that no prompt has got yet.
pub struct Answers {
    file: PathBuf,
    left: Mutex<VecDeque<String>>,
}

/// What a command gets, as JSON.
#[derive(Serialize)]
struct Prompt {
    prompt: String,
    history: Vec<Message>,
    system_prompt: String,
}

impl Model {
    /// A command of the system's shell.
    pub fn command(command: &str) -> Self {
        Self::Command(Arc::new(ModelCommand::new(command)))
    }

    /// Nobody waits for an answer any more.
    pub fn end(&self) {
        if let Self::Command(command) = self {
            command.end();
        }
    }

    /// Answers from a file: its lines in their order, one for each prompt.
    pub fn answers_in(file: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(file)?;
        Ok(Self::Answers(Arc::new(Answers {
            file: file.to_owned(),
            left: Mutex::new(text.lines().map(str::to_owned).collect()),
        })))
    }

    fn answer(&self, prompt: &Prompt) -> Result<Option<String>, String> {
        match self {
            Self::None => Ok(None),
            Self::Command(command) => {
                let prompt = serde_json::to_vec(prompt).map_err(|error| error.to_string())?;
                command.ask(prompt).map(Some)
            }
            Self::Answers(answers) => {
                let mut left = answers.left.lock().unwrap_or_else(PoisonError::into_inner);
                let answer = left.pop_front();
                let none_left = || format!("no answers are left in {}", answers.file.display());
                answer.map(Some).ok_or_else(none_left)
            }
        }
    }
}

impl model::Host for Model {
    async fn answer(
        &mut self,
        prompt: String,
        history: Vec<Message>,
        system_prompt: String,
    ) -> Result<Option<String>, String> {
        let prompt = Prompt {
            prompt,
            history,
            system_prompt,
        };
        let model = self.clone();
        let answer = tokio::task::spawn_blocking(move || model.answer(&prompt));
        let answer = answer.await.map_err(|error| error.to_string()).flatten();
        if let Err(reason) = &answer {
            complain(reason);
        }
        answer
    }
}

struct OfGuest;

impl HasData for OfGuest {
    type Data<'a> = &'a mut Model;
}

/// Adds the interface to what guests can import.
pub fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    model::add_to_linker::<_, OfGuest>(linker, |guest| &mut guest.model)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(text: &str) -> Prompt {
        Prompt {
            prompt: text.to_owned(),
            history: vec![Message {
                role: "user".to_owned(),
                content: "before".to_owned(),
            }],
            system_prompt: String::new(),
        }
    }

    #[test]
    fn no_model_is_no_error() {
        assert_eq!(Model::None.answer(&prompt("hello")), Ok(None));
    }

    #[test]
    fn answers_of_a_file_are_given_once_each() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("answers.txt");
        fs::write(&file, "one\n\nthree").expect("written");
        let model = Model::answers_in(&file).expect("read");
        let other = model.clone();
        assert_eq!(model.answer(&prompt("1")), Ok(Some("one".to_owned())));
        assert_eq!(other.answer(&prompt("2")), Ok(Some(String::new())));
        assert_eq!(model.answer(&prompt("3")), Ok(Some("three".to_owned())));
        let error = other.answer(&prompt("4")).expect_err("none is left");
        assert!(error.contains("answers.txt"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_command_gets_all_and_answers_with_what_it_prints() {
        let echo = Model::command("sleep 0.2; cat");
        let answer = echo.answer(&prompt("hello")).expect("answered");
        let told: serde_json::Value =
            serde_json::from_str(&answer.expect("an answer")).expect("JSON");
        assert_eq!(told["prompt"], "hello");
        assert_eq!(told["history"][0]["content"], "before");
        echo.end();
        let error = echo.answer(&prompt("hello")).expect_err("it is over");
        assert!(error.contains("the run is over"), "{error}");
    }
}
