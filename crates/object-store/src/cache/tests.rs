use super::*;

fn blob(contents: &[u8]) -> Blob {
    Blob {
        id: Uuid::new_v4(),
        size: contents.len() as u64,
        hash: Version::of(contents),
    }
}

#[test]
fn what_was_not_used_for_longest_makes_room() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let open = || BlobCache::open(directory.path(), 30).expect("opened");
    let cache = open();
    let all: Vec<Vec<u8>> = (0..4).map(|n| vec![n; 10]).collect();
    let blobs: Vec<Blob> = all.iter().map(|contents| blob(contents)).collect();
    for (blob, contents) in blobs.iter().zip(&all).take(3) {
        cache.put(blob, contents.clone().into());
    }
    assert!(cache.get(&blobs[0]).is_some());
    cache.put(&blobs[3], all[3].clone().into());
    let there = |cache: &BlobCache| -> Vec<bool> {
        blobs.iter().map(|blob| cache.get(blob).is_some()).collect()
    };
    assert_eq!(there(&cache), [true, false, true, true]);
    assert_eq!(cache.bytes(), 30);

    let again = open();
    assert_eq!(there(&again), [true, false, true, true]);
    let smaller = BlobCache::open(directory.path(), 10).expect("opened");
    assert_eq!(smaller.bytes(), 10);
    cache.put(&blob(&[0; 31]), vec![0; 31].into());
    assert!(cache.bytes() <= 30);
}

#[test]
fn what_is_torn_is_not_given() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let cache = BlobCache::open(directory.path(), 100).expect("opened");
    let blob = blob(b"whole");
    for torn in [&b"who"[..], b"", b"WHOLE"] {
        cache.put(&blob, Bytes::from_static(b"whole"));
        fs::write(cache.path(blob.id), torn).expect("written");
        assert_eq!(cache.get(&blob), None);
    }
    cache.put(&blob, Bytes::from_static(b"whole"));
    assert_eq!(cache.get(&blob).as_deref(), Some(&b"whole"[..]));
}
