//! What a volume on an object store reports, on threads of its own, is part of the host's
//! span, and names the volume and the ability.

use ability_storage_engine::{Change, FilePath, Precondition, Root, Volume};
use ability_storage_object_store::object_store::memory::InMemory;
use ability_storage_object_store::object_store::path::Path;
use ability_storage_object_store::{BlobCache, ObjectRoot};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tracing::{Dispatch, Level};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn subscriber(&self) -> Dispatch {
        let lines = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_ansi(false)
            .with_writer(move || lines.clone());
        Dispatch::new(subscriber.finish())
    }

    /// The lines with `text` in them.
    fn with(&self, text: &str) -> Vec<String> {
        let bytes = self.0.lock().expect("not poisoned").clone();
        let all = String::from_utf8(bytes).expect("text");
        let lines = all.lines().filter(|line| line.contains(text));
        lines.map(str::to_owned).collect()
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

#[test]
fn commits_and_requests_are_in_the_span_of_the_host() {
    let lines = Lines::default();
    let _guard = tracing::dispatcher::set_default(&lines.subscriber());
    let cached = tempfile::tempdir().expect("a temporary directory");
    let cache = BlobCache::open(cached.path(), 64 << 20).expect("opened");
    let options = ObjectRoot::options().cache(cache);
    let root = options.open_in(Arc::new(InMemory::new()), Path::from("data"));
    let volume = root.expect("opened").ability("todo").expect("opened");
    let path = |path: &str| FilePath::new(path).expect("valid");
    let names = [
        "request{user=\"alice\"}",
        "data/abilities/todo",
        "ability=\"todo\"",
    ];
    tracing::info_span!("request", user = "alice").in_scope(|| {
        let long = vec![7; 200_000];
        volume
            .commit(Change::write(path("long"), long).into())
            .expect("made");
        let mut writer = volume.writer(&path("stream")).expect("opened");
        writer.write(b"piece").expect("taken");
        writer.commit(Precondition::Any).expect("made");
        volume.read(&path("long"), 1 << 20).expect("read");
        // A copy that cannot be read is reported by a thread of the store.
        damage(cached.path());
        volume.read(&path("long"), 1 << 20).expect("read");
    });
    for text in ["path=\"long\"", "path=\"stream\"", "cached blob"] {
        let found = lines.with(text);
        assert!(!found.is_empty(), "no {text:?}");
        for line in found {
            for name in names {
                assert!(line.contains(name), "no {name:?} in {line:?}");
            }
        }
    }
}

/// Overwrites every file in a directory, at any depth.
fn damage(directory: &std::path::Path) {
    for entry in std::fs::read_dir(directory).expect("listed") {
        let path = entry.expect("read").path();
        match path.is_dir() {
            true => damage(&path),
            false => std::fs::write(&path, b"damaged").expect("written"),
        }
    }
}
