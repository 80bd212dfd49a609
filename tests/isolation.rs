//! No ability reads, lists or changes what another has, whatever its id is and
//! whatever it asks for.

use ability_storage::{FilePath, LocalRoot, Root, Scope, StorageCtx, Volume, VolumeId};
use ability_storage_object_store::ObjectRoot;
use end_to_end::command::names;
use end_to_end::corpus;
use end_to_end::embedding::{PROBE, VARIANTS, Variant};
use std::path::Path;
use std::{fs, thread};

/// The storage of an ability under a root: its own, and what all share.
fn ctx(root: &Path, id: &str) -> StorageCtx {
    ctx_of(&LocalRoot::open_or_create(root).expect("opened"), id)
}

fn ctx_of(root: &dyn Root, id: &str) -> StorageCtx {
    StorageCtx::builder()
        .volume(Scope::Ability, root.ability(id).expect(id))
        .volume(Scope::User, root.user().expect("opened"))
        .build()
}

/// The same in an object store.
fn ctx_in_store(root: &ObjectRoot, id: &str) -> StorageCtx {
    ctx_of(root, id)
}

fn store() -> ObjectRoot {
    ObjectRoot::open("memory:///root").expect("opened")
}

/// What an ability says of its own files, by every function that tells of files.
/// Paths are the same for all.
fn operations(id: &str) -> Vec<Vec<&str>> {
    vec![
        vec!["write", "same", id],
        vec!["append", "log", id],
        vec!["stream-write", id, "3"],
        vec!["batch", "write", "d/one", id, "write", "d/two", id],
        vec!["rename", "d/two", "d/three"],
        vec!["read", "same"],
        vec!["read", "log"],
        vec!["read", "d/three"],
        vec!["exists", "d/two"],
        vec!["list", ""],
        vec!["list", "d"],
        vec!["delete", "d/one"],
        vec!["delete", "log"],
        vec!["list", ""],
    ]
}

const IDS: [&str; 5] = ["one", "two", "One", "user", "abilities"];

#[test]
fn abilities_at_the_same_paths_do_not_see_each_other() {
    for variant in VARIANTS {
        let directory = tempfile::tempdir().expect("temporary directory");
        let root = directory.path();
        use_the_same_paths(variant, &|id| ctx(root, id));
        for id in IDS {
            let same = fs::read_to_string(root.join("abilities").join(id).join("same"));
            assert_eq!(same.expect("written"), id);
        }
        assert_eq!(names(&root.join("user")), [".ability-storage"]);
    }
}

#[test]
fn abilities_in_an_object_store_do_not_see_each_other() {
    for variant in VARIANTS {
        let root = store();
        use_the_same_paths(variant, &|id| ctx_in_store(&root, id));
        let user = root.user().expect("opened");
        assert_eq!(user.list(None).expect("listed"), []);
    }
}

/// Several abilities at once.
fn use_the_same_paths(variant: Variant, ctx: &(dyn Fn(&str) -> StorageCtx + Sync)) {
    thread::scope(|scope| {
        for id in IDS {
            scope.spawn(move || {
                for _ in 0..3 {
                    let answers = PROBE.answers(variant, ctx(id), operations(id));
                    let expected = [
                        format!("ok {id}"),
                        format!("ok {id}"),
                        format!("ok {id}"),
                        "ok false".to_owned(),
                    ];
                    assert_eq!(answers[5..9], expected, "{id}");
                    let mut all = ["d/one", "d/three", "log", "same", id];
                    all.sort_unstable();
                    assert_eq!(answers[9], format!("ok {}", all.join("\t")));
                    assert_eq!(answers[10], "ok d/one\td/three");
                    let mut left = ["d/three", "same", id];
                    left.sort_unstable();
                    assert_eq!(answers[13], format!("ok {}", left.join("\t")));
                }
            });
        }
    });
}

#[test]
fn no_path_leads_to_another_ability_or_to_what_all_share() {
    for variant in VARIANTS {
        let directory = tempfile::tempdir().expect("temporary directory");
        let root = directory.path();
        let absolute = root.join("abilities/other/secret");
        let absolute = absolute.to_str().expect("text");
        look_for_secrets(variant, absolute, &|id| ctx(root, id));
    }
}

#[test]
fn no_path_leads_to_another_volume_of_an_object_store() {
    for variant in VARIANTS {
        let root = store();
        let absolute = "/root/abilities/other/HEAD";
        look_for_secrets(variant, absolute, &|id| ctx_in_store(&root, id));
    }
}

