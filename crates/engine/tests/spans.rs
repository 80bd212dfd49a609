//! What a volume reports is part of the host's span, on whatever thread, and names the volume
//! and the ability.

use ability_storage_engine::{
    Change, Counted, FilePath, LocalRoot, LocalVolume, MemoryVolume, Root, Volume, VolumeId,
};
use std::fs;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tracing::{Dispatch, Level};

/// Keeps what is logged, and only warnings if it is told so.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn subscriber(&self, level: Level) -> Dispatch {
        let lines = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(move || lines.clone());
        Dispatch::new(subscriber.finish())
    }

    fn all(&self) -> Vec<String> {
        let bytes = self.0.lock().expect("not poisoned").clone();
        let text = String::from_utf8(bytes).expect("text");
        text.lines().map(str::to_owned).collect()
    }

    /// The first line with `text` in it, when it comes.
    fn wait_for(&self, text: &str) -> String {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let found = self.all().into_iter().find(|line| line.contains(text));
            if let Some(line) = found {
                return line;
            }
            assert!(Instant::now() < until, "no {text:?} in {:#?}", self.all());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .expect("not poisoned")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(path: &str) -> Change {
    Change::write(FilePath::new(path).expect("valid"), b"contents")
}

#[track_caller]
fn assert_in(line: &str, expected: &[&str]) {
    for part in expected {
        assert!(line.contains(part), "no {part:?} in {line:?}");
    }
}

#[test]
fn commits_name_the_volume_and_the_ability_in_the_span_of_the_host() {
    let lines = Lines::default();
    let _guard = tracing::dispatcher::set_default(&lines.subscriber(Level::TRACE));
    let directory = tempfile::tempdir().expect("a temporary directory");
    let root = LocalRoot::open_or_create(directory.path()).expect("opened");
    let [todo, user] = [root.ability("todo"), root.user()].map(|volume| volume.expect("opened"));
    let memory = Counted::named(MemoryVolume::new(), "scratch", Some("todo".to_owned()));
    tracing::info_span!("request", user = "alice").in_scope(|| {
        todo.commit(write("list").into()).expect("made");
        user.commit(write("shared").into()).expect("made");
        memory.commit(write("draft").into()).expect("made");
        let mut writer = todo
            .writer(&FilePath::new("stream").expect("valid"))
            .expect("opened");
        writer.write(b"piece").expect("taken");
        writer
            .commit(ability_storage_engine::Precondition::Any)
            .expect("made");
    });
    for (path, volume, ability) in [
        ("list", "abilities/todo", Some("todo")),
        ("stream", "abilities/todo", Some("todo")),
        ("shared", "/user", None),
        ("draft", "scratch", Some("todo")),
    ] {
        let line = lines.wait_for(&format!("path=\"{path}\""));
        assert_in(&line, &["request{user=\"alice\"}", volume, "applied"]);
        let named = ability.map(|ability| format!("ability=\"{ability}\""));
        assert_eq!(line.contains("ability="), named.is_some(), "{line}");
        assert_in(&line, &[&named.unwrap_or_default()]);
    }
}

/// With nothing but warnings on, as a host in production may have it.
#[test]
fn a_thread_of_the_volume_reports_in_the_span_in_which_it_was_opened() {
    let lines = Lines::default();
    let _guard = tracing::dispatcher::set_default(&lines.subscriber(Level::WARN));
    let directory = tempfile::tempdir().expect("a temporary directory");
    let options = LocalVolume::options().journaled(true);
    let options = options.checkpoint_after(Duration::from_millis(100));
    let root = LocalRoot::options()
        .volumes(options)
        .open_or_create(directory.path());
    let root = root.expect("opened");
    let id = VolumeId::ability("todo").expect("valid");
    let open = || root.open_volume(&id).expect("opened");
    let volume = tracing::error_span!("tenant", name = "acme").in_scope(open);
    volume.commit(write("list").into()).expect("made");
    let in_the_way = directory.path().join("abilities/todo/list");
    fs::create_dir(&in_the_way).expect("created");
    fs::write(in_the_way.join("x"), b"").expect("written");
    let named = [
        "tenant{name=\"acme\"}",
        "abilities/todo",
        "ability=\"todo\"",
    ];
    let line = lines.wait_for("WARN");
    assert_in(&line, &named);
    // Another thread closes it.
    lines.0.lock().expect("not poisoned").clear();
    std::thread::spawn(move || drop(volume))
        .join()
        .expect("no panic");
    assert_in(&lines.wait_for("last checkpoint failed"), &named);
}

#[test]
fn recovery_names_the_volume() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    drop(LocalVolume::open(directory.path()).expect("opened"));
    let dead = directory.path().join(".ability-storage/sessions/dead");
    fs::create_dir(dead).expect("created");
    let lines = Lines::default();
    let _guard = tracing::dispatcher::set_default(&lines.subscriber(Level::INFO));
    let open = || {
        LocalVolume::options()
            .ability("todo")
            .open(directory.path())
    };
    let opened = tracing::error_span!("start").in_scope(open);
    opened.expect("opened");
    let line = lines.wait_for("dead session");
    let name = directory.path().display().to_string();
    assert_in(&line, &["start:", &name, "ability=\"todo\""]);
}
