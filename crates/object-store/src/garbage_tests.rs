//! What is replaced costs as much as what is there: there is a bound to it.

use crate::garbage::allowed;
use crate::testing::{FaultyStore, Network, append, file, open, read, unhurried, write};
use crate::volume::ObjectVolume;
use crate::{ObjectRoot, Swept};
use ability_storage_engine::{
    Batch, Change, Error, Limits, Outcome, Precondition, Result, Version, Volume, VolumeId,
};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde_json::Value;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const LONG: usize = 9_000;

fn limits() -> Limits {
    Limits::default().max_total_bytes(10_000)
}

fn limited(network: &Arc<Network>) -> ObjectVolume {
    let options = ObjectRoot::options().patience(unhurried()).probe(false);
    let store = FaultyStore::new(network);
    let root = options.limits(limits()).open_in(store, Path::from("root"));
    root.expect("opened").open_volume(&VolumeId::user())
}

fn is_too_much(error: &Error) -> bool {
    matches!(error, Error::QuotaExceeded { reason, .. } if reason.contains("replaced or deleted"))
}

/// Commits, sooner or later.
fn insist(volume: &ObjectVolume, change: Change) {
    let end = Instant::now() + Duration::from_secs(20);
    while let Err(error) = volume.commit(change.clone().into()) {
        assert!(is_too_much(&error), "{error}");
        assert_eq!(error.outcome(), Outcome::NotApplied);
        assert!(Instant::now() < end, "it never sweeps: {error}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn fill(volume: &ObjectVolume) -> Error {
    let mut round: u32 = 0;
    loop {
        round += 1;
        assert!(round < 1_000, "nothing is refused");
        let contents = round.to_le_bytes().repeat(LONG / 4);
        if let Err(error) = volume.commit(write("a", contents).into()) {
            return error;
        }
    }
}

fn head_key() -> Path {
    Path::from("root/user/HEAD")
}

fn head(network: &Arc<Network>) -> Value {
    let store = network.store.clone();
    let contents = crate::runtime::wait(async move {
        let found = store.get(&head_key()).await.expect("there");
        found.bytes().await.expect("in memory")
    });
    serde_json::from_slice(&contents.expect("a runtime")).expect("JSON")
}

fn counted(network: &Arc<Network>) -> Option<u64> {
    head(network)["garbage"]["bytes"].as_u64()
}

/// What the files have in blobs.
fn used(network: &Arc<Network>) -> u64 {
    let head = head(network);
    let files = head["files"].as_object().expect("files").values();
    let parts = files.flat_map(|file| file["parts"].as_array().expect("parts"));
    parts.filter_map(|part| part["blob"]["size"].as_u64()).sum()
}

/// Discarded blobs are removed a moment later.
fn assert_soon(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_thousand_overwrites_stay_within_the_bound() {
    let network = Arc::new(Network::default());
    let volume = limited(&network);
    // What is replaced by one commit more, the file, and what is on its way.
    let bound = allowed(&limits()) + 3 * limits().max_total_bytes;
    let mut most = 0;
    for round in 0..1_000_u32 {
        insist(&volume, write("a", round.to_le_bytes().repeat(LONG / 4)));
        most = most.max(network.blob_bytes());
    }
    assert!(most <= bound, "{most} bytes, and {bound} are allowed");
    assert_eq!(read(&volume, "a"), 999_u32.to_le_bytes().repeat(LONG / 4));
}

#[test]
fn streams_and_appends_stay_within_the_bound() {
    let network = Arc::new(Network::default());
    let volume = limited(&network);
    let bound = allowed(&limits()) + 3 * limits().max_total_bytes;
    let mut most = 0;
    for round in 0..100_u32 {
        insist(&volume, append("log", vec![round as u8; 4_500]));
        insist(&volume, append("log", vec![round as u8; 4_500]));
        let stream = || {
            let mut writer = volume.writer(&file("log"))?;
            writer.write(&round.to_le_bytes().repeat(LONG / 4))?;
            writer.commit(Precondition::Any)
        };
        let end = Instant::now() + Duration::from_secs(20);
        while let Err(error) = stream() {
            assert!(is_too_much(&error), "{error}");
            assert!(Instant::now() < end, "it never sweeps: {error}");
            thread::sleep(Duration::from_millis(5));
        }
        insist(&volume, Change::delete(file("log")));
        most = most.max(network.blob_bytes());
    }
    assert!(most <= bound, "{most} bytes, and {bound} are allowed");
}

#[test]
fn a_volume_with_too_much_garbage_says_so_and_can_still_be_emptied() {
    let network = Arc::new(Network::default());
    let volume = limited(&network);
    let error = fill(&volume);
    assert!(is_too_much(&error), "{error}");
    assert_eq!(error.outcome(), Outcome::NotApplied);
    assert!(error.to_string().contains("ability gc"), "{error}");
    // Other clients agree, and keep nothing of what they have sent.
    let other = limited(&network);
    if let Err(error) = other.commit(write("b", vec![1; LONG]).into()) {
        assert!(is_too_much(&error), "{error}");
    }
    for change in [
        Change::rename(file("a"), file("c")),
        Change::delete(file("c")),
    ] {
        volume.commit(change.into()).expect("it needs no room");
    }
    insist(&volume, write("a", vec![1; LONG]));
    assert_eq!(read(&volume, "a"), vec![1; LONG]);
}

/// A volume that is open sweeps itself until little is left, also without writes.
#[test]
fn garbage_goes_away_by_itself() {
    let network = Arc::new(Network::default());
    let volume = limited(&network);
    fill(&volume);
    let little = allowed(&limits()) / 2 + limits().max_total_bytes;
    assert_soon("the garbage is left", || network.blob_bytes() <= little);
    assert!(volume.stat(&file("a")).is_ok());
}

#[test]
fn the_count_is_right_across_clients_restarts_and_sweeps() {
    let network = Arc::new(Network::default());
    let is_right = || counted(&network) == Some(network.blob_bytes() - used(&network));
    let client = || open(FaultyStore::new(&network), unhurried(), None);
    for round in 0..6_u8 {
        let volume = client();
        let batch = [
            write("a", vec![round; 5_000 + usize::from(round)]),
            write("b", vec![round; 6_000]),
            append("log", vec![round; 4_500]),
        ];
        volume
            .commit(batch.into_iter().collect())
            .expect("committed");
        let renamed = Change::rename(file("a"), file("b"));
        client().commit(renamed.into()).expect("committed");
        assert_soon("the count is wrong", is_right);
    }
    let volume = client();
    volume
        .commit(Change::delete(file("log")).into())
        .expect("committed");
    assert_soon("the count is wrong", is_right);
    assert!(counted(&network) > Some(50_000));
    let swept = |volume: &ObjectVolume| -> Result<Swept> { volume.sweep(Duration::ZERO) };
    swept(&volume).expect("swept");
    assert_eq!(counted(&network), Some(0));
    assert!(is_right());
}

#[test]
fn what_a_client_sent_and_never_committed_is_counted_by_the_next_sweep() {
    let network = Arc::new(Network::default());
    let volume = open(FaultyStore::new(&network), unhurried(), None);
    volume
        .commit(write("a", vec![1; LONG]).into())
        .expect("committed");
    let store = network.store.clone();
    let stray = Path::from(format!("root/user/b/{}", uuid::Uuid::new_v4().simple()));
    let put = async move { store.put(&stray, vec![0; 7_000].into()).await.is_ok() };
    assert!(crate::runtime::wait(put).expect("a runtime"));
    assert_eq!(counted(&network), Some(0));
    volume.sweep(Duration::from_secs(3_600)).expect("swept");
    assert_eq!(counted(&network), Some(7_000));
}

/// A version that does not know the count leaves it out of HEAD.
#[test]
fn a_count_that_another_version_left_out_is_made_again() {
    let network = Arc::new(Network::default());
    let client = || open(FaultyStore::new(&network), unhurried(), None);
    client()
        .commit(write("a", vec![1; LONG]).into())
        .expect("committed");
    client()
        .commit(write("a", vec![2; LONG]).into())
        .expect("committed");
    assert_eq!(counted(&network), Some(LONG as u64));
    let mut head = head(&network);
    head.as_object_mut().expect("an object").remove("garbage");
    let (store, contents) = (network.store.clone(), head.to_string());
    let put = async move { store.put(&head_key(), contents.into()).await.is_ok() };
    assert!(crate::runtime::wait(put).expect("a runtime"));
    client()
        .commit(write("a", vec![3; LONG]).into())
        .expect("committed");
    assert_eq!(counted(&network), Some(2 * LONG as u64));
    assert_eq!(read(&client(), "a"), vec![3; LONG]);
}

/// What no HEAD has ever used is not garbage, and is removed at once.
#[test]
fn what_a_batch_itself_replaces_is_not_left_in_the_store() {
    let network = Arc::new(Network::default());
    let volume = open(FaultyStore::new(&network), unhurried(), None);
    let refused = || Precondition::Version(Version::of(b"never written"));
    for round in 0..20_u8 {
        let deleted: Batch = [write("a", vec![round; LONG]), Change::delete(file("a"))]
            .into_iter()
            .collect();
        volume.commit(deleted).expect("committed");
        let twice: Batch = [write("b", vec![round; LONG]), write("b", "short")]
            .into_iter()
            .collect();
        volume.commit(twice).expect("committed");
        let stale = write("b", vec![round; LONG]).only_if(refused());
        assert!(volume.commit(stale.into()).is_err());
        let there: Batch = [
            write("c", vec![9; LONG]),
            Change::delete(file("c")),
            write("c", vec![9; LONG]),
        ]
        .into_iter()
        .collect();
        volume.commit(there).expect("committed");
        assert_eq!(read(&volume, "c"), vec![9; LONG]);
    }
    let is_right = || counted(&network) == Some(network.blob_bytes() - used(&network));
    assert_soon("something is left", is_right);
    assert_eq!(read(&volume, "c"), vec![9; LONG]);
}
