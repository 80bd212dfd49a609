//! Every volume of this crate runs the suite that any volume must pass.
#![cfg(feature = "conformance")]

use ability_storage_engine::{LocalVolume, MemoryVolume, Volume, author::conformance};

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

/// Opened again and again.
mod reopened {
    use ability_storage_engine::LocalVolume;
    use ability_storage_engine::author::conformance::{self, Open};

    fn run_on(run: fn(Open<'_>), journaled: bool) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = LocalVolume::options().limits(conformance::limits());
        let options = options.journaled(journaled);
        run(&mut || Box::new(options.clone().open(directory.path()).expect("opened")));
    }

    mod published {
        ability_storage_engine::conformance_suite!(reopening: |run| super::run_on(run, false));
    }

    mod journaled {
        ability_storage_engine::conformance_suite!(reopening: |run| super::run_on(run, true));
    }
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

/// Two sessions at once, each call through another of them.
mod two_sessions {
    use super::*;
    use ability_storage_engine::author::conformance::InTurn;

    fn run_on(run: fn(&dyn Volume), journaled: bool) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let open = || {
            let options = LocalVolume::options().limits(conformance::limits());
            let options = options.journaled(journaled);
            options.open(directory.path()).expect("opened")
        };
        run(&InTurn::new(vec![open(), open()]));
    }

    mod published {
        ability_storage_engine::conformance_suite!(shared: |run| super::run_on(run, false));
    }

    mod journaled {
        ability_storage_engine::conformance_suite!(shared: |run| super::run_on(run, true));
    }
}
