//! Components that were cut off, or changed at random. Each is refused when it is
//! loaded, or it is a guest like any other: within its limits, and its volume.
//!
//! `ABILITY_STORAGE_CASES=<number>` tries so many changes, `ABILITY_STORAGE_SEED=<seed>`
//! others.

use end_to_end::surroundings::Surroundings;
use end_to_end::untrusted::HOST;
use std::env;
use std::time::Duration;

const SEED: u64 = 1;
const CASES: u64 = 3_000;

/// For those that became endless. Nothing depends on how far they get.
const SHORT: Duration = Duration::from_millis(50);

/// Small, so that much of it matters, and with a bit of everything: imports, types,
/// a memory, a table, data, and calls of the host.
pub(crate) const COMPONENT: &str = r#"(component
    (import "ability:storage/storage@0.1.0" (instance $storage
        (type $scope' (enum "ability" "user"))
        (export "scope" (type $scope (eq $scope')))
        (type $error' (variant
            (case "not-found") (case "conflict" (option string)) (case "invalid-path" string)
            (case "too-large" u64) (case "quota-exceeded" string) (case "no-space")
            (case "read-only") (case "unavailable" string) (case "unconfirmed" string)
            (case "other" string)))
        (export "error" (type $error (eq $error')))
        (export "atomic-write" (func (param "path" string) (param "contents" (list u8))
            (param "scope" $scope) (result (result (error $error)))))))
    (core module $libc
        (memory (export "memory") 2 4)
        (global $next (mut i32) (i32.const 65536))
        (data (i32.const 0) "notes/a")
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
            (local.set 0 (global.get $next))
            (global.set $next (i32.add (global.get $next) (local.get 3)))
            (local.get 0)))
    (core instance $libc (instantiate $libc))
    (core func $write (canon lower (func $storage "atomic-write")
        (memory $libc "memory") (realloc (func $libc "realloc"))))
    (core module $main
        (import "libc" "memory" (memory 2))
        (import "host" "write" (func $write (param i32 i32 i32 i32 i32 i32)))
        (table 1 funcref)
        (elem (i32.const 0) $twice)
        (type $number (func (param i32) (result i32)))
        (func $twice (param i32) (result i32) (i32.shl (local.get 0) (i32.const 1)))
        (func (export "attack") (param i32)
            (call $write (i32.const 0) (i32.const 7)
                (i32.const 0) (call_indirect (type $number) (i32.const 3) (i32.const 0))
                (i32.const 0) (i32.const 4096))
            (if (i32.load8_u (i32.const 4096)) (then unreachable))))
    (core instance $main (instantiate $main (with "libc" (instance $libc))
        (with "host" (instance (export "write" (func $write))))))
    (func (export "attack") (param "number" u32) (canon lift (core func $main "attack"))))"#;

/// How many of the components that were tried could be loaded, and of those, ended
/// well.
#[derive(Debug, Default)]
struct Seen {
    loaded: u64,
    ended_well: u64,
}

/// Loads each, and runs it if that is possible, while another guest is served.
fn try_all(mutants: impl Iterator<Item = Vec<u8>>) -> Seen {
    let place = Surroundings::set_up();
    let volume = place.open();
    let mut seen = Seen::default();
    HOST.serves_others_during(async {
        for mutant in mutants {
            let Ok(component) = HOST.load(&mutant) else {
                continue;
            };
            seen.loaded += 1;
            let attack = HOST.attack(&component, 0, place.ctx(&volume));
            let end = tokio::time::timeout(SHORT, attack).await;
            seen.ended_well += u64::from(matches!(end, Ok(Ok(()))));
        }
    });
    drop(volume);
    place.wait_until_closed();
    place.check();
    seen
}

fn bytes() -> Vec<u8> {
    wat::parse_str(COMPONENT).expect("a component")
}

#[test]
fn whole_it_does_what_it_is_meant_to() {
    HOST.load(&bytes()).expect("a component");
    let seen = try_all([bytes()].into_iter());
    assert_eq!((seen.loaded, seen.ended_well), (1, 1));
}

#[test]
fn cut_off_anywhere() {
    let bytes = bytes();
    let seen = try_all((0..bytes.len()).map(|end| bytes[..end].to_vec()));
    // Between two sections it is whole, but has no function to call; except before
    // the last one, which only says what things are called.
    assert!(seen.loaded < 20 && seen.ended_well <= 1, "{seen:?}");
}

#[test]
fn changed_at_random() {
    let asked_for = |name| env::var(name).ok()?.parse::<u64>().ok();
    let cases = asked_for("ABILITY_STORAGE_CASES").unwrap_or(CASES);
    let mut random = Random(asked_for("ABILITY_STORAGE_SEED").unwrap_or(SEED));
    let bytes = bytes();
    let seen = try_all((0..cases).map(|_| {
        let mut mutant = bytes.clone();
        for _ in 0..1 + random.below(3) {
            mutate(&mut mutant, &mut random);
        }
        mutant
    }));
    // Else nearly all were refused at once, and nothing was tried.
    let some_of_each = seen.loaded > cases / 50 && seen.ended_well < seen.loaded;
    assert!(some_of_each, "{seen:?}");
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    // What comes first says only that it is a component at all.
    let at = 8 + random.below(bytes.len() - 8);
    let end = (at + 1 + random.below(8)).min(bytes.len());
    match random.below(8) {
        0 => bytes[at] = random.next() as u8,
        1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff, 0x40][random.below(6)],
        2 => drop(bytes.drain(at..end)),
        3 => {
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        4 => {
            let other = 8 + random.below(bytes.len() - 8);
            bytes.swap(at, other);
        }
        5 => bytes[at] = bytes[at].wrapping_add(1),
        6 => bytes[at] = bytes[at].wrapping_sub(1),
        _ => bytes[at] ^= 1 << random.below(8),
    }
}

/// SplitMix64, as in the guest `hostile`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}
