//! What `--verbose` shows of the volumes' work, as it happens.

use std::io;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry};

/// What volumes are made of, and nothing else: what the runtime under it says is of no
/// use to whoever runs an ability.
const SOURCES: [&str; 2] = ["ability_storage_engine", "ability_storage_object_store"];

/// Shows, from now on, what volumes tell, on standard error.
pub fn show() {
    let lines = fmt::layer()
        .with_writer(io::stderr)
        .with_target(false)
        .without_time();
    // Events say all that the spans around them do.
    let of_volumes = filter_fn(|told| {
        let is_of_volumes = SOURCES
            .iter()
            .any(|source| told.target().starts_with(source));
        told.is_event() && is_of_volumes && *told.level() <= LevelFilter::DEBUG
    });
    // There is no other; and if there were, it would do as well.
    let _ = registry().with(of_volumes).with(lines).try_init();
}
