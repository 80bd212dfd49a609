//! What stands in for providers of object stores, on loopback, and the tests of volumes there.
//!
//! Must never listen on anything but 127.0.0.1, nor leave a server running.

use crate::installing;
use crate::process::{Server, free_port, run_logged, run_shown};
use crate::progress::heading;
use crate::scripting;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What they need, and programs that start one of them and make a bucket.
const FOLDER: &str = "tests/emulators";

/// The bucket or container that `prepare.py` makes.
const BUCKET: &str = "volumes";

/// Run the tests of volumes on what stands in for S3 and for Azure
///
/// Every volume's suite, alone and as three clients, what only long files show, and the
/// command with a guest (run `cargo xtask guests` once before), on moto (S3) and Azurite (Azure
/// Blob Storage), which are installed into target/tools; two minutes. The same tests run on a
/// real provider:
///
///   ABILITY_STORAGE_TEST_ROOT=s3://bucket/prefix \
///     cargo test --workspace --all-features --test provider
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Options {
    /// For the tests: a part of a name, `--nocapture`.
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<OsString>,
}

pub fn check(workspace: &Workspace, options: &Options) -> Result<()> {
    scripting::require(workspace)?;
    let tools = Tools::install(workspace)?;
    for emulator in [Emulator::Moto, Emulator::Azurite] {
        heading(emulator.stands_for());
        let port = free_port()?;
        let server = tools.start(emulator, port)?;
        tools.make_bucket(emulator, port)?;
        let mut tests = workspace.cargo("test");
        tests
            .args(["--workspace", "--all-features", "--test", "provider", "--"])
            .args(&options.arguments)
            .envs(emulator.environment(port));
        run_shown(&mut tests)?;
        drop(server);
    }
    Ok(())
}

/// All that CI runs.
pub fn all() -> Options {
    Options {
        arguments: Vec::new(),
    }
}

#[derive(Clone, Copy)]
enum Emulator {
    Moto,
    Azurite,
}

impl Emulator {
    fn name(self) -> &'static str {
        match self {
            Self::Moto => "moto",
            Self::Azurite => "azurite",
        }
    }

    fn stands_for(self) -> &'static str {
        match self {
            Self::Moto => "S3 (moto)",
            Self::Azurite => "Azure Blob Storage (Azurite)",
        }
    }

    /// What the tests, and `object_store`, have to know.
    fn environment(self, port: u16) -> Vec<(&'static str, String)> {
        let root = |scheme| {
            let url = format!("{scheme}://{BUCKET}/suite");
            ("ABILITY_STORAGE_TEST_ROOT", url)
        };
        match self {
            Self::Moto => vec![
                root("s3"),
                ("AWS_ENDPOINT", endpoint(port)),
                ("AWS_ALLOW_HTTP", "true".to_owned()),
                ("AWS_REGION", "us-east-1".to_owned()),
                ("AWS_ACCESS_KEY_ID", "any".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "any".to_owned()),
            ],
            Self::Azurite => vec![
                root("az"),
                ("AZURE_STORAGE_USE_EMULATOR", "true".to_owned()),
                ("AZURITE_BLOB_STORAGE_URL", endpoint(port)),
            ],
        }
    }
}

/// Where everything is.
struct Tools<'a> {
    workspace: &'a Workspace,
    python: PathBuf,
    node_packages: PathBuf,
}

impl<'a> Tools<'a> {
    fn install(workspace: &'a Workspace) -> Result<Self> {
        let folder = workspace.root().join(FOLDER);
        let python = installing::python_environment(
            workspace,
            "emulators",
            &folder.join("requirements.txt"),
            "moto",
        )?;
        let azurite = workspace.tools().join("azurite");
        copy(&folder, &azurite, &["package.json", "package-lock.json"])?;
        installing::node_packages(
            workspace,
            &azurite,
            &folder.join("package-lock.json"),
            &["--ignore-scripts"],
            "Azurite",
        )?;
        Ok(Self {
            workspace,
            python: python.join("bin/python"),
            node_packages: azurite.join("node_modules"),
        })
    }

    fn start(&self, emulator: Emulator, port: u16) -> Result<Server> {
        let port_text = port.to_string();
        let mut command = match emulator {
            Emulator::Moto => self.python("serve_s3.py", &[&port_text]),
            Emulator::Azurite => {
                let mut node = self.workspace.command("node");
                node.arg(self.node_packages.join("azurite/dist/src/blob/main.js"))
                    .args(["--blobHost", "127.0.0.1", "--blobPort", &port_text])
                    .args(["--inMemoryPersistence", "--skipApiVersionCheck"])
                    .args(["--silent", "--disableTelemetry"]);
                node
            }
        };
        Server::start(&mut command, &self.log(emulator.name()), port)
    }

    fn make_bucket(&self, emulator: Emulator, port: u16) -> Result<()> {
        let kind = match emulator {
            Emulator::Moto => "s3",
            Emulator::Azurite => "azure",
        };
        let mut prepare = self.python("prepare.py", &[kind, &endpoint(port)]);
        run_logged(&mut prepare, &self.log("prepare"))
    }

    fn python(&self, program: &str, arguments: &[&str]) -> Command {
        let mut python = self.workspace.command(&self.python);
        let program = Path::new(FOLDER).join(program);
        python.arg("-B").arg(program).args(arguments);
        python
    }

    fn log(&self, name: &str) -> PathBuf {
        self.workspace.target().join(format!("xtask/{name}.log"))
    }
}

fn endpoint(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn copy(from: &Path, to: &Path, names: &[&str]) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for name in names {
        let file = from.join(name);
        fs::copy(&file, to.join(name))
            .with_context(|| format!("cannot copy {}", file.display()))?;
    }
    Ok(())
}
