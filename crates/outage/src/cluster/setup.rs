//! What is made once, before the daemons are started for the first time: settings, keys,
//! the map of monitors, the data directories, a user of the gateways.
//!
//! Must never write into a directory that holds anything: it may be somebody's.

use super::door::Keys;
use super::settings;
use super::tools::Tools;
use super::{Shape, USER};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;
use uuid::Uuid;

/// The first user's pools are made with it.
const USER_LIMIT: Duration = Duration::from_secs(90);

/// `ceph`, once the monitors agree.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);

/// Makes the directory, and returns its whole path.
pub fn directory(given: &Path) -> Result<PathBuf> {
    let directory = std::path::absolute(given)?;
    fs::create_dir_all(&directory)
        .and_then(|()| fs::read_dir(&directory)?.next().transpose())
        .with_context(|| format!("cannot use {}", directory.display()))
        .and_then(|found| match found {
            None => Ok(directory.clone()),
            Some(_) => bail!("{} is not empty", directory.display()),
        })
}

/// Settings, keys, and the monitors' data.
pub fn monitors(directory: &Path, tools: &Tools, shape: Shape, ports: &[u16]) -> Result<()> {
    let id = Uuid::new_v4().to_string();
    let settings = settings::text(shape, &id, ports);
    fs::write(directory.join("ceph.conf"), settings).context("cannot write ceph.conf")?;
    let all = ["mon", "allow *", "osd", "allow *", "mgr", "allow *"];
    let osd = ["mon", "allow profile osd", "osd", "allow *"];
    key(tools, "mon.", &all)?;
    key(tools, "client.admin", &all)?;
    for index in 0..shape.osds {
        key(tools, &format!("osd.{index}"), &osd)?;
    }
    let mut arguments = vec!["--create".to_owned(), "--fsid".to_owned(), id];
    for (index, port) in ports.iter().enumerate() {
        let address = settings::address(*port);
        arguments.extend(["--addv".to_owned(), format!("m{index}"), address]);
    }
    arguments.push("monmap".to_owned());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    tools.local("monmaptool", &arguments)?;
    for index in 0..shape.monitors {
        let name = format!("m{index}");
        let map = ["--monmap", "monmap", "--keyring", "keyring"];
        make_data(tools, "ceph-mon", &name, &map)?;
    }
    Ok(())
}

/// Adds a key to `keyring`. The monitors take all of it over when their data is made.
fn key(tools: &Tools, name: &str, capabilities: &[&str]) -> Result<()> {
    let mut arguments = vec!["keyring", "--create-keyring", "--gen-key", "-n", name];
    if name != "mon." {
        arguments.remove(1);
    }
    for pair in capabilities.chunks(2) {
        arguments.push("--cap");
        arguments.extend(pair);
    }
    tools.local("ceph-authtool", &arguments)?;
    Ok(())
}

/// The OSDs' data. The monitors must agree already.
pub fn osds(directory: &Path, tools: &Tools, shape: Shape) -> Result<()> {
    let mut identities = Vec::new();
    for index in 0..shape.osds {
        let identity = Uuid::new_v4().to_string();
        // Numbers are given in turn: the first is 0.
        tools.ceph(&["osd", "new", &identity], COMMAND_LIMIT)?;
        fs::create_dir(directory.join(format!("osd.{index}")))?;
        identities.push((index.to_string(), identity));
    }
    thread::scope(|scope| {
        let make = |(name, identity): &(String, String)| {
            make_data(tools, "ceph-osd", name, &["--osd-uuid", identity])
        };
        let makers: Vec<_> = identities
            .iter()
            .map(|osd| scope.spawn(move || make(osd)))
            .collect();
        makers.into_iter().try_for_each(|maker| {
            let made = maker.join();
            made.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}

fn make_data(tools: &Tools, program: &str, name: &str, more: &[&str]) -> Result<()> {
    let mut arguments = vec!["--mkfs", "-c", "ceph.conf", "-i", name];
    arguments.extend(more);
    tools.local(program, &arguments)?;
    Ok(())
}

/// A user of the gateways, and with it the pools that they need to start. The OSDs must
/// serve already, and no gateway: it would make the same pools at the same time.
pub fn user(tools: &Tools) -> Result<Keys> {
    let keys = Keys {
        access: Uuid::new_v4().simple().to_string(),
        secret: Uuid::new_v4().simple().to_string(),
    };
    let arguments = ["-c", "ceph.conf", "user", "create"];
    let user = ["--uid", USER, "--display-name", USER];
    let (access, secret) = (&keys.access, &keys.secret);
    let given = ["--access-key", access, "--secret-key", secret];
    let arguments = [&arguments[..], &user, &given].concat();
    tools.run("radosgw-admin", &arguments, USER_LIMIT)?;
    Ok(keys)
}
