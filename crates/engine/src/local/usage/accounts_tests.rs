//! What the accounts allow, refuse and remember while counts and commits go on.

use super::super::ledger::COUNT_AGE;
use super::*;
use crate::local::durability::Durability;
use crate::local::log::{LogReader, Sizes};
use crate::local::sim::{SimDirectory, SimDisk};
use crate::local::testing::{file, open, write};
use crate::local::tree::Tree;

fn usage(files: u64, bytes: u64) -> Usage {
    Usage { files, bytes }
}

fn grow(old: Option<u64>, new: Option<u64>) -> Growth {
    let mut growth = Growth::default();
    growth.replace(old, new);
    growth
}

/// Accounts of a volume with a file of 10 bytes on the disk.
struct World {
    disk: SimDisk,
    tree: Arc<Tree<SimDirectory>>,
    log: Arc<LogReader<SimDirectory>>,
    accounts: Arc<Accounts>,
    limits: Limits,
}

impl World {
    fn new(limits: Limits) -> Self {
        let disk = SimDisk::new();
        let volume = open(&disk).expect("opened");
        volume
            .commit(write("there", &[0; 10]).into())
            .expect("made");
        drop(volume);
        let root = Arc::new(disk.start().0);
        let tree = Arc::new(Tree::new(root.clone(), Durability::Full));
        let log = Arc::new(LogReader::new(tree.clone(), root, Sizes::default()));
        let accounts = Arc::default();
        Self {
            disk,
            tree,
            log,
            accounts,
            limits,
        }
    }

    fn inventory(&self) -> Inventory<'_, SimDirectory> {
        Inventory {
            tree: &self.tree,
            log: &self.log,
        }
    }

    fn reserve(&self, growth: Growth) -> Result<Reservation<'_>> {
        let path = file("x");
        self.accounts
            .reserve(&self.inventory(), &self.limits, &path, growth)
    }

    /// As if the last count had been a while ago.
    fn is_old(&self) {
        if let Some(counted) = &mut self.accounts.ledger().counted {
            counted.ended -= COUNT_AGE * 2;
        }
    }

    fn range(&self) -> (Usage, Usage) {
        let counted = self.accounts.ledger().counted.expect("counted");
        (counted.low, counted.high)
    }
}

/// As if the last count had taken long, and long ago.
fn is_slow(accounts: &Accounts) {
    if let Some(counted) = &mut accounts.ledger().counted {
        counted.took = SHORT_COUNT * 2;
        counted.ended -= COUNT_AGE * 2;
    }
}

fn wait_for_the_count(accounts: &Accounts) {
    while accounts.ledger().counting.is_some() {
        std::thread::yield_now();
    }
}

#[test]
fn a_long_count_is_made_aside_and_corrects_the_number() {
    let disk = SimDisk::new();
    let (volume, other) = (open(&disk).expect("opened"), open(&disk).expect("opened"));
    let commit = |volume: &crate::local::Local<_>, path: &str| {
        volume.commit(write(path, b"1234").into()).expect("made");
    };
    commit(&volume, "a");
    commit(&other, "b");
    is_slow(&volume.accounts);
    commit(&volume, "c");
    wait_for_the_count(&volume.accounts);
    let found = volume.usage().expect("known");
    assert!(found == usage(3, 12) || found == usage(4, 16), "{found:?}");
    is_slow(&volume.accounts);
    volume.usage().expect("known");
    wait_for_the_count(&volume.accounts);
    assert_eq!(volume.usage().expect("known"), usage(3, 12));
}

#[test]
fn open_reservations_survive_a_recount() {
    let world = World::new(Limits::default().max_total_bytes(100));
    let first = world.reserve(grow(None, Some(60))).expect("room");
    for _ in 0..3 {
        world.is_old();
        assert!(world.reserve(grow(None, Some(60))).is_err());
    }
    assert_eq!(world.range(), (usage(1, 10), usage(1, 10)));
    drop(world.reserve(grow(None, Some(30))).expect("room"));
    drop(first);
    assert_eq!(world.range(), (usage(1, 10), usage(1, 10)));
    world
        .reserve(grow(None, Some(90)))
        .expect("room again")
        .keep();
    assert_eq!(world.range(), (usage(2, 100), usage(2, 100)));
}

