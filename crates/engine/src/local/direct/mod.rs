//! The direct protocol: one write, rename or delete of a path that the disk governs. The
//! file itself is current and durable when the commit returns.

mod rename_delete;
mod skip_write;
mod write;
