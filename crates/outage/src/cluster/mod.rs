//! A Ceph cluster on loopback: monitors, OSDs, gateways, a user and a bucket.
//!
//! | module | holds |
//! |---|---|
//! | `requirements` | what must be installed |
//! | `ports` | ports that nobody uses |
//! | `settings` | the text of `ceph.conf` |
//! | `tools` | Ceph's programs that do one thing and end |
//! | `setup` | what is made before the daemons start |
//! | `nursery` | the thread that starts them |
//! | `process` | one of them |
//! | `door` | a gateway, as its users see it |
//! | `health` | whether they serve |
//!
//! Must never leave a daemon running: dropping the cluster ends all of them, and so does
//! the kernel when the program ends without that.
//!
//! What is killed here are processes. What they had written is in the page cache and
//! stays: a cluster whose machines lose their power is not shown.

mod door;
mod health;
mod nursery;
mod ports;
mod process;
mod requirements;
mod settings;
mod setup;
mod tools;

use anyhow::{Context, Result, bail};
use door::{Door, Keys};
use nursery::Nursery;
use process::Process;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tools::Tools;

pub use requirements::{missing_programs, why_not};

/// Each part of the start takes seconds; on a machine that is busy, more.
const PART: Duration = Duration::from_secs(90);

const USER: &str = "outage";
const BUCKET: &str = "ability-storage";
/// What is written to see whether a gateway serves. Users do not see it in theirs.
const PROBES: &str = "probes";
const REGION: &str = "us-east-1";

/// How many there are of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub monitors: usize,
    pub gateways: usize,
    pub osds: usize,
    pub storage: Storage,
}

impl Shape {
    /// Up in a few seconds. Each of its daemons is needed.
    pub const SMALL: Self = Self {
        monitors: 1,
        gateways: 1,
        osds: 1,
        storage: Storage::Memory,
    };
    /// Goes on without any one of its daemons.
    pub const FULL: Self = Self {
        monitors: 3,
        gateways: 2,
        osds: 3,
        storage: Storage::Files,
    };
}

/// What OSDs keep objects in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Memory: quick, but an OSD must not be killed.
    Memory,
    /// Bluestore on a sparse file each, of at most 2 GiB.
    Files,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Daemon {
    Monitor(usize),
    Osd(usize),
    Gateway(usize),
}

/// As Ceph calls it, and its log file: `osd.0`.
impl fmt::Display for Daemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Monitor(index) => write!(f, "mon.m{index}"),
            Self::Osd(index) => write!(f, "osd.{index}"),
            Self::Gateway(index) => write!(f, "rgw.{index}"),
        }
    }
}

/// A cluster that runs. Dropping it ends its daemons; its directory stays.
pub struct Cluster {
    shape: Shape,
    directory: PathBuf,
    tools: Tools,
    keys: Keys,
    gateway_ports: Vec<u16>,
    /// Into the bucket of probes, through each gateway.
    doors: Vec<Door>,
    /// The buckets, as the first gateway sees them.
    buckets: Vec<Door>,
    /// Dropped before the nursery, so that they are dead when it goes.
    processes: BTreeMap<Daemon, Process>,
    nursery: Nursery,
}

impl Cluster {
    /// Starts all daemons and waits until they serve. Everything is kept in `directory`,
    /// which must be empty, or not exist; it tells `progress` what it does.
    ///
    /// # Errors
    ///
    /// If a program is missing (see [`missing_programs`]) or a daemon does not serve in
    /// time; then the error shows the end of its log.
    pub fn start(shape: Shape, directory: &Path, mut progress: impl FnMut(&str)) -> Result<Self> {
        if let Some(reason) = why_not() {
            bail!(reason);
        }
        if shape.monitors == 0 || shape.osds == 0 || shape.gateways == 0 {
            bail!("a cluster needs at least one daemon of each kind");
        }
        let directory = setup::directory(directory)?;
        let tools = Tools::new(&directory);
        let mut ports = ports::free(shape.monitors + shape.gateways)?;
        let gateway_ports = ports.split_off(shape.monitors);
        let mut cluster = Self {
            shape,
            tools,
            keys: Keys::default(),
            gateway_ports,
            doors: Vec::new(),
            buckets: Vec::new(),
            processes: BTreeMap::new(),
            nursery: Nursery::open()?,
            directory,
        };
        cluster.start_all(&ports, &mut progress)?;
        Ok(cluster)
    }

