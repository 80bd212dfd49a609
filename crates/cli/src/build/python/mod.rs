//! An ability in Python: componentize-py runs the top level of its modules, and
//! makes a component of what is then in memory.
//!
//! | module | holds |
//! |---|---|
//! | `environment` | the virtual environment with componentize-py |
//! | `packages` | what requirements.txt asks for |
//! | `requirements` | whether that has changed |
//! | `analysis` | what its sources say, without running them |
//! | `message` | what componentize-py says, as the author would say it |
//! | `bindings` | memory that componentize-py's bindings do not give back |

mod analysis;
mod bindings;
mod environment;
mod message;
mod packages;
mod requirements;

use super::failure::NotBuildable;
use super::folder::Folder;
use super::inputs::Inputs;
use super::tool::{Ended, Runner};
use super::tools::Tools;
use super::{Built, Job, step, tools};
use crate::{confined, embedded};
use analysis::Analysis;
use anyhow::{Context, Result, anyhow};
use environment::Environment;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

/// As `python -m` would, if it could be run that way.
const COMPONENTIZE: &str =
    "import sys; sys.argv[0] = 'componentize-py'; from componentize_py import script; script()";

pub fn build(job: &Job) -> Result<Built> {
    let folder = job.folder;
    let environment = Environment::find()?;
    let installed = tools::ensure(&job.tools, &environment, job.runner.verbose)?;
    let python = environment::python_in(&installed.directory);
    let packages = packages::ensure(job, &python)?;
    let sdk = folder.sdk("python")?;
    let scripts = embedded::unpack("tools/python", folder.own(), "tools/python")?;
    if job.tools != folder.own() {
        // The environment's path leads to it, for the tests of all who share it.
        environment::unpack_sdk(&job.tools)?;
    }

    let facade = sdk.join("facade");
    let stand_ins = facade.join("stand_ins");
    let provided = [packages.clone(), sdk.clone()];
    let analysis = Analysis::of(&python, &scripts, &folder.root, &provided, &stand_ins)?;
    analysis.check(&folder.root)?;

    let mut path = vec![scripts.join("app"), folder.root.clone()];
    path.push(if analysis.is_old() {
        facade
    } else {
        sdk.join("entry")
    });
    path.extend([sdk.clone(), packages]);
    if !analysis.stand_ins.is_empty() {
        path.push(stand_ins);
    }
    let componentize = Componentize {
        job,
        python,
        wit: sdk.join("wit"),
        path,
        no_environment: empty_environment(folder)?,
        pins: String::from_utf8_lossy(&environment.pins()).into_owned(),
    };
    let (component, background) = componentize.all(&analysis)?;
    Ok(Built {
        component,
        background,
        kind: Some(("api", analysis.api)),
        tools: BTreeMap::from([
            ("componentize-py".to_owned(), Environment::pinned()),
            ("python".to_owned(), environment.version),
        ]),
    })
}

struct Componentize<'a> {
    job: &'a Job<'a>,
    python: PathBuf,
    wit: PathBuf,
    /// Where the component's modules are, in the order in which they are found.
    path: Vec<PathBuf>,
    no_environment: PathBuf,
    /// Of the build tool.
    pins: String,
}

