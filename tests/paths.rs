//! Paths that were made to lead out of the volume, or into the part of it that is
//! the engine's own: those in `corpus/paths.txt`, and millions of others that a
//! guest makes of them.
//!
//! `ABILITY_STORAGE_CASES=<number>` tries so many for each seed,
//! `ABILITY_STORAGE_SEED=<seed>` only those of one seed, which a failure names.

use ability_storage::{Limits, Scope, StorageCtx};
use end_to_end::corpus;
use end_to_end::embedding::{HOSTILE, PROBE, VARIANTS, Variant};
use end_to_end::stores;
use end_to_end::surroundings::Surroundings;
use std::collections::BTreeMap;
use std::env;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::thread;

/// Two of them are always the same, so that a failure of one of these is no news of
/// another.
const FIXED_SEEDS: [u64; 2] = [1, 2];

/// Of which each seed has so many paths, unless somebody asks for more.
const CASES: u64 = 700_000;

#[test]
fn hostile_paths_are_refused_by_every_function() {
    for variant in VARIANTS {
        let place = Surroundings::set_up();
        let paths = corpus::paths(&place.secret()).into_iter();
        let refused: Vec<_> = paths.filter(|path| path.is_refused).collect();
        let operations: Vec<Vec<&str>> = refused
            .iter()
            .flat_map(|path| every_function(&path.path))
            .collect();
        let answers = PROBE.answers(variant, place.ctx(&place.open()), &operations);
        assert_eq!(answers.len(), operations.len());
        let host = place.secret();
        let host = host.parent().and_then(|path| path.to_str()).expect("text");
        for (operation, answer) in operations.iter().zip(&answers) {
            assert!(
                answer.starts_with("err invalid-path"),
                "{operation:?}: {answer}"
            );
            let is_told = answer.contains(host) && !operation.concat().contains(host);
            assert!(!is_told, "{operation:?} tells a path of the host: {answer}");
        }
        assert_eq!(place.files(), BTreeMap::new());
        place.check();
    }
}

#[test]
fn paths_are_the_same_on_an_object_store() {
    let nowhere = Path::new("/srv/secret");
    let (refused, others): (Vec<_>, Vec<_>) = corpus::paths(nowhere)
        .into_iter()
        .partition(|path| path.is_refused);
    for variant in VARIANTS {
        let volume = stores::fresh(Limits::default());
        let ctx = || {
            StorageCtx::builder()
                .volume(Scope::Ability, volume.clone())
                .build()
        };
        let operations: Vec<Vec<&str>> = refused
            .iter()
            .flat_map(|path| every_function(&path.path))
            .collect();
        let answers = PROBE.answers(variant, ctx(), &operations);
        for (operation, answer) in operations.iter().zip(&answers) {
            assert!(
                answer.starts_with("err invalid-path"),
                "{operation:?}: {answer}"
            );
        }
        assert_eq!(volume.list(None).expect("listed"), []);

        let others = others.iter().map(|path| path.path.as_str());
        let write = others.clone().map(|path| vec!["write", path, path]);
        let read = others.clone().map(|path| vec!["read", path]);
        let answers = PROBE.answers(variant, ctx(), write.chain(read));
        let written = others.clone().map(|_| "ok".to_owned());
        let expected = written.chain(others.clone().map(|path| format!("ok {path}")));
        assert_eq!(answers, expected.collect::<Vec<_>>());
        let listed = volume.list(None).expect("listed");
        let mut expected: Vec<&str> = others.collect();
        expected.sort_unstable();
        let listed: Vec<&str> = listed.iter().map(|path| path.as_str()).collect();
        assert_eq!(listed, expected);
    }
}

fn every_function(path: &str) -> Vec<Vec<&str>> {
    let mut operations = vec![
        vec!["exists", path],
        vec!["read", path],
        vec!["read-versioned", path],
        vec!["stat", path],
        vec!["write", path, "stolen"],
        vec!["write-if", path, "stolen", "any"],
        vec!["append", path, "stolen"],
        vec!["rename", path, "here"],
        vec!["rename", "here", path],
        vec!["delete", path],
        vec!["stream-write", path, "1"],
        vec!["stream-read", path],
        vec!["batch", "write", "here", "", "write", path, ""],
        vec!["batch", "append", path, ""],
        vec!["batch", "rename", "here", path],
        vec!["batch", "delete", path],
    ];
    // The whole volume, and a directory with a slash at its end, can be listed.
    if !path.is_empty() && !path.ends_with('/') {
        operations.push(vec!["list", path]);
    }
    operations
}

