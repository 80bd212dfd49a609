//! A volume on an object store is a volume: alone, with a cache, and as several
//! clients over the same files.

use ability_storage_engine::author::conformance::{self, InTurn};
use ability_storage_engine::{Volume, VolumeId};
use ability_storage_object_store::object_store::memory::InMemory;
use ability_storage_object_store::object_store::path::Path;
use ability_storage_object_store::{BlobCache, ObjectRoot, ObjectVolume};
use std::sync::Arc;

fn roots(number: usize, cache: Option<BlobCache>) -> Vec<ObjectVolume> {
    let store = Arc::new(InMemory::new());
    let open = |_| {
        let mut options = ObjectRoot::options().limits(conformance::limits());
        if let Some(cache) = &cache {
            options = options.cache(cache.clone());
        }
        let root = options.open_in(store.clone(), Path::from("some/prefix"));
        root.expect("opened").open_volume(&VolumeId::user())
    };
    (0..number).map(open).collect()
}

mod alone {
    use super::*;

    ability_storage_engine::conformance_suite!(|run: fn(&dyn Volume)| {
        run(&roots(1, None)[0]);
    });
}

mod cached {
    use super::*;

    ability_storage_engine::conformance_suite!(|run: fn(&dyn Volume)| {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let cache = BlobCache::open(directory.path(), 1 << 20).expect("opened");
        run(&roots(1, Some(cache))[0]);
    });
}

/// Opened again and again, by clients that know nothing of each other.
mod reopened {
    use super::*;
    use ability_storage_engine::author::conformance::Open;

    ability_storage_engine::conformance_suite!(reopening: |run: fn(Open<'_>)| {
        let store = Arc::new(InMemory::new());
        run(&mut || {
            let options = ObjectRoot::options().limits(conformance::limits());
            let root = options.open_in(store.clone(), Path::from("some/prefix"));
            Box::new(root.expect("opened").open_volume(&VolumeId::user()))
        });
    });
}

mod several_clients {
    use super::*;

    ability_storage_engine::conformance_suite!(shared: |run: fn(&dyn Volume)| {
        run(&InTurn::new(roots(3, None)));
    });

    #[test]
    fn no_reader_sees_half_a_batch() {
        conformance::no_reader_sees_half_a_batch(&InTurn::new(roots(3, None)));
    }
}