#[test]
fn what_a_reservation_is_going_to_remove_makes_no_room_yet() {
    let world = World::new(Limits::default().max_total_bytes(100));
    let delete = world.reserve(grow(Some(10), None)).expect("always allowed");
    assert!(world.reserve(grow(None, Some(91))).is_err());
    delete.keep();
    world
        .reserve(grow(None, Some(100)))
        .expect("room at once")
        .keep();
}

#[test]
fn a_commit_that_a_count_may_have_seen_or_not_widens_the_range() {
    let world = World::new(Limits::default().max_total_bytes(100));
    let before = world.reserve(grow(None, Some(20))).expect("room");
    let mut counting = world.accounts.begin_count(&mut world.accounts.ledger());
    world.reserve(grow(None, Some(5))).expect("room").keep();
    world.reserve(grow(Some(10), None)).expect("room").keep();
    drop(world.reserve(grow(None, Some(50))).expect("room"));
    counting.found = Some(usage(1, 10));
    drop(counting);
    assert_eq!(world.range(), (usage(0, 0), usage(2, 15)));
    before.keep();
    assert_eq!(world.range(), (usage(0, 0), usage(3, 35)));
    // In doubt, it is counted again, as soon as others are not slowed much by that.
    if let Some(counted) = &mut world.accounts.ledger().counted {
        counted.took = Duration::from_millis(20);
    }
    world.reserve(grow(None, Some(90))).expect("true").keep();
    assert_eq!(world.range(), (usage(2, 100), usage(2, 100)));
}

#[test]
fn a_count_that_began_earlier_and_leaves_doubt_is_not_the_last() {
    let world = World::new(Limits::default().max_total_bytes(100));
    drop(world.reserve(grow(None, Some(1))).expect("room"));
    let mut counting = world.accounts.begin_count(&mut world.accounts.ledger());
    world.reserve(grow(None, Some(80))).expect("room").keep();
    world.reserve(grow(Some(80), None)).expect("room").keep();
    counting.found = Some(usage(1, 10));
    // As the count before would have left it.
    if let Some(counted) = &mut world.accounts.ledger().counted {
        counted.high = usage(2, 90);
    }
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(20));
            drop(counting);
        });
        world.reserve(grow(None, Some(90))).expect("true").keep();
    });
    assert_eq!(world.range(), (usage(2, 100), usage(2, 100)));
}

#[test]
fn neighbours_go_on_while_a_refusal_is_checked() {
    let world = Arc::new(World::new(Limits::default().max_total_bytes(100)));
    drop(world.reserve(grow(None, Some(1))).expect("room"));
    world.is_old();
    let neighbour = world.clone();
    world.disk.interrupt_at(1, move || {
        neighbour.reserve(grow(None, Some(1))).expect("room").keep();
    });
    assert!(world.reserve(grow(None, Some(95))).is_err());
    assert!(!world.disk.is_to_be_interrupted());
}

#[test]
fn refusals_count_once_a_second_at_most() {
    let world = World::new(Limits::default().max_total_bytes(100));
    assert!(world.reserve(grow(None, Some(95))).is_err());
    let counts = world.accounts.ledger().counts;
    for _ in 0..100 {
        // Unless this machine stood still for a second.
        assert!(world.reserve(grow(None, Some(95))).is_err());
    }
    assert!(world.accounts.ledger().counts <= counts + 1);
    world.is_old();
    assert!(world.reserve(grow(None, Some(95))).is_err());
    assert!(world.accounts.ledger().counts > counts);
}

#[test]
fn a_count_that_fails_is_an_error_and_the_next_works() {
    use crate::local::sim::Fault;
    let world = World::new(Limits::default());
    world.disk.fail_at(0, Fault::Error(io::ErrorKind::Other));
    assert!(world.reserve(grow(None, Some(1))).is_err());
    world.disk.heal();
    world.reserve(grow(None, Some(1))).expect("counted").keep();
    assert_eq!(world.range(), (usage(2, 11), usage(2, 11)));
}

#[test]
fn sums_of_lengths_stop_at_the_largest_number() {
    let world = World::new(Limits::default().max_total_bytes(u64::MAX));
    let mut growth = Growth::default();
    for _ in 0..3 {
        growth.replace(None, Some(i64::MAX as u64));
    }
    let first = world.reserve(growth).expect("no limit");
    let second = world.reserve(growth).expect("no limit");
    drop(first);
    assert!(world.accounts.ledger().reserved.bytes >= u128::from(u64::MAX));
    second.keep();
    assert_eq!(world.range().1, usage(4, u64::MAX));
    assert_eq!(world.accounts.ledger().reserved.bytes, 0);
}
