//! `VolumeId`: which volume of a root it is.
//!
//! The layout of a root is the same wherever it is: `abilities/<id>/` for each
//! ability and `user/` for what they share. No id leads out of `abilities/`.

use crate::{Error, FilePath, Result};
use std::fmt;
use std::io;

/// One of the volumes that a host keeps for a user: that of an ability, or the one
/// that all abilities share.
///
/// ```
/// use ability_storage_engine::VolumeId;
///
/// assert_eq!(VolumeId::ability("todo")?.to_string(), "abilities/todo");
/// assert_eq!(VolumeId::user().to_string(), "user");
/// assert!(VolumeId::ability("../user").is_err());
/// # Ok::<(), ability_storage_engine::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VolumeId(Option<Box<str>>);

impl VolumeId {
    /// Where a root keeps the volumes of abilities.
    pub const ABILITIES: &str = "abilities";

    /// Where a root keeps what they share.
    pub const USER: &str = "user";

    /// The volume of the ability `id`. An id is one component of a [`FilePath`].
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if it is not, with the reason.
    pub fn ability(id: &str) -> Result<Self> {
        let reason = match FilePath::new(id) {
            Ok(path) if path.parent().is_none() => return Ok(Self(Some(id.into()))),
            Ok(_) => "it contains a slash".to_owned(),
            Err(error) => error.reason().to_owned(),
        };
        Err(Error::Unavailable {
            what: format!("{id:?} cannot be the id of an ability"),
            source: io::Error::new(io::ErrorKind::InvalidInput, reason),
        })
    }

    /// The volume that all abilities share.
    pub fn user() -> Self {
        Self(None)
    }

    /// The names that lead to it from the root.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        let first = match &self.0 {
            Some(_) => Self::ABILITIES,
            None => Self::USER,
        };
        [first].into_iter().chain(self.0.as_deref())
    }
}

impl fmt::Display for VolumeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(id) => write!(f, "{}/{id}", Self::ABILITIES),
            None => f.write_str(Self::USER),
        }
    }
}
