//! `ability new`: a small ability that builds, runs and has a test.
//!
//! Must never write into a folder that holds something.

use crate::build::args::Language;
use crate::{FAILED, complain, confined, embedded};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::fs;
use std::io::{ErrorKind, Write, stdout};
use std::path::PathBuf;

pub const LONG_ABOUT: &str = "\
Write a small ability that builds, runs and has a test.

A folder of that name appears, with a program to change, a test and a README. The
SDK is put into its .ability/, so that nothing else is needed to begin.";

pub const AFTER_HELP: &str = "\
Examples:
  ability new shopping-list --lang python
  ability build shopping-list
  ability run shopping-list.wasm --root data -- add milk

Exit codes:
  0      the ability is there
  2      the command line is wrong
  125    it could not be written, or the folder is not empty";

#[derive(Args)]
pub struct NewArgs {
    /// Its folder, which must not exist or be empty; its name is that of the ability
    ///
    /// Words of a-z and 0-9, joined by `-`, that begin with a letter, such as shopping-list.
    #[arg(value_name = "NAME", value_parser = place)]
    place: Place,

    /// What it is written in
    #[arg(long, value_enum)]
    lang: Language,
}

#[derive(Clone, Debug)]
struct Place {
    folder: PathBuf,
    name: String,
}

/// Writes an ability, and returns the exit code of the command.
pub fn new(args: &NewArgs) -> u8 {
    match write(args) {
        Ok(()) => 0,
        Err(error) => {
            complain(format_args!("{error:#}"));
            FAILED
        }
    }
}

fn write(args: &NewArgs) -> Result<()> {
    let Place { folder, name } = &args.place;
    let shown = folder.display();
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => {}
        Ok(false) => bail!("{shown} is there and not empty; nothing was written"),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => bail!("{shown} cannot be the folder of an ability: {error}"),
    }
    fs::create_dir_all(folder).with_context(|| format!("{shown} could not be created"))?;
    let lang = args.lang.option();
    for (path, contents) in embedded::under(&format!("templates/{lang}")) {
        let text = filled_in(contents, name);
        confined::write_if_different(folder, &filled_in_path(path, name), text.as_bytes())?;
    }
    confined::write_if_different(folder, ".ability/.gitignore", b"*\n")?;
    let sdk = format!("sdk/{lang}");
    embedded::unpack(&sdk, folder, &format!(".ability/{sdk}"))?;
    let next = format!(
        "{shown} is there: an ability in {}. Next:\n  \
         ability build {}\n  \
         ability run {name}.wasm --root data -- add 'water the plants'\n\
         {shown}/README.md tells how to test it.",
        args.lang.name(),
        for_shell(&shown.to_string()),
    );
    writeln!(stdout(), "{next}").context("standard output could not be written")
}

/// A word of a command line, as a shell of Unix reads it.
fn for_shell(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./+,@%".contains(letter);
    match word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// Templates hold the name as `{{name}}`, and as an identifier as `{{ident}}`.
fn filled_in(contents: &[u8], name: &str) -> String {
    let text = String::from_utf8_lossy(contents);
    text.replace("{{name}}", name)
        .replace("{{ident}}", &name.replace('-', "_"))
}

fn filled_in_path(path: &str, name: &str) -> String {
    filled_in(path.as_bytes(), name)
}

fn place(text: &str) -> Result<Place, String> {
    let folder = PathBuf::from(text);
    let name = folder.file_name().and_then(|name| name.to_str());
    let name = name.unwrap_or_default().to_owned();
    check(&name).map(|()| Place { folder, name })
}

/// Whether a name can be that of a folder, a crate, a package and a component.
fn check(name: &str) -> Result<(), String> {
    let is_word = |word: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        !word.is_empty() && word.bytes().all(plain)
    };
    if !name.split('-').all(is_word) || !name.starts_with(|first: char| first.is_ascii_lowercase())
    {
        return Err(
            "must begin with a letter, and be words of a-z and 0-9, joined by `-`, such as \
             shopping-list"
                .into(),
        );
    }
    if name.len() > LONGEST {
        return Err(format!("is longer than {LONGEST} characters"));
    }
    if RESERVED.split_whitespace().any(|reserved| reserved == name) {
        return Err("is a name that Rust or Windows keep for themselves; add a word".into());
    }
    Ok(())
}

const LONGEST: usize = 64;

/// Keywords of Rust, its own crates and folders, devices of Windows.
const RESERVED: &str = "\
    abstract as async await become box break const continue crate do dyn else enum extern false \
    final fn for gen if impl in let loop macro match mod move mut override priv pub ref return \
    self static struct super trait true try type typeof unsafe unsized use virtual where while \
    yield alloc build core deps examples incremental proc-macro std test \
    aux con nul prn com1 com2 com3 com4 com5 com6 com7 com8 com9 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 \
    lpt7 lpt8 lpt9";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for right in ["notes", "shopping-list", "a1", "do-it"] {
            assert_eq!(check(right), Ok(()), "{right}");
        }
        let long = "a".repeat(LONGEST + 1);
        for wrong in [
            "", "-", "a-", "-a", "a--b", "1a", "Notes", "a_b", "a b", "ä", "a.b", "..", "fn",
            "test", "con", &long,
        ] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn paths_are_words_of_a_command_line() {
        assert_eq!(for_shell("/tmp/my-notes"), "/tmp/my-notes");
        assert_eq!(for_shell("/tmp/my notes"), "'/tmp/my notes'");
        assert_eq!(for_shell("it's;x"), "'it'\\''s;x'");
    }

    #[test]
    fn a_folder_elsewhere_has_a_name_too() {
        let place = place("/tmp/x/notes").expect("a place");
        assert_eq!(place.name, "notes");
        for wrong in ["/", "..", "a/..", ""] {
            assert!(super::place(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_language_has_a_template() {
        for lang in ["rust", "python", "js"] {
            let names: Vec<_> = embedded::under(&format!("templates/{lang}"))
                .map(|(name, _)| name)
                .collect();
            for needed in [".gitignore", "README.md"] {
                assert!(names.contains(&needed), "{lang}: {names:?}");
            }
        }
    }
}
