//! What `bindgen!` makes of the WIT package. Nothing in here is public but
//! [`Scope`](ability::storage::types::Scope); the types are made once, in the
//! asynchronous variant, and [`sync`] uses them where it can: those that an
//! interface defines for itself, `snapshot` and what a batch is made of, exist
//! twice.

wasmtime::component::bindgen!({
    path: "wit",
    world: "ability:storage/imports",
    imports: { default: async | trappable },
    trappable_error_type: {
        "ability:storage/types.error" => crate::error::Failure,
        "ability:storage/batch.failure" => crate::error::BatchFailure,
    },
    with: {
        "ability:storage/streaming.writer": crate::streaming::Writer,
        "ability:storage/streaming.reader": crate::streaming::Reader,
    },
});

/// The same traits without `async`.
pub(crate) mod sync {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "ability:storage/imports",
        imports: { default: trappable },
        trappable_error_type: {
            "ability:storage/types.error" => crate::error::Failure,
            "ability:storage/batch.failure" => crate::error::BatchFailure,
        },
        with: {
            "ability:storage/types": crate::bindings::ability::storage::types,
            "ability:storage/streaming.writer": crate::streaming::Writer,
            "ability:storage/streaming.reader": crate::streaming::Reader,
        },
        require_store_data_send: true,
    });
}
