//! What may be written on the command line. Values are checked here, so that
//! the rest of the program holds only what it can use.

use crate::build::args as build;
use crate::compile;
use crate::compile_cache::CompileCacheOptions;
use crate::copy;
use crate::gc;
use crate::limits::StorageLimits;
use crate::model::Model;
use crate::new;
use crate::roots::{CacheOptions, Place, StoreOptions};
use crate::size::bytes;
use ability_storage::VolumeId;
use anyhow::{Context, Result};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::collections::BTreeMap;
use std::env::VarError;
use std::path::PathBuf;
use std::time::Duration;

const ABOUT: &str = "Run and build abilities: small WebAssembly programs whose files never tear";

const LONG_ABOUT: &str = "\
Run and build abilities: small WebAssembly programs whose files never tear.

An ability is a WebAssembly component (`wasi:cli/command`) that keeps its files
through the interface `ability:storage`. Each write happens whole and durably,
or not at all: whenever it is killed, the power fails or the disk fills up, a
file is as it was before the write or as it is after, never in between.";

const RUN_LONG_ABOUT: &str = "\
Run one ability until it ends.

It is given standard input, output and error, its arguments, the variables that
you name, clocks, random numbers, and two places for files: its own,
ROOT/abilities/ID/, and ROOT/user/, which all abilities under ROOT share. If ROOT is
a directory, both hold plain files that you can open in an editor. It is given no
other directory, no other variable and no network.

ROOT may also be in an object store: s3://bucket/prefix, gs://bucket/prefix or
az://container/prefix. All promises are the same there, also towards other machines
that use it at the same time. memory:///data is empty, and gone at the end.

An ability that holds a conversation speaks on standard output and listens on
standard input, a line for each thing that is said; what it asks a language model
is answered as you say. What it has for the background runs beside it.";

const RUN_AFTER_HELP: &str = "\
Examples:
  ability run counter.wasm --root data -- next
      Files go to data/abilities/counter/.
  ability run notes.wasm --root data --read-only --timeout 10 -- list
      Nothing is written, and it is stopped after ten seconds.
  ability run notes.wasm --root data --max-total-bytes 1M --text-files-only
      A guest that is not trusted gets little room, and no programs into it.
  ability run journal.wasm --root data --model-command 'my-model --json'
      A conversation, with a model of yours behind it.
  ability run notes.wasm --root s3://bucket/data --cache /var/cache/ability -- list
      Files are in the bucket; what was read once is also kept here.

Exit codes:
  0-255  that of the ability itself, with these exceptions:
  2      the command line is wrong
  124    --timeout was reached, and the ability was stopped
  130    SIGINT (Ctrl-C) was received, and the ability was stopped within a second
  143    the same for SIGTERM; a second signal ends the command at once
  125    the ability could not be started: it is no component, it needs what is
         not given here, or the root cannot be opened
  134    the ability trapped: it crashed, or broke a limit

Programs in Rust, C and the like can only tell success (0) from failure (1): the
exit of WASI 0.2 knows no other codes.

Compiled abilities are kept in the cache directory of wasmtime (--compile-cache), so
that all runs but the first start at once. Where nothing can be kept, as in the image of
a container, see `ability compile`.";

#[derive(Parser)]
#[command(name = "ability", version, about = ABOUT, long_about = LONG_ABOUT)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run one ability until it ends
    #[command(long_about = RUN_LONG_ABOUT, after_long_help = RUN_AFTER_HELP)]
    Run(Box<RunArgs>),

    /// Make a component from an ability's folder: Rust, Python or JavaScript
    #[command(long_about = build::LONG_ABOUT, after_long_help = build::AFTER_HELP)]
    Build(build::BuildArgs),

    /// Write a small ability that builds, runs and has a test
    #[command(long_about = new::LONG_ABOUT, after_long_help = new::AFTER_HELP)]
    New(new::NewArgs),

    /// Compile a component, so that it starts at once in a container
    #[command(long_about = compile::LONG_ABOUT, after_long_help = compile::AFTER_HELP)]
    Compile(compile::CompileArgs),

    /// Copy all files of a root to another one, such as from a directory to a bucket
    #[command(long_about = copy::LONG_ABOUT, after_long_help = copy::AFTER_HELP)]
    Copy(copy::CopyArgs),

    /// Remove what nobody needs any more from a root in an object store
    #[command(long_about = gc::LONG_ABOUT, after_long_help = gc::AFTER_HELP)]
    Gc(gc::GcArgs),
}

