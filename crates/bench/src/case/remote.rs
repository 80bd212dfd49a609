//! A volume on an object store: a Ceph cluster on loopback, one daemon of each kind, with
//! its objects in memory. So what is compared is the number and the kind of requests; a
//! network and disks come on top of each.

use super::replace::{MANY, together};
use super::{Bench, Case, subdirectory};
use crate::contestant::{Guarantees, Kind, Native, Objects, Ours, Store};
use crate::measure::{About, Entry, Operations};
use ability_storage::{LocalVolume, VolumeId};
use ability_storage_object_store::ObjectRoot;
use anyhow::Result;
use object_store::aws::AmazonS3Builder;
use outage::cluster::{Cluster, Shape, why_not};
use std::path::Path;
use std::sync::Arc;

const BYTES: usize = 4 << 10;

pub fn run(bench: &Bench<'_>) -> Result<()> {
    if let Some(reason) = why_not() {
        bench
            .runner
            .progress
            .print(&format!("remote: skipped: {reason}"));
        return Ok(());
    }
    let directory = bench.runner.place.fresh()?;
    let progress = bench.runner.progress;
    let cluster = Cluster::start(Shape::SMALL, &directory.path().join("ceph"), |part| {
        progress.say(&format!("starting Ceph: {part}"));
    })?;
    for (writers, name) in [(1, "1 writer"), (MANY, "16 writers")] {
        let place = subdirectory(directory.path(), name)?;
        part(bench, &cluster, &place, writers, name)?;
    }
    Ok(())
}

fn part(
    bench: &Bench<'_>,
    cluster: &Cluster,
    directory: &Path,
    writers: usize,
    name: &str,
) -> Result<()> {
    let bucket = || {
        AmazonS3Builder::new()
            .with_endpoint(&cluster.endpoints()[0])
            .with_allow_http(true)
            .with_region(cluster.region())
            .with_bucket_name(cluster.bucket())
            .with_access_key_id(cluster.access_key())
            .with_secret_access_key(cluster.secret_key())
            .build()
    };
    let root = ObjectRoot::options().open_in(Arc::new(bucket()?), "ours".into())?;
    let volume = root.open_volume(&VolumeId::ability(&format!("writers-{writers}"))?);
    let local = Ours {
        name: "ability-storage, here",
        guarantees: Guarantees::ALL,
        options: LocalVolume::options,
    };
    let stores: [(&str, Kind, Guarantees, Box<dyn Store>); 3] = [
        (
            "a conditional PUT for each file",
            Kind::Raw,
            Guarantees::DATABASE,
            Box::new(Objects::new(bucket()?)?),
        ),
        (
            "ability-storage, object store",
            Kind::Ours,
            Guarantees::DATABASE,
            Box::new(Native(volume)),
        ),
        (
            local.name,
            Kind::Ours,
            local.guarantees,
            Box::new(Native(local.open(directory)?)),
        ),
    ];
    let entries = stores.into_iter().map(|(name, kind, guarantees, store)| {
        let stores = [store];
        let mut next = 0;
        Entry {
            about: About {
                name: name.to_owned(),
                contestant: name.to_owned(),
                kind,
                guarantees,
            },
            operations: Operations::MultipleOf(writers as u64),
            calls: None,
            run: Box::new(move |count| {
                let each = count / writers as u64;
                let elapsed = together(&stores, BYTES, writers, next, each)?;
                next += count;
                Ok(elapsed)
            }),
        }
    });
    let name = format!("on an object store: 4 KiB, {name}");
    bench.measure(Case::Remote, &name, "one replace", entries.collect())
}
