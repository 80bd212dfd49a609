//! Whose failure a failed build is: that of what is in the folder, or that of
//! the tools and the machine.

use std::fmt;

/// What is in the folder cannot be built; the text says why.
#[derive(Debug)]
pub struct NotBuildable(pub String);

impl fmt::Display for NotBuildable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotBuildable {}

/// The exit code of a failed build: 1 or 125.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<NotBuildable>() {
        Some(_) => 1,
        None => crate::FAILED,
    }
}
