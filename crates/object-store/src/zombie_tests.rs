//! Requests that arrive long after their repetitions have succeeded: an upload of a blob,
//! and the removal of the same blob by a sweep.

use crate::change::{Prepared, prepare};
use crate::commits::Commits;
use crate::heads::Heads;
use crate::runtime;
use crate::space::Space;
use crate::store::Store;
use crate::testing::{Fault, FaultyStore, Network, file, open, read, unhurried, write};
use ability_storage_engine::{Batch, Limits, Result, Volume};
use object_store::path::Path;
use std::sync::Arc;
use std::time::Duration;

const MUCH_LATER: Fault = Fault::Late(1_000_000);

/// How many requests a sweep makes before it deletes the first blob: it reads HEAD twice
/// and reads and writes its notes, replaces HEAD by one that condemns, and reads it.
const BEFORE_DELETE: usize = 7;

/// A client whose commits can be stopped between upload and commit.
struct Slow {
    space: Space,
    heads: Arc<Heads>,
    commits: Arc<Commits>,
}

impl Slow {
    fn new(store: Arc<FaultyStore>) -> Self {
        let store = Arc::new(Store::new(store, unhurried()));
        let space = Space::new(store.clone(), Path::from("root/user"), None);
        let heads = Arc::new(Heads::new(store, space.head()));
        let commits = Commits::new(space.clone(), heads.clone(), Limits::default());
        Self {
            commits: Arc::new(commits),
            space,
            heads,
        }
    }

    /// Uploads what the batch brings.
    fn prepare(&self, batch: Batch) -> Prepared {
        let (space, heads) = (self.space.clone(), self.heads.clone());
        let prepared = runtime::wait(async move {
            let limits = Limits::default();
            prepare(&space, &heads, &limits, file("a"), batch).await
        });
        prepared.expect("a runtime").expect("uploaded")
    }

    fn commit(&self, prepared: Prepared) -> Result<()> {
        let commits = self.commits.clone();
        runtime::wait(async move { commits.commit(prepared).await }).expect("a runtime")
    }
}

/// Sweeps without any time of grace; one request that deletes arrives much later.
fn sweep(network: &Arc<Network>) {
    let store = FaultyStore::new(network);
    store.fail_at(BEFORE_DELETE, MUCH_LATER);
    let before = network.late();
    let volume = open(store, unhurried(), None);
    assert_eq!(volume.sweep(Duration::ZERO).expect("swept").removed, 1);
    assert_eq!(network.late(), before + 1, "a request to delete is late");
}

#[test]
fn an_upload_that_was_swept_and_arrives_again_is_not_used_under_its_name() {
    let network = Arc::new(Network::default());
    let volume = open(FaultyStore::new(&network), unhurried(), None);
    volume.commit(write("a", "1").into()).expect("committed");

    let store = FaultyStore::new(&network);
    let slow = Slow::new(store.clone());
    // Requests: HEAD, the blob.
    store.fail_at(1, MUCH_LATER);
    let contents = vec![7; 9_000];
    let prepared = slow.prepare(write("a", contents.clone()).into());
    assert_eq!(network.late(), 1, "a request to create is late");
    sweep(&network);
    network.settle_puts();
    slow.commit(prepared).expect("the blob is there");
    network.settle();
    assert_eq!(read(&volume, "a"), contents);
}

#[test]
fn a_blob_of_an_unchanged_write_that_was_swept_is_not_used_again() {
    let network = Arc::new(Network::default());
    let store = FaultyStore::new(&network);
    let slow = Slow::new(store.clone());
    store.fail_at(1, MUCH_LATER);
    let contents = vec![7; 9_000];
    let prepared = slow.prepare(write("a", contents.clone()).into());
    slow.commit(prepared).expect("committed");
    // It needs no upload, for the file holds the same.
    let unchanged = slow.prepare(write("a", contents.clone()).into());
    assert!(unchanged.uploaded.is_empty());

    let volume = open(FaultyStore::new(&network), unhurried(), None);
    volume.commit(write("a", "2").into()).expect("committed");
    sweep(&network);
    network.settle_puts();
    slow.commit(unchanged).expect("the blob is there");
    network.settle();
    assert_eq!(read(&volume, "a"), contents);
}

/// The usual case: the time of grace has spared the upload, and it costs one copy.
#[test]
fn an_upload_that_a_sweep_has_spared_is_committed_and_leaves_nothing() {
    let network = Arc::new(Network::default());
    let volume = open(FaultyStore::new(&network), unhurried(), None);
    volume
        .commit(write("b", vec![1; 9_000]).into())
        .expect("committed");
    volume.commit(write("b", "1").into()).expect("committed");
    let day = Duration::from_secs(86_400);
    assert_eq!(volume.sweep(day).expect("swept").waiting, 1);
    let slow = Slow::new(FaultyStore::new(&network));
    let prepared = slow.prepare(write("a", vec![7; 9_000]).into());
    std::thread::sleep(Duration::from_millis(60));
    let swept = volume.sweep(Duration::from_millis(50)).expect("swept");
    assert_eq!((swept.removed, swept.waiting), (1, 1));
    slow.commit(prepared).expect("committed");
    assert_eq!(read(&volume, "a"), vec![7; 9_000]);
    let blobs = || {
        let keys = network.keys().into_iter();
        keys.filter(|key| key.contains("/b/")).count()
    };
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while blobs() > 1 {
        assert!(std::time::Instant::now() < end, "its first name is left");
        std::thread::sleep(Duration::from_millis(1));
    }
}
