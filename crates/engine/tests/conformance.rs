//! Every volume of this crate runs the suite that any volume must pass.
#![cfg(feature = "conformance")]

use ability_storage_engine::{LocalVolume, MemoryVolume, Volume, conformance};

mod memory {
    use super::*;

    ability_storage_engine::conformance_suite!(|run: fn(&dyn Volume)| {
        run(&MemoryVolume::with_limits(conformance::limits()));
    });
}

mod local {
    use super::*;

    ability_storage_engine::conformance_suite!(|run: fn(&dyn Volume)| {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = LocalVolume::options().limits(conformance::limits());
        run(&options.open(directory.path()).expect("opened"));
    });
}

mod journaled {
    use super::*;

    ability_storage_engine::conformance_suite!(|run: fn(&dyn Volume)| {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = LocalVolume::options().limits(conformance::limits());
        let volume = options.journaled(true).open(directory.path());
        run(&volume.expect("opened"));
    });
}

/// Two sessions at once, each call through another of them: nothing may depend
/// on what one session remembers.
mod two_sessions {
    use super::*;
    use ability_storage_engine::{
        Batch, FileInfo, FilePath, Reader, Result, Snapshot, Usage, Version, Writer,
    };
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Alternating {
        sessions: [LocalVolume; 2],
        calls: AtomicUsize,
    }

    impl Alternating {
        fn next(&self) -> &LocalVolume {
            &self.sessions[self.calls.fetch_add(1, Ordering::Relaxed) % 2]
        }
    }

    impl Volume for Alternating {
        fn read(&self, path: &FilePath, max_bytes: u64) -> Result<Snapshot> {
            self.next().read(path, max_bytes)
        }

        fn stat(&self, path: &FilePath) -> Result<FileInfo> {
            self.next().stat(path)
        }

        fn list(&self, directory: Option<&FilePath>) -> Result<Vec<FilePath>> {
            self.next().list(directory)
        }

        fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
            self.next().commit(batch)
        }

        fn writer(&self, path: &FilePath) -> Result<Box<dyn Writer>> {
            self.next().writer(path)
        }

        fn reader(&self, path: &FilePath) -> Result<Box<dyn Reader>> {
            self.next().reader(path)
        }

        fn usage(&self) -> Result<Usage> {
            self.next().usage()
        }
    }

    fn run_on(run: fn(&dyn Volume), journaled: bool) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let open = || {
            let options = LocalVolume::options().limits(conformance::limits());
            let options = options.journaled(journaled);
            options.open(directory.path()).expect("opened")
        };
        run(&Alternating {
            sessions: [open(), open()],
            calls: AtomicUsize::new(0),
        });
    }

    mod published {
        ability_storage_engine::conformance_suite!(shared: |run| super::run_on(run, false));
    }

    mod journaled {
        ability_storage_engine::conformance_suite!(shared: |run| super::run_on(run, true));
    }
}