impl Cli {
    /// What is on the command line of this process. Ends it if that is wrong.
    pub fn checked() -> Self {
        let cli = Self::try_parse().unwrap_or_else(|error| with_tip(error).exit());
        let (name, checked) = match &cli.command {
            Command::Run(args) => ("run", args.check()),
            Command::Copy(args) => ("copy", args.check()),
            Command::Gc(args) => ("gc", args.check()),
            Command::Build(_) | Command::New(_) | Command::Compile(_) => return cli,
        };
        if let Err(reason) = checked {
            let mut all = Self::command();
            all.build();
            // It has just been parsed, so it is there.
            let command = all.find_subcommand_mut(name);
            let error = command.map(|command| command.error(ErrorKind::ArgumentConflict, &reason));
            error
                .unwrap_or_else(|| clap::Error::raw(ErrorKind::ArgumentConflict, &reason))
                .exit();
        }
        cli
    }
}

/// Arguments of the ability that are written like those of the command.
fn with_tip(mut error: clap::Error) -> clap::Error {
    let is_run = std::env::args_os().nth(1).is_some_and(|name| name == "run");
    let is_unknown = error.kind() == ErrorKind::UnknownArgument;
    if is_run && is_unknown && error.get(ContextKind::Suggested).is_none() {
        let tip = "arguments of the ability come after `--`".to_owned();
        let tip = ContextValue::StyledStrs(vec![tip.into()]);
        error.insert(ContextKind::Suggested, tip);
    }
    error
}

#[derive(Args)]
pub struct RunArgs {
    /// The ability: a WebAssembly component, or what `ability compile` has made of one
    #[arg(value_name = "COMPONENT.WASM")]
    pub component: PathBuf,

    /// Where the files of abilities are: a directory, or a url such as s3://bucket/prefix
    ///
    /// A directory is created if it does not exist.
    #[arg(long, value_name = "DIR|URL", value_parser = Place::parser())]
    pub root: Place,

    /// Whose files it gets [default: the file's name without .wasm]
    #[arg(long, value_parser = id)]
    pub id: Option<VolumeId>,

    /// Let it read its files but change none
    ///
    /// Every change answers `read-only`. Nothing is created under the root,
    /// which must exist.
    #[arg(long)]
    pub read_only: bool,

    /// Save faster: the files follow a log within seconds
    ///
    /// Each change is durable after one flush of the disk, which it shares with others;
    /// the files follow within seconds, and at the end. Until then other programs
    /// see older contents, and what they write into those files is overwritten, or
    /// what was appended comes behind it. Nothing is to be done after a power cut: the
    /// next run finds the log.
    #[arg(long, conflicts_with = "read_only")]
    pub journaled: bool,

    /// Sync nothing: faster, and NOT safe from a power cut
    ///
    /// Files stay whole when a program is killed, at any moment. After a power cut or
    /// a crash of the system those written in the last half minute or more may be as
    /// they were before, empty or torn. For tests, and for data that can be made
    /// again.
    #[arg(long, conflicts_with = "read_only")]
    pub no_sync: bool,

    /// The most memory it may use
    ///
    /// In bytes, or with K, M or G. Counts all its memories and tables together.
    #[arg(long, value_name = "N", value_parser = memory_size, default_value = "1G")]
    pub max_memory: usize,

    /// Stop it after so many seconds, whatever it is doing
    ///
    /// Fractions are allowed. What it was writing at that moment is written
    /// whole, or not at all.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,

    /// Give it an environment variable; may be repeated, and the last of a name counts
    ///
    /// K alone passes on the variable of that name that the command itself was given: a
    /// secret that is written on the command line can be read in the list of processes.
    #[arg(long, value_name = "K[=V]", value_parser = variable)]
    pub env: Vec<(String, String)>,

    /// Give it a directory for plain files, as /scratch: NOT tear-free
    ///
    /// It can read and change everything in it through the usual file
    /// functions. For comparison, and for data that may be lost.
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,

    /// What runs beside it [default: NAME.background.wasm beside NAME.wasm, if it is there]
    ///
    /// A second component that is started with the ability and stopped with it. It
    /// has the same files and no standard input.
    #[arg(long, value_name = "COMPONENT.WASM")]
    pub background: Option<PathBuf>,

    /// Run nothing beside it
    #[arg(long, conflicts_with = "background")]
    pub no_background: bool,

    #[command(flatten)]
    pub compile_cache: CompileCacheOptions,

    /// Run compiled code: files that `ability compile` has made
    ///
    /// No sandbox holds it. Say so only of files that you have compiled yourself, and
    /// that nobody else can write.
    #[arg(long)]
    pub trust_compiled: bool,