    fn start_all(&mut self, ports: &[u16], progress: &mut impl FnMut(&str)) -> Result<()> {
        let shape = self.shape;
        progress("keys and settings");
        setup::monitors(&self.directory, &self.tools, shape, ports)?;
        progress(&format!("monitors: {}", shape.monitors));
        for index in 0..shape.monitors {
            self.launch(Daemon::Monitor(index))?;
        }
        self.wait_for_monitors(PART)?;
        progress(&format!("OSDs: {}", shape.osds));
        setup::osds(&self.directory, &self.tools, shape)?;
        for index in 0..shape.osds {
            self.launch(Daemon::Osd(index))?;
        }
        self.wait_for_osds(PART)?;
        progress("pools and a user");
        self.keys = setup::user(&self.tools)?;
        progress(&format!("gateways: {}", shape.gateways));
        for index in 0..shape.gateways {
            self.launch(Daemon::Gateway(index))?;
        }
        let first = self.gateway_ports[0];
        for bucket in [BUCKET, PROBES] {
            self.buckets.push(Door::new(first, bucket, &self.keys)?);
        }
        for port in &self.gateway_ports {
            self.doors.push(Door::new(*port, PROBES, &self.keys)?);
        }
        self.wait_for_bucket(PART)?;
        self.wait_healthy(PART)
    }

    fn launch(&mut self, daemon: Daemon) -> Result<()> {
        let arguments = match daemon {
            Daemon::Monitor(index) => vec!["-i".to_owned(), format!("m{index}")],
            Daemon::Osd(index) => vec!["-i".to_owned(), index.to_string()],
            Daemon::Gateway(index) => vec![
                "-n".to_owned(),
                "client.admin".to_owned(),
                format!("--rgw-data={daemon}"),
                format!("--log-file={daemon}.log"),
                // Without tcp_nodelay, a GET takes 40 ms.
                format!(
                    "--rgw-frontends=beast endpoint=127.0.0.1:{} tcp_nodelay=1",
                    self.gateway_ports[index]
                ),
            ],
        };
        let program = match daemon {
            Daemon::Monitor(_) => "ceph-mon",
            Daemon::Osd(_) => "ceph-osd",
            Daemon::Gateway(_) => "radosgw",
        };
        if let Daemon::Gateway(_) = daemon {
            std::fs::create_dir_all(self.directory.join(daemon.to_string()))?;
        }
        let common = ["-f", "-c", "ceph.conf"].map(str::to_owned);
        let arguments = [&common[..], &arguments].concat();
        let name = daemon.to_string();
        let mut process = Process::new(&name, program, arguments, &self.directory);
        process.start(&self.nursery)?;
        self.processes.insert(daemon, process);
        Ok(())
    }

    /// Kills a daemon (SIGKILL) and waits until it has ended. Nothing happens if it was
    /// killed before.
    ///
    /// # Errors
    ///
    /// If there is no such daemon, or it is an OSD whose objects are in its memory.
    pub fn kill(&mut self, daemon: Daemon) -> Result<()> {
        if matches!(daemon, Daemon::Osd(_)) && self.shape.storage == Storage::Memory {
            bail!("{daemon} keeps its objects in memory and would not come back");
        }
        self.process(daemon)?.kill()
    }

    /// Starts a daemon again; one that runs is killed first. Does not wait until it
    /// serves: see [`Cluster::wait_healthy`].
    ///
    /// # Errors
    ///
    /// As [`Cluster::kill`], or if it cannot be started.
    pub fn restart(&mut self, daemon: Daemon) -> Result<()> {
        self.kill(daemon)?;
        self.launch(daemon)
    }

    fn process(&mut self, daemon: Daemon) -> Result<&mut Process> {
        let found = self.processes.get_mut(&daemon);
        found.with_context(|| format!("there is no {daemon}"))
    }

    /// Those that ended although nobody killed them through this cluster, and how.
    ///
    /// # Errors
    ///
    /// If the system does not tell.
    pub fn ended(&mut self) -> Result<Vec<(Daemon, String)>> {
        let mut ended = Vec::new();
        for (daemon, process) in &mut self.processes {
            ended.extend(process.ended()?.map(|status| (*daemon, status)));
        }
        Ok(ended)
    }

    /// All daemons that there are, with their process ids; `None`: it was killed.
    pub fn daemons(&self) -> impl Iterator<Item = (Daemon, Option<u32>)> {
        let all = self.processes.iter();
        all.map(|(daemon, process)| (*daemon, process.id()))
    }

    /// The gateways' URLs, in their order.
    pub fn endpoints(&self) -> Vec<String> {
        let ports = self.gateway_ports.iter();
        ports.map(|port| door::endpoint(*port)).collect()
    }

    pub fn access_key(&self) -> &str {
        &self.keys.access
    }

    pub fn secret_key(&self) -> &str {
        &self.keys.secret
    }

    /// A bucket, empty at the start.
    pub fn bucket(&self) -> &str {
        BUCKET
    }

    pub fn region(&self) -> &str {
        REGION
    }

    /// Where the logs are: `<daemon>.log`.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}
