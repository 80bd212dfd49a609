//! The machine, and the versions of all that took part.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::thread;

/// The versions that were built into this program.
const LOCK: &str = include_str!("../../../../Cargo.lock");

/// Packages that a reader wants to know the version of.
const PACKAGES: [&str; 10] = [
    "ability-storage",
    "atomic-write-file",
    "atomicwrites",
    "cap-std-ext",
    "libsqlite3-sys",
    "redb",
    "rusqlite",
    "tempfile",
    "wasmtime",
    "wasmtime-wasi",
];

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    pub kernel: String,
    pub processor: String,
    pub cores: usize,
    pub memory_bytes: Option<u64>,
    /// Processes that wanted to run, on average of the last minute, before it was measured.
    pub load: Option<f64>,
    pub sqlite: String,
    pub packages: BTreeMap<String, String>,
}

impl Machine {
    pub fn this() -> Self {
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            kernel: kernel.trim().to_owned(),
            processor: field("/proc/cpuinfo", "model name").unwrap_or_default(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: memory(),
            load: load(),
            sqlite: rusqlite::version().to_owned(),
            packages: versions(LOCK),
        }
    }

    /// In one line.
    pub fn line(&self) -> String {
        let memory = self.memory_bytes.unwrap_or_default() >> 30;
        format!(
            "Linux {}, {} cores ({}), {memory} GiB of memory",
            self.kernel, self.cores, self.processor
        )
    }

    /// What is to be said if others use the machine, too.
    pub fn warning(&self) -> Option<String> {
        let load = self.load.filter(|load| *load > self.cores as f64 / 4.0)?;
        Some(format!(
            "The machine was busy with other things (a load of {load:.1} on {} cores): times \
             are rough, and their spread is that of the others; flushes and calls are exact",
            self.cores
        ))
    }

    /// In one line, too.
    pub fn versions(&self) -> String {
        let packages = self.packages.iter();
        let packages = packages.map(|(name, version)| format!("{name} {version}"));
        let packages: Vec<_> = packages.collect();
        format!("{}, SQLite {}", packages.join(", "), self.sqlite)
    }
}

fn memory() -> Option<u64> {
    let text = field("/proc/meminfo", "MemTotal")?;
    let kib: u64 = text.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}

/// What follows the name and a colon in the first line that has it.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

fn versions(lock: &str) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    let mut name = "";
    for line in lock.lines() {
        let (key, value) = line.split_once(" = ").unwrap_or_default();
        let value = value.trim_matches('"');
        match key {
            "name" => name = value,
            "version" if PACKAGES.contains(&name) => {
                versions.insert(name.to_owned(), value.to_owned());
            }
            _ => {}
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_has_a_version() {
        let versions = versions(LOCK);
        for package in PACKAGES {
            assert!(versions.contains_key(package), "{package}");
        }
    }

    #[test]
    fn the_machine_is_known() {
        let machine = Machine::this();
        assert!(machine.line().contains("Linux"), "{machine:?}");
        assert!(machine.cores > 0);
    }

    #[test]
    fn a_busy_machine_is_told() {
        let mut machine = Machine::this();
        machine.load = Some(0.0);
        assert_eq!(machine.warning(), None);
        machine.load = Some(100.0);
        assert!(machine.warning().is_some());
    }
}