impl Componentize<'_> {
    fn all(&self, analysis: &Analysis) -> Result<(PathBuf, Option<PathBuf>)> {
        let (world, app) = match analysis.is_old() {
            true => ("conversation", "conversation_app"),
            false => ("ability", "ability_app"),
        };
        let name = &self.job.folder.name;
        if !analysis.background {
            let what = format!("Building {name} with componentize-py");
            let component = step::while_doing(&what, false, || self.one("main.py", world, app))?;
            return Ok((component, None));
        }
        let what = format!("Building {name} and its background.py with componentize-py");
        // Each keeps one and a half cores busy.
        let (main, background) = step::while_doing(&what, false, || {
            thread::scope(|scope| {
                let main = scope.spawn(|| self.one("main.py", world, app));
                let background = self.one("background.py", world, "background_app");
                (main.join(), background)
            })
        });
        let main = main.map_err(|_| anyhow!("the build of main.py failed"))??;
        Ok((main, Some(background?)))
    }

    fn one(&self, file: &str, world: &str, app: &str) -> Result<PathBuf> {
        let output = self.job.folder.built(app)?;
        let record = output.with_extension("inputs");
        let inputs = self.inputs(app);
        if inputs.is_some() && confined::is_file(&output) && confined::read(&record)? == inputs {
            return Ok(output);
        }
        // The record is written last: what is there without it is not known to be whole.
        // The tool would write to where a link leads.
        for path in [&record, &output] {
            confined::remove_file(path)
                .with_context(|| format!("{} could not be removed", path.display()))?;
        }
        let mut command = Command::new(&self.python);
        command.args(["-I", "-c", COMPONENTIZE, "--quiet", "--wit-path"]);
        command.arg(&self.wit);
        command.args(["--world", world, "componentize", app, "--output"]);
        command.arg(&output);
        for directory in &self.path {
            command.arg("--python-path").arg(directory);
        }
        command.env("VIRTUAL_ENV", &self.no_environment);
        command.env("RUST_BACKTRACE", "0");
        // What it says is taken apart, also with --verbose.
        let runner = Runner {
            verbose: false,
            ..self.job.runner
        };
        let ended = runner.quietly(&mut command)?;
        if self.job.runner.verbose {
            step::note(&ended.said());
        }
        if !ended.ok() {
            return Err(self.failed(file, &ended));
        }
        free_bytes(&output)?;
        if let Some(inputs) = inputs {
            let name = format!("out/{app}.inputs");
            confined::write_if_different(self.job.folder.own(), &name, &inputs)?;
        }
        Ok(output)
    }

    /// All that decides what the component is; none if it cannot be told.
    fn inputs(&self, app: &str) -> Option<Vec<u8>> {
        let version = env!("CARGO_PKG_VERSION");
        let mut inputs = Inputs::new(&format!("{version} {app} {} {}", self.pins, bindings::MARK));
        inputs.leave_out(self.job.folder.own().to_owned());
        for output in self.job.outputs().ok()? {
            inputs.leave_out(output);
        }
        let directories = self.path.iter().chain([&self.wit]);
        for directory in directories {
            inputs.directory(directory).ok()?;
        }
        Some(inputs.hash().into_bytes())
    }

    fn failed(&self, file: &str, ended: &Ended) -> anyhow::Error {
        match message::of(&ended.said(), &self.path, &self.job.folder.root) {
            Some(message) => NotBuildable(format!(
                "{file} failed while it was imported (the top level of a module runs when the \
                 ability is built, main() when it is run):\n{message}"
            ))
            .into(),
            None => anyhow!(
                "componentize-py failed ({}):\n{}",
                ended.status,
                ended.said()
            ),
        }
    }
}

/// Lets the component in a file free the bytes that it passes to the host.
fn free_bytes(path: &Path) -> Result<()> {
    let component =
        fs::read(path).with_context(|| format!("{} could not be read", path.display()))?;
    let mended = bindings::mended(&component).with_context(|| {
        format!(
            "componentize-py made a component in {} that is damaged",
            path.display()
        )
    })?;
    if let Some(mended) = mended {
        fs::write(path, mended)
            .with_context(|| format!("{} could not be written", path.display()))?;
    }
    Ok(())
}

/// componentize-py would add the packages of an environment that is active, or of the
/// machine's Python. So it gets one that is empty.
fn empty_environment(folder: &Folder) -> Result<PathBuf> {
    const NAME: &str = "no-environment";
    confined::empty_directory(folder.own(), NAME)?;
    folder.directory(&format!("{NAME}/lib/site-packages"))?;
    folder.directory(NAME)
}
