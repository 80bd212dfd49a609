//! `ability copy` and `ability gc` between directories: what arrives, what is said, and
//! the exit codes.

use end_to_end::command::{Ability, Conversation, names, sessions_of};
use std::fs;
use std::path::Path;
use std::time::Duration;

fn ability() -> Ability {
    Ability::new(env!("CARGO_BIN_EXE_ability"), env!("CARGO_TARGET_TMPDIR"))
}

fn put(ability: &Ability, file: &str, contents: &[u8]) {
    let path = ability.directory().join(file);
    fs::create_dir_all(path.parent().expect("a directory")).expect("created");
    fs::write(path, contents).expect("written");
}

fn get(ability: &Ability, file: &str) -> Vec<u8> {
    fs::read(ability.directory().join(file)).expect(file)
}

fn contents(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + at / 251) as u8).collect()
}

#[test]
fn all_volumes_arrive_and_the_second_time_nothing_is_to_be_done() {
    let ability = ability();
    let files = [
        ("abilities/one/a.txt", 0),
        ("abilities/one/deep/er/b.bin", 5 << 20),
        ("abilities/two/c", 4 << 10),
        ("user/d", 100),
    ];
    for (file, length) in files {
        put(&ability, &format!("from/{file}"), &contents(length));
    }
    let ended = ability.call(&["copy", "from", "to"]);
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
    assert_eq!(
        ended.stdout,
        "abilities/one: copied 2 files (5.2 MB)\n\
         abilities/two: copied 1 file (4.1 KB)\n\
         user: copied 1 file (100 B)\n"
    );
    for (file, length) in files {
        assert!(
            get(&ability, &format!("to/{file}")) == contents(length),
            "{file}"
        );
    }
    assert_eq!(
        names(&ability.directory().join("to")),
        ["abilities", "user"]
    );
    // A volume that no session has ever written to is not changed by being read.
    assert_eq!(names(&ability.directory().join("from/user")), ["d"]);

    let ended = ability.call(&["copy", "from", "to", "--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for expected in [
        r#""complete":true"#,
        r#""same":{"bytes":5242880,"files":2}"#,
        r#""copied":{"bytes":0,"files":0}"#,
        r#""volume":"user""#,
    ] {
        assert!(ended.stdout.contains(expected), "{expected}: {ended:?}");
    }
}

#[test]
fn what_differs_is_named_and_replaced_only_when_asked_for() {
    let ability = ability();
    put(&ability, "from/user/a", b"ours");
    put(&ability, "from/user/b", b"new");
    put(&ability, "to/user/a", b"theirs");
    put(&ability, "to/user/c", b"alone");
    let ended = ability.call(&["copy", "from", "to"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("user: a is in TO with other contents"),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("--overwrite"), "{ended:?}");
    assert_eq!(get(&ability, "to/user/a"), b"theirs");
    assert_eq!(get(&ability, "to/user/b"), b"new");

    let ended = ability.call(&["copy", "from", "to", "--json"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains(r#""complete":false"#), "{ended:?}");
    assert!(ended.stdout.contains(r#""different":["a"]"#), "{ended:?}");
    assert!(ended.stdout.contains(r#""only_in_target":1"#), "{ended:?}");

    let ended = ability.call(&["copy", "from", "to", "--overwrite"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(get(&ability, "to/user/a"), b"ours");
    assert_eq!(get(&ability, "to/user/c"), b"alone");
}

#[test]
fn a_copy_that_is_killed_goes_on_when_it_is_run_again() {
    let ability = ability();
    for number in 0..6 {
        put(
            &ability,
            &format!("from/user/{number}"),
            &contents((8 << 20) + number),
        );
    }
    let mut kills = 0;
    for pause in 0..40 {
        let mut command = ability.command();
        command
            .current_dir(ability.directory())
            .args(["copy", "from", "to"]);
        let mut child = command.spawn().expect("started");
        std::thread::sleep(Duration::from_millis(30 + 10 * pause));
        child.kill().expect("killed");
        let killed = !child.wait().expect("gone").success();
        kills += usize::from(killed);
        for name in names(&ability.directory().join("to/user")) {
            if let Ok(number) = name.parse::<usize>() {
                let file = get(&ability, &format!("to/user/{name}"));
                assert!(file == contents((8 << 20) + number), "{name} is torn");
            }
        }
        if !killed {
            break;
        }
    }
    assert!(kills > 0);
    let ended = ability.call(&["copy", "from", "to"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for number in 0..6 {
        let file = get(&ability, &format!("to/user/{number}"));
        assert!(file == contents((8 << 20) + number), "{number}");
    }
    let left = sessions_of(&ability.directory().join("to/user"));
    assert_eq!(left, Vec::<String>::new());
}

/// The contents of a file as they are in the journal alone, if they are.
fn is_only_in_the_journal(volume: &Path, file: &str) -> bool {
    !volume.join(file).exists()
}

#[test]
fn what_is_only_in_a_journal_is_copied() {
    let ability = ability();
    let copy = |to: &str| {
        let ended = ability.call(&["copy", "root", to]);
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (Some(0), ""),
            "{ended:?}"
        );
        get(&ability, &format!("{to}/abilities/probe/a.txt"))
    };
    // Of a session that lives, and of one that was killed.
    let mut session = Conversation::begin(&ability, &["--journaled"]);
    assert_eq!(session.ask(&["write", "a.txt", "first"]), "ok");
    let was_in_journal = is_only_in_the_journal(&ability.volume("probe"), "a.txt");
    assert_eq!(copy("one"), b"first");
    assert_eq!(session.ask(&["write", "a.txt", "second"]), "ok");
    session.kill();
    assert_eq!(copy("two"), b"second");
    assert_eq!(ability.sessions("probe"), Vec::<String>::new());
    assert!(
        was_in_journal,
        "the journal was not used, so this has shown nothing"
    );
}

#[test]
fn a_root_that_is_not_there_is_not_made() {
    let ability = ability();
    for words in [["copy", "none", "to"].as_slice(), &["gc", "none"]] {
        let ended = ability.call(words);
        assert_eq!(ended.code, Some(125), "{ended:?}");
        assert!(
            ended.stderr.contains("none could not be opened"),
            "{ended:?}"
        );
    }
    assert!(!ability.directory().join("none").exists());
}

#[test]
fn a_root_without_volumes_is_no_success() {
    let ability = ability();
    std::fs::create_dir(ability.directory().join("from")).expect("created");
    for expected in ["there are no volumes in from", "notes.txt was left out"] {
        let ended = ability.call(&["copy", "from", "to"]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains(expected), "{ended:?}");
        put(&ability, "from/notes.txt", b"not in a volume");
    }
}

#[test]
fn a_volume_in_the_place_of_a_root_is_told_from_one() {
    let ability = ability();
    put(&ability, "root/user/.ability-storage/README", b"");
    let ended = ability.call(&["copy", "root/user", "to"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("it is a volume itself"), "{ended:?}");
}

#[test]
#[cfg(unix)]
fn a_name_does_nothing_to_the_terminal() {
    let ability = ability();
    put(&ability, "from/user/\u{1b}]0;gone\u{7}.md", b"left out");
    let ended = ability.call(&["copy", "from", "to"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("\\u{1b}]0;gone"), "{ended:?}");
    let is_harmless = |letter: char| letter == '\n' || !letter.is_control();
    assert!(ended.stderr.chars().all(is_harmless), "{ended:?}");
}

#[test]
fn what_is_left_out_is_named_and_no_success() {
    let ability = ability();
    put(&ability, "from/user/fine.md", b"copied");
    put(&ability, "from/user/notes: today.md", b"not copied");
    let ended = ability.call(&["copy", "from", "to"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let expected = "ability: user/notes: today.md was left out: no file may be named so: ";
    assert!(ended.stderr.starts_with(expected), "{ended:?}");
    assert_eq!(get(&ability, "to/user/fine.md"), b"copied");
    let ended = ability.call(&["copy", "from", "to", "--json"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let expected = r#""left_out":[{"path":"user/notes: today.md","reason":"#;
    assert!(ended.stdout.contains(expected), "{ended:?}");
    assert!(ended.stdout.contains(r#""complete":false"#), "{ended:?}");
}

/// What it leads to is somebody else's.
#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_volume_is_left_out() {
    let ability = ability();
    put(&ability, "from/user/fine.md", b"copied");
    put(&ability, "elsewhere/secret", b"not copied");
    fs::create_dir_all(ability.directory().join("from/abilities")).expect("created");
    let link = ability.directory().join("from/abilities/linked");
    std::os::unix::fs::symlink(ability.directory().join("elsewhere"), link).expect("linked");
    let ended = ability.call(&["copy", "from", "to"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let expected = "ability: abilities/linked was left out: ";
    assert!(ended.stderr.contains(expected), "{ended:?}");
    assert_eq!(names(&ability.directory().join("to")), ["user"]);
    assert_eq!(names(&ability.directory().join("elsewhere")), ["secret"]);
}

#[test]
fn a_directory_is_cleared_by_opening_it() {
    let ability = ability();
    let mut session = Conversation::begin(&ability, &[]);
    assert_eq!(session.ask(&["write", "a.txt", "text"]), "ok");
    session.kill();
    assert_ne!(ability.sessions("probe"), Vec::<String>::new());
    let ended = ability.call(&["gc", "root"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.contains("abilities/probe: cleared"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("user: "), "{ended:?}");
    assert_eq!(ability.sessions("probe"), Vec::<String>::new());
    let ended = ability.call(&["gc", "root", "--json"]);
    assert!(ended.stdout.contains(r#""recovered":0"#), "{ended:?}");
}

#[test]
fn what_cannot_be_put_into_its_file_is_named() {
    let ability = ability();
    let mut session = Conversation::begin(&ability, &["--journaled"]);
    assert_eq!(session.ask(&["write", "a.txt", "text"]), "ok");
    put(&ability, "root/abilities/probe/a.txt/in the way", b"theirs");
    session.kill();
    let ended = ability.call(&["gc", "root"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("a.txt"), "{ended:?}");
    fs::remove_dir_all(ability.directory().join("root/abilities/probe/a.txt")).expect("removed");
    let ended = ability.call(&["gc", "root"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(get(&ability, "root/abilities/probe/a.txt"), b"text");
}

#[cfg(unix)]
#[test]
fn permissions_are_those_of_the_source() {
    use std::os::unix::fs::PermissionsExt;
    let ability = ability();
    let set = |file: &str, mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(ability.directory().join(file), permissions).expect("set");
    };
    let mode = |file: &str| {
        let metadata = fs::metadata(ability.directory().join(file)).expect(file);
        metadata.permissions().mode() & 0o777
    };
    let files = [
        ("abilities/one/secret", 100, 0o600),
        ("abilities/one/deep/long.bin", 200 << 10, 0o640),
        ("abilities/one/shared", 5, 0o666),
        ("user/run", 5, 0o755),
    ];
    for (file, length, permissions) in files {
        put(&ability, &format!("from/{file}"), &contents(length));
        set(&format!("from/{file}"), permissions);
    }
    let directories = [
        ("", 0o755),
        ("/abilities/one", 0o750),
        ("/abilities/one/deep", 0o700),
    ];
    for (directory, permissions) in directories {
        set(&format!("from{directory}"), permissions);
    }
    let ended = ability.call(&["copy", "from", "to"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for (file, _, permissions) in files {
        assert_eq!(mode(&format!("to/{file}")), permissions, "{file}");
    }
    for (directory, permissions) in directories {
        assert_eq!(mode(&format!("to{directory}")), permissions, "{directory}");
    }

    // The second time: what is replaced is as in the source; what is the same is opened to
    // nobody, and a directory that was there stays as it is.
    put(&ability, "from/abilities/one/shared", b"other");
    set("to/abilities/one/shared", 0o600);
    set("from/user/run", 0o700);
    set("to/abilities/one/secret", 0o400);
    set("to/abilities/one", 0o700);
    let ended = ability.call(&["copy", "from", "to", "--overwrite"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(mode("to/abilities/one/shared"), 0o666);
    assert_eq!(mode("to/user/run"), 0o700);
    assert_eq!(mode("to/abilities/one/secret"), 0o400);
    assert_eq!(mode("to/abilities/one"), 0o700);
}

#[cfg(unix)]
#[test]
fn what_a_killed_session_left_in_the_source_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let ability = ability();
    let mut probe = Conversation::begin(&ability, &["--journaled"]);
    assert_eq!(probe.ask(&["write", "new.txt", "text"]), "ok");
    probe.kill();
    let mode = |root: &Path| {
        let file = root.join("abilities/probe/new.txt");
        fs::metadata(file).expect("copied").permissions().mode() & 0o777
    };
    let root = ability.root();
    let to = ability.directory().join("to");
    let text = |path: &Path| path.to_str().expect("text").to_owned();
    let ended = ability.call(&["copy", &text(&root), &text(&to)]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let usual = ability.directory().join("usual");
    fs::write(&usual, "").expect("written");
    let usual = fs::metadata(usual).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&root), mode(&to)), (usual, usual));
}

#[test]
fn the_help_names_all_that_is_in_the_json() {
    let ability = ability();
    put(&ability, "from/user/a", b"a");
    let ended = ability.call(&["copy", "from", "to", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let help = ability.call(&["copy", "--help"]).stdout;
    let words: Vec<&str> = help
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .collect();
    let fields = |value: &serde_json::Value| {
        let object = value.as_object().expect("an object");
        object.keys().cloned().collect::<Vec<_>>()
    };
    let mut named = fields(&report);
    named.extend(fields(&report["volumes"][0]));
    for field in named {
        assert!(words.contains(&field.as_str()), "{field}");
    }
    assert!(words.contains(&"130") && words.contains(&"143"));
}

/// Who may open a volume follows from its directory when it is first opened.
#[test]
#[cfg(unix)]
fn a_volume_that_a_group_shares_is_shared_where_it_is_copied_to() {
    use std::os::unix::fs::PermissionsExt;
    let ability = ability();
    put(&ability, "from/abilities/one/a.txt", b"shared");
    fs::create_dir(ability.directory().join("from/user")).expect("created");
    let modes = [("abilities/one", 0o2770), ("user", 0o755)];
    for (path, mode) in modes {
        let path = ability.directory().join("from").join(path);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    }
    let ended = ability.call(&["copy", "from", "to"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let mode = |path: &str| {
        let metadata = fs::metadata(ability.directory().join("to").join(path));
        metadata.expect(path).permissions().mode() & 0o7777
    };
    for (path, expected) in modes {
        assert_eq!(mode(path), expected, "{path}");
    }
    assert_eq!(mode("abilities/one/.ability-storage") & 0o070, 0o070);
}
