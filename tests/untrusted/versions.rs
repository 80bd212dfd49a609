//! Which versions of the interface a guest may have been built for.

use crate::mutated::COMPONENT;
use end_to_end::surroundings::Surroundings;
use end_to_end::untrusted::HOST;

/// Whether the component runs as if it had been built for each of these versions.
fn run_if_built_for(versions: &[&str]) -> Vec<bool> {
    let place = Surroundings::set_up();
    let ends = versions.iter().map(|version| {
        let text = COMPONENT.replace("storage@0.1.0", &format!("storage@{version}"));
        let bytes = wat::parse_str(text).expect("a component");
        let component = HOST.load(&bytes).expect("it can be loaded");
        HOST.attacked_by(&component, 1, &place)[0].is_ok()
    });
    let ends = ends.collect();
    place.wait_until_closed();
    place.check();
    ends
}

#[test]
fn guests_for_older_versions_run() {
    assert_eq!(run_if_built_for(&["0.1.0", "0.1.1"]), [true; 2]);
}

#[test]
fn guests_for_incompatible_versions_are_refused() {
    assert_eq!(run_if_built_for(&["0.2.0", "1.0.0"]), [false; 2]);
}
