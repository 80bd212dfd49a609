//! The generated bindings of the WIT world `imports`. Nothing of this module may
//! be public: the generated names change with the generator.
#![allow(missing_docs, unsafe_code, clippy::all)]

wit_bindgen::generate!({
    path: "wit",
    world: "imports",
});

#[cfg(target_family = "wasm")]
pub use ability::storage::streaming;
pub use ability::storage::{batch, storage, types};