#[test]
fn a_slash_at_the_end_is_the_only_freedom_of_a_list() {
    for variant in VARIANTS {
        let place = Surroundings::set_up();
        let refused = [
            "/",
            "//",
            "a//",
            "../",
            ".ability-storage/",
            "a/../",
            "nul/",
        ];
        let operations = refused.map(|path| ["list", path]);
        let answers = PROBE.answers(variant, place.ctx(&place.open()), operations);
        for (path, answer) in refused.iter().zip(&answers) {
            assert!(answer.starts_with("err invalid-path"), "{path}: {answer}");
        }
        let answers = PROBE.answers(
            variant,
            place.ctx(&place.open()),
            [["list", ""], ["list", "a/"]],
        );
        assert_eq!(answers, ["ok", "ok"]);
    }
}

#[test]
fn all_other_paths_are_plain_files_exactly_where_they_say() {
    for variant in VARIANTS {
        let place = Surroundings::set_up();
        let paths = corpus::paths(&place.secret()).into_iter();
        let paths: Vec<String> = paths.filter(|p| !p.is_refused).map(|p| p.path).collect();
        let write = paths.iter().map(|path| vec!["write", path, path]);
        let read = paths.iter().map(|path| vec!["read", path]);
        let operations: Vec<_> = write.chain(read).collect();
        let answers = PROBE.answers(variant, place.ctx(&place.open()), &operations);
        for (operation, answer) in operations.iter().zip(&answers) {
            assert!(answer.starts_with("ok"), "{operation:?}: {answer}");
        }
        let expected = paths.into_iter().map(|path| (path.clone(), path));
        assert_eq!(place.files(), expected.collect());
        place.check();
    }
}

#[test]
fn millions_of_paths_lead_nowhere_else() {
    let asked_for = |name| env::var(name).ok()?.parse::<u64>().ok();
    let cases = asked_for("ABILITY_STORAGE_CASES").unwrap_or(CASES);
    let seeds = match asked_for("ABILITY_STORAGE_SEED") {
        Some(seed) => vec![seed],
        None => {
            let fresh = RandomState::new().hash_one("a fresh seed");
            FIXED_SEEDS.into_iter().chain([fresh]).collect()
        }
    };
    thread::scope(|scope| {
        for seed in seeds {
            scope.spawn(move || try_paths(Variant::Synchronous, seed, cases));
        }
        // The same words arrive by another way, which is slower.
        scope.spawn(|| try_paths(Variant::Asynchronous, 3, CASES / 100));
    });
}

fn try_paths(variant: Variant, seed: u64, cases: u64) {
    let place = Surroundings::set_up();
    let corpus: String = corpus::paths(&place.secret())
        .iter()
        // Copying them a million times would tell nothing more.
        .filter(|hostile| hostile.path.len() < 10_000)
        .map(|hostile| hex(&hostile.path) + "\n")
        .collect();
    let args = ["paths", &seed.to_string(), &cases.to_string()];
    let run = HOSTILE.run(variant, place.ctx(&place.open()), &args, &corpus);
    let ended = run.result.expect("no trap");
    let told = run.stdout.lines().last().unwrap_or_default();
    assert_eq!(ended, 0, "{told}\nABILITY_STORAGE_SEED={seed} repeats this");

    let expected: BTreeMap<String, String> = run
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("file "))
        .map(|file| file.split_once(' ').expect("a path and contents"))
        .map(|(path, contents)| (from_hex(path), from_hex(contents)))
        .collect();
    assert_eq!(place.files(), expected, "ABILITY_STORAGE_SEED={seed}");
    place.check();
    // Else the paths were not of both kinds, and little was tried.
    let numbers: Vec<u64> = told
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    let [tried, refused, changes] = *numbers else {
        panic!("{told}");
    };
    assert_eq!(tried, cases);
    let both = refused > tried / 4 && tried - refused > tried / 10;
    assert!(both && changes > tried / 10_000, "{told}");
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> String {
    let bytes = (0..text.len()).step_by(2).map(|at| {
        let digits = text.get(at..at + 2).expect("two digits");
        u8::from_str_radix(digits, 16).expect("hexadecimal")
    });
    String::from_utf8(bytes.collect()).expect("text")
}
