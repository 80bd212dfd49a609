//! Abilities that were written for the old platform, as they are, in the real host:
//! what they say, and the files that they leave.

mod script;
mod stage;

use stage::Stage;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

macro_rules! conversations {
    ($($test:ident: $folder:literal),* $(,)?) => {
        $(#[test]
        fn $test() {
            converse($folder);
        })*

        const TRIED: &[&str] = &[$($folder),*];
    };
}

conversations! {
    ambient_markdown: "ambient-markdown",
    append_log: "append-log",
    appended_json: "appended-json",
    audit_chain: "old-audit-chain",
    collections: "collections",
    network: "network",
    old_style: "old-style",
    preferences: "preferences",
    shared: "shared",
}

#[test]
fn no_ability_is_left_out() {
    let names = end_to_end::command::names(&abilities()).into_iter();
    let folders: BTreeSet<_> = names
        .filter(|name| abilities().join(name).is_dir())
        .collect();
    assert_eq!(folders, TRIED.iter().map(|&name| name.to_owned()).collect());
}

fn abilities() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/abilities")
}

fn converse(name: &str) {
    let conversation = abilities().join(name).join("conversation.txt");
    let mut stage = Stage::new(name);
    stage.warm_up();
    for (line, step) in script::read(&conversation) {
        if let Err(found) = stage.perform(&step) {
            panic!("{name}/conversation.txt:{line}: {step:#?}\n{found}");
        }
    }
}
