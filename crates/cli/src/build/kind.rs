//! What a folder holds: an ability in Rust, Python or JavaScript.
//!
//! Must never guess: where two are possible, the person decides.

use super::args::Language;
use anyhow::{Result, bail};
use std::path::Path;

/// Each language with the file that tells it.
const MARKS: [(Language, &str); 3] = [
    (Language::Rust, "Cargo.toml"),
    (Language::Python, "main.py"),
    (Language::JavaScript, "package.json"),
];

impl Language {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
        }
    }

    /// As it is written on the command line.
    pub fn option(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "js",
        }
    }
}

/// What the folder is to be built as.
pub fn of(directory: &Path, asked: Option<Language>) -> Result<Language> {
    let shown = directory.display();
    if !directory.exists() {
        bail!("there is no folder {shown}");
    }
    if !directory.is_dir() {
        bail!("{shown} is a file; name the folder of an ability");
    }
    let found: Vec<_> = MARKS
        .into_iter()
        .filter(|(_, mark)| directory.join(mark).is_file())
        .collect();
    if let Some(asked) = asked {
        return match found.iter().any(|(language, _)| *language == asked) {
            true => Ok(asked),
            false => bail!(
                "{shown} holds no {}, so it is no ability in {}",
                mark_of(asked),
                asked.name()
            ),
        };
    }
    match found[..] {
        [(language, _)] => Ok(language),
        [] => bail!(
            "{shown} holds no ability: there is no Cargo.toml (Rust), no main.py (Python) and \
             no package.json (JavaScript) in it; `ability new` makes one"
        ),
        _ => {
            let marks: Vec<_> = found.iter().map(|(_, mark)| *mark).collect();
            let options: Vec<_> = found
                .iter()
                .map(|(language, _)| language.option())
                .collect();
            bail!(
                "{shown} could be built in several ways, for it holds {}; choose with --lang {}",
                marks.join(" and "),
                options.join(" or --lang ")
            )
        }
    }
}

fn mark_of(language: Language) -> &'static str {
    MARKS
        .into_iter()
        .find(|(other, _)| *other == language)
        .map_or("", |(_, mark)| mark)
}
