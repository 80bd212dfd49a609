//! One phase: clients start, something is killed and started again several times, the
//! clients end, and it is looked at what is left.

use super::client;
use super::log;
use super::verdict::{Verdict, verdict};
use super::{Killed, log::Entry};
use crate::cluster::Cluster;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// The longest that a cluster may take to serve again.
const RECOVERY: Duration = Duration::from_secs(180);

/// What is the same in all phases.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub clients: usize,
    pub kills: usize,
    /// How long clients are left alone between two kills, and a daemon dead.
    pub between: Duration,
}

/// A phase that is over.
#[derive(Debug, serde::Serialize)]
pub struct Phase {
    pub killed: &'static str,
    pub clients: usize,
    pub kills: usize,
    #[serde(flatten)]
    pub verdict: Verdict,
}

pub fn run(
    cluster: &mut Cluster,
    killed: Killed,
    setting: Setting,
    directory: &Path,
) -> Result<Phase> {
    let clients = Clients::new(cluster, killed, setting.clients, directory)?;
    let mut running = clients.start_all()?;
    let mut kills = 0;
    for number in 0..setting.kills {
        // Not always at the same moment of a commit.
        thread::sleep(setting.between + Duration::from_millis(fastrand::u64(..200)));
        match killed {
            Killed::Nothing => continue,
            Killed::Clients => {
                let client = number % running.len();
                running[client].kill().context("cannot kill a client")?;
                running[client].wait().context("cannot wait for a client")?;
                running[client] = clients.start(client)?;
            }
            _ => {
                let daemons = killed.daemons(cluster, number);
                for daemon in &daemons {
                    cluster.kill(*daemon)?;
                }
                thread::sleep(setting.between);
                for daemon in &daemons {
                    cluster.restart(*daemon)?;
                }
                cluster.wait_healthy(RECOVERY)?;
            }
        }
        kills += 1;
    }
    thread::sleep(setting.between);
    for client in &mut running {
        // The end of its standard input is its sign.
        drop(client.stdin.take());
    }
    for mut client in running {
        let status = client.wait().context("cannot wait for a client")?;
        ensure!(status.success(), "a client ended with {status}");
    }
    let logs: Result<Vec<Vec<Entry>>> = (0..setting.clients)
        .map(|client| log::read(&clients.options(client).log))
        .collect();
    let volume = clients.volume()?;
    Ok(Phase {
        killed: killed.name(),
        clients: setting.clients,
        kills,
        verdict: verdict(&volume, &logs?)?,
    })
}

/// How clients are started.
struct Clients {
    number: usize,
    ability: String,
    root: String,
    endpoints: Vec<String>,
    environment: Vec<(&'static str, String)>,
    directory: PathBuf,
}

impl Clients {
    fn new(cluster: &Cluster, killed: Killed, number: usize, directory: &Path) -> Result<Self> {
        let directory = directory.join(killed.name());
        std::fs::create_dir_all(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        Ok(Self {
            number,
            ability: killed.name().to_owned(),
            root: format!("s3://{}/trial", cluster.bucket()),
            endpoints: cluster.endpoints(),
            environment: vec![
                ("AWS_ACCESS_KEY_ID", cluster.access_key().to_owned()),
                ("AWS_SECRET_ACCESS_KEY", cluster.secret_key().to_owned()),
                ("AWS_REGION", cluster.region().to_owned()),
            ],
            directory,
        })
    }

    fn options(&self, client: usize) -> client::Options {
        client::Options {
            root: self.root.clone(),
            endpoint: self.endpoints[client % self.endpoints.len()].clone(),
            ability: self.ability.clone(),
            client,
            log: self.directory.join(format!("client-{client}.log")),
        }
    }

    fn start_all(&self) -> Result<Vec<Child>> {
        (0..self.number).map(|client| self.start(client)).collect()
    }

    fn start(&self, client: usize) -> Result<Child> {
        let options = self.options(client);
        let program = std::env::current_exe().context("cannot tell which program this is")?;
        let errors = options.log.with_extension("err");
        let errors = std::fs::File::options()
            .append(true)
            .create(true)
            .open(errors)?;
        let mut command = Command::new(program);
        command
            .arg("client")
            .args(["--root", &options.root])
            .args(["--endpoint", &options.endpoint])
            .args(["--ability", &options.ability])
            .args(["--client", &client.to_string()])
            .arg("--log")
            .arg(&options.log)
            .envs(self.environment.clone())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(errors);
        command.spawn().context("cannot start a client")
    }

    /// The volume, for a look at it. Credentials that are only in the environment of
    /// clients are not in that of this process.
    fn volume(&self) -> Result<ability_storage_object_store::ObjectVolume> {
        let options = self.options(0);
        let mut store = object_store::aws::AmazonS3Builder::new()
            .with_endpoint(&options.endpoint)
            .with_allow_http(true)
            .with_bucket_name(
                self.root
                    .trim_start_matches("s3://")
                    .trim_end_matches("/trial"),
            );
        for (name, value) in &self.environment {
            store = store.with_config(name.to_lowercase().parse()?, value);
        }
        let root = ability_storage_object_store::ObjectRoot::options()
            .read_only(true)
            .open_in(std::sync::Arc::new(store.build()?), "trial".into())?;
        let id = ability_storage_engine::VolumeId::ability(&options.ability)?;
        Ok(root.open_volume(&id))
    }
}
