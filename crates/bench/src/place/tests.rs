use super::*;

#[test]
fn a_directory_knows_what_it_is_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = Place::directory("here", directory.path()).expect("a place");
    assert_eq!(place.facts().name, "here");
    assert!(!place.facts().file_system.is_empty());
    place.settle().expect("synced");
}

#[test]
fn nothing_is_left_of_a_place() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = Place::directory("here", directory.path()).expect("a place");
    let fresh = place.fresh().expect("a directory");
    fs::write(fresh.path().join("file"), "text").expect("written");
    drop((fresh, place));
    let left = fs::read_dir(directory.path()).expect("listed").count();
    assert_eq!(left, 0);
}

#[test]
fn a_directory_that_is_not_there_is_no_place() {
    assert!(Place::directory("nowhere", Path::new("/no/such/directory")).is_err());
}
