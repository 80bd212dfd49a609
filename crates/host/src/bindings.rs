//! What `bindgen!` makes of the WIT package. Nothing in here is public but
//! [`Scope`](ability::storage::types::Scope); the types are made once, in the
//! asynchronous variant, and [`sync`] uses them.

wasmtime::component::bindgen!({
    path: "wit",
    world: "ability:storage/imports",
    imports: { default: async | trappable },
    trappable_error_type: {
        "ability:storage/types.error" => crate::error::Failure,
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
        },
        with: {
            "ability:storage/types": crate::bindings::ability::storage::types,
        },
        require_store_data_send: true,
    });
}