    #[command(flatten)]
    pub model: ModelArgs,

    /// Say how it was loaded, what its volumes do, and more about what goes wrong
    ///
    /// One line for each commit, with its path, length and microseconds, for what
    /// was refused and why, and for what earlier runs left to be recovered. On
    /// standard error; contents are never shown.
    #[arg(long, short)]
    pub verbose: bool,

    #[command(flatten)]
    pub storage: StorageLimits,

    #[command(flatten)]
    pub store: StoreOptions,

    #[command(flatten)]
    pub cache: CacheOptions,

    /// What the ability gets as its arguments
    #[arg(last = true, help_heading = "Arguments")]
    pub args: Vec<String>,
}

impl RunArgs {
    /// The environment of the guest: of each name, what was written last.
    pub fn variables(&self) -> BTreeMap<&str, &str> {
        let variables = self.env.iter();
        variables
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    /// What no option can know alone: whether they go with the root.
    fn check(&self) -> Result<(), String> {
        self.store.check(&[&self.root])?;
        self.cache.check(&self.root)?;
        if !self.root.is_url() {
            return Ok(());
        }
        let only_for_directories = |option: &str, instead: &str| {
            Err(format!(
                "{option} is for roots that are directories; {instead}"
            ))
        };
        if self.journaled {
            let instead = "on an object store commits share requests by themselves";
            return only_for_directories("--journaled", instead);
        }
        if self.no_sync {
            let instead = "an object store keeps all that it has acknowledged";
            return only_for_directories("--no-sync", instead);
        }
        Ok(())
    }
}

/// What answers an ability that asks a language model.
#[derive(Args)]
#[group(multiple = false)]
pub struct ModelArgs {
    /// Answer the prompts of a conversation with a command
    ///
    /// It is run by the shell, once for each prompt, and gets it on standard input
    /// as JSON: `{"prompt": "", "history": [{"role": "", "content": ""}],
    /// "system_prompt": ""}`. What it prints is the answer, at most 1 MiB. It is killed,
    /// with all that it has started, if the run ends before it does.
    #[arg(long, value_name = "COMMAND", help_heading = "Conversation")]
    pub model_command: Option<String>,

    /// Answer the prompts of a conversation with the lines of a file, in turn
    #[arg(long, value_name = "FILE", help_heading = "Conversation")]
    pub model_answers: Option<PathBuf>,
}

impl ModelArgs {
    /// The model that is asked for, or none.
    pub fn open(&self) -> Result<Model> {
        if let Some(file) = &self.model_answers {
            return Model::answers_in(file)
                .with_context(|| format!("the answers in {} cannot be read", file.display()));
        }
        let command = self.model_command.as_deref();
        Ok(command.map_or(Model::None, Model::command))
    }
}

fn id(text: &str) -> Result<VolumeId, String> {
    VolumeId::ability(text).map_err(|error| error.reason().to_string())
}

fn memory_size(text: &str) -> Result<usize, String> {
    usize::try_from(bytes(text)?).map_err(|_| "more than this machine can address".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds, such as 10 or 0.5".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("must be more than zero, and not endless".to_owned()),
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some(("", _)) => Err("the name before = is missing".to_owned()),
        None if text.is_empty() => Err("the name is missing".to_owned()),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => passed_on(text, std::env::var(text)),
    }
}

/// A variable of this process.
fn passed_on(name: &str, value: Result<String, VarError>) -> Result<(String, String), String> {
    match value {
        Ok(value) => Ok((name.to_owned(), value)),
        Err(VarError::NotPresent) => Err(format!(
            "there is no variable {name} to pass on; set it, or write {name}=VALUE"
        )),
        Err(VarError::NotUnicode(_)) => Err(format!("the variable {name} is not text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for wrong in ["", "0", "-1", "inf", "nan", "1e300", "1s"] {
            assert!(seconds(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn variables() {
        let pair = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        assert_eq!(variable("A=b=c"), pair("A", "b=c"));
        assert_eq!(variable("A="), pair("A", ""));
        assert_eq!(passed_on("A", Ok("secret".to_owned())), pair("A", "secret"));
        let unset = passed_on("A", Err(VarError::NotPresent)).expect_err("unset");
        assert!(unset.contains("no variable A"), "{unset}");
        for wrong in ["=b", ""] {
            let error = variable(wrong).expect_err("no name");
            assert!(error.ends_with("is missing"), "{error}");
        }
    }
}
