//! Which of the host's two places a path belongs to.

use crate::bindings::types;

/// Which of the host's two places a path belongs to.
///
/// They never overlap: the same path in both scopes names two different files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// This ability's own files. No other ability sees them.
    Ability,
    /// The files that all abilities of one user share. Expect other writers
    /// there, and use [`update_file`](crate::update_file).
    User,
}

impl From<Scope> for types::Scope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Ability => types::Scope::Ability,
            Scope::User => types::Scope::User,
        }
    }
}
