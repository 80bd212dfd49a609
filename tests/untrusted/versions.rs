//! Which versions of the interface a guest may have been built for.

use crate::mutated::COMPONENT;
use end_to_end::surroundings::Surroundings;
use end_to_end::untrusted::HOST;

/// The component, as if it had been built for this version.
fn built_for(version: &str) -> Vec<u8> {
    let text = COMPONENT.replace("storage@0.1.0", &format!("storage@{version}"));
    wat::parse_str(text).expect("a component")
}

#[test]
fn guests_for_older_versions_run() {
    let place = Surroundings::set_up();
    let volume = place.open();
    HOST.serves_others_during(async {
        for version in ["0.1.0", "0.1.1"] {
            let component = HOST.load(&built_for(version)).expect("it can be loaded");
            let attack = HOST.attack(&component, 0, place.ctx(&volume));
            attack.await.expect("it ends well");
        }
    });
    drop(volume);
    place.wait_until_closed();
    place.check();
}

#[test]
fn guests_for_incompatible_versions_are_refused() {
    for version in ["0.2.0", "1.0.0"] {
        assert!(HOST.load(&built_for(version)).is_err(), "{version}");
    }
}
