//! The command on a provider of object stores, or on what stands in for one: see
//! `end_to_end::provider`.

use end_to_end::command::Ability;
use end_to_end::guests;
use end_to_end::provider::Place;
use std::fs;

fn call(ability: &Ability, words: &[&str]) -> String {
    let ended = ability.call(words);
    assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
    ended.stdout
}

#[test]
fn a_guest_runs_there_and_its_files_come_and_go() {
    let Some(place) = Place::new() else { return };
    let ability = Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"));
    let counter = guests::path("counter");
    let counter = counter.to_str().expect("text");
    for expected in ["1\n", "2\n", "3\n"] {
        let words = ["run", counter, "--root", place.url(), "--", "next"];
        assert_eq!(call(&ability, &words), expected);
    }

    call(&ability, &["copy", place.url(), "here"]);
    let file = ability
        .directory()
        .join("here/abilities/counter/counter.count");
    assert_eq!(fs::read_to_string(&file).expect("read"), "3");

    let long = ability.directory().join("here/user/long");
    fs::create_dir_all(long.parent().expect("a directory")).expect("created");
    for byte in [1, 2] {
        fs::write(&long, vec![byte; 9 << 20]).expect("written");
        call(&ability, &["copy", "here", place.url(), "--overwrite"]);
    }
    let words = ["gc", place.url(), "--grace", "0", "--json"];
    let told = call(&ability, &[&words[..], &["--dry-run"]].concat());
    assert!(
        told.contains(r#""removed":1,"removed_bytes":9437184"#),
        "{told}"
    );
    assert_eq!(call(&ability, &words), told.replace("true", "false"));

    call(&ability, &["copy", place.url(), "back"]);
    let back = ability.directory().join("back/user/long");
    assert!(fs::read(back).expect("read") == vec![2; 9 << 20]);
}