/// `absolute` is where others would see the secret of one of them.
fn look_for_secrets(variant: Variant, absolute: &str, ctx: &dyn Fn(&str) -> StorageCtx) {
    let secret = [["write", "secret", "of another"], ["append", "log", "x"]];
    PROBE.answers(variant, ctx("other"), secret);
    PROBE.answers(
        variant,
        ctx("mine"),
        [["write", "secret", "shared", "--user"]],
    );
    for path in [
        "secret",
        "other/secret",
        "abilities/other/secret",
        "user/secret",
        "../other/secret",
        "../../user/secret",
        "../../abilities/other/secret",
        "mine/../../other/secret",
        "./../other/secret",
        "..\\other\\secret",
        "../other/HEAD",
        absolute,
    ] {
        let operations: [&[&str]; 8] = [
            &["read", path],
            &["stat", path],
            &["list", path],
            &["stream-read", path],
            &["rename", path, "stolen"],
            &["delete", path],
            &["batch", "rename", path, "stolen"],
            &["batch", "delete", path],
        ];
        for answer in PROBE.answers(variant, ctx("mine"), operations) {
            // What is not there can be deleted, and has nothing under it.
            let is_nothing = answer.starts_with("err not-found")
                || answer.starts_with("err invalid-path")
                || ["ok", "ok none"].contains(&answer.as_str());
            assert!(is_nothing, "{path}: {answer}");
        }
    }
    let left = PROBE.answers(variant, ctx("mine"), [["list", ""]]);
    assert_eq!(left, ["ok"]);
    let theirs = PROBE.answers(variant, ctx("other"), [["read", "secret"], ["list", ""]]);
    assert_eq!(theirs, ["ok of another", "ok log\tsecret"]);
    let shared = PROBE.answers(
        variant,
        ctx("other"),
        [["read", "secret", "--user"], ["list", "", "--user"]],
    );
    assert_eq!(shared, ["ok shared", "ok secret"]);
}

/// Each path of the corpus as an id: it is refused, or has a directory to itself,
/// with exactly its name.
#[test]
fn an_id_that_is_hostile_is_refused_or_has_a_directory_to_itself() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let top = directory.path().join("root");
    let root = LocalRoot::open_or_create(&top).expect("created");
    let mut ids = Vec::new();
    for hostile in corpus::paths(&directory.path().join("secret")) {
        let id = hostile.path;
        let is_id = !hostile.is_refused && !id.contains('/');
        match root.ability(&id) {
            Ok(_) if is_id => ids.push(id),
            Ok(_) => panic!("{id:?} is the id of an ability"),
            Err(error) => assert!(!is_id, "{id:?}: {error}"),
        }
    }
    ids.sort();
    assert_eq!(names(&top.join("abilities")), ids);
    assert_eq!(names(&top), ["abilities"]);
    assert_eq!(names(directory.path()), ["root"]);

    // Also those that look alike: none finds what another wrote.
    let alike = [
        "readme",
        "README",
        "caf\u{e9}",
        "cafe\u{301}",
        "file",
        "\u{fb01}le",
    ];
    for id in alike {
        assert!(ids.contains(&id.to_owned()), "{id}");
        let operations = [["list", ""].as_slice(), &["write", "who", id]];
        let answers = PROBE.answers(Variant::Synchronous, ctx(&top, id), operations);
        assert_eq!(answers, ["ok", "ok"]);
    }
    for id in alike {
        let answers = PROBE.answers(Variant::Synchronous, ctx(&top, id), [["read", "who"]]);
        assert_eq!(answers, [format!("ok {id}")]);
    }
}

/// The same in an object store: each id that is one has a volume to itself, and is
/// found again under exactly its name.
#[test]
fn an_id_that_is_hostile_has_a_volume_of_a_store_to_itself() {
    let root = store();
    let corpus = corpus::paths(Path::new("/srv/secret")).into_iter();
    let mut ids: Vec<VolumeId> = corpus
        .filter_map(|hostile| VolumeId::ability(&hostile.path).ok())
        .collect();
    assert!(ids.len() > 10, "{ids:?}");
    for id in &ids {
        let name = id.to_string();
        let operations = [["list", ""].as_slice(), &["write", "who", &name]];
        let ctx = || {
            let volume = root.volume(id).expect("opened");
            let ctx = StorageCtx::builder().volume(Scope::Ability, volume);
            ctx.build()
        };
        let answers = PROBE.answers(Variant::Synchronous, ctx(), operations);
        assert_eq!(answers, ["ok", "ok"], "{name}");
    }
    for id in &ids {
        let path = FilePath::new("who").expect("valid");
        let who = root.open_volume(id).read(&path, 1 << 20).expect("written");
        assert_eq!(who.contents(), id.to_string().into_bytes());
    }
    ids.sort();
    let mut found = root.list().expect("listed");
    found.sort();
    assert_eq!(found, ids);
}
