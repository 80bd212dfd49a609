//! What changes how a volume behaves, as layers over any [`Volume`](crate::Volume).
//!
//! A layer is a volume that owns another one. It decides which calls to pass on, and
//! must keep every promise of the trait that it does not name as changed.

mod counted;
mod read_only;

pub use counted::Counted;
pub use read_only::ReadOnly;
