//! Whether all daemons that run also serve, and waiting until they do.
//!
//! Must never wait for a daemon that has ended: that is an error at once.

use super::{Cluster, Daemon};
use anyhow::{Context, Error, Result, anyhow, bail};
use serde_json::Value;
use std::thread;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(100);

/// One question takes a fraction of a second, or its answer does not come.
const QUESTION: Duration = Duration::from_secs(5);

/// Written through each gateway. As many as make it likely that each group of objects of
/// the pool is among them.
const WRITES: usize = 16;

/// The daemon that does not serve, and what is known of it.
struct Trouble(Daemon, Error);

impl Cluster {
    /// Waits until all daemons that were not killed (or were started again) serve: the
    /// monitors agree with each other, the OSDs have joined, and every gateway stores
    /// what is written through it.
    ///
    /// Copies that a killed OSD has missed may still be on their way to it.
    ///
    /// # Errors
    ///
    /// If that takes longer than `within`, or a daemon has ended by itself. Both name it
    /// and its log file, and show the end of it.
    pub fn wait_healthy(&mut self, within: Duration) -> Result<()> {
        let end = Instant::now() + within;
        self.wait_until(end, Self::monitors_agree)?;
        self.wait_until(end, Self::osds_serve)?;
        self.wait_until(end, Self::gateways_serve)?;
        // A monitor may be what was killed last: it is not missed at once.
        self.wait_until(end, Self::monitors_agree)
    }

    pub(super) fn wait_for_monitors(&mut self, within: Duration) -> Result<()> {
        self.wait_until(Instant::now() + within, Self::monitors_agree)
    }

    pub(super) fn wait_for_osds(&mut self, within: Duration) -> Result<()> {
        self.wait_until(Instant::now() + within, Self::osds_serve)
    }

    pub(super) fn wait_for_bucket(&mut self, within: Duration) -> Result<()> {
        self.wait_until(Instant::now() + within, |cluster| {
            let made = cluster
                .buckets
                .iter()
                .try_for_each(|bucket| bucket.create_bucket(QUESTION));
            made.map_err(|error| Trouble(Daemon::Gateway(0), error))
        })
    }

    fn wait_until(
        &mut self,
        end: Instant,
        mut check: impl FnMut(&Self) -> Result<(), Trouble>,
    ) -> Result<()> {
        loop {
            for process in self.processes.values_mut() {
                process.check()?;
            }
            let Err(Trouble(daemon, error)) = check(self) else {
                return Ok(());
            };
            if Instant::now() >= end {
                let words = self.processes.get(&daemon).map(|it| it.last_words());
                return Err(error.context(format!(
                    "{daemon} does not serve in time\n{}\n",
                    words.unwrap_or_default()
                )));
            }
            thread::sleep(PAUSE);
        }
    }

    fn monitors_agree(&self) -> Result<(), Trouble> {
        let monitors = self.wanted(|it| matches!(it, Daemon::Monitor(_)));
        let asked = self.tools.ceph(&["quorum_status"], QUESTION);
        let agreed = asked.and_then(|answer| {
            let names = answer["quorum_names"].as_array();
            Ok(names.context("there is no quorum_names")?.clone())
        });
        let agreed = match (agreed, monitors.first()) {
            (Ok(agreed), _) => agreed,
            (Err(error), Some(first)) => return Err(Trouble(*first, error)),
            (Err(error), None) => return Err(Trouble(Daemon::Monitor(0), error)),
        };
        for monitor in monitors {
            let Daemon::Monitor(index) = monitor else {
                continue;
            };
            if !agreed.contains(&Value::from(format!("m{index}"))) {
                let error = anyhow!("the others do not count it among them");
                return Err(Trouble(monitor, error));
            }
        }
        Ok(())
    }

    /// Asks the OSDs themselves: after a kill, the monitors may believe for a while that
    /// one is still there.
    fn osds_serve(&self) -> Result<(), Trouble> {
        for osd in self.wanted(|it| matches!(it, Daemon::Osd(_))) {
            let answer = self
                .tools
                .ceph(&["tell", &osd.to_string(), "status"], QUESTION);
            let active = answer.and_then(|answer| match answer["state"].as_str() {
                Some("active") => Ok(()),
                other => bail!("its state is {}", other.unwrap_or("unknown")),
            });
            active.map_err(|error| Trouble(osd, error))?;
        }
        Ok(())
    }

    fn gateways_serve(&self) -> Result<(), Trouble> {
        for gateway in self.wanted(|it| matches!(it, Daemon::Gateway(_))) {
            let Daemon::Gateway(index) = gateway else {
                continue;
            };
            let door = &self.doors[index];
            let written = (0..WRITES).try_for_each(|number| {
                door.write(&number.to_string(), b"are you there?", QUESTION)
            });
            written.map_err(|error| Trouble(gateway, error))?;
        }
        Ok(())
    }

    fn wanted(&self, kind: impl Fn(&Daemon) -> bool) -> Vec<Daemon> {
        let running = self.processes.iter().filter(|(_, it)| it.is_wanted());
        running.map(|(daemon, _)| *daemon).filter(kind).collect()
    }
}
