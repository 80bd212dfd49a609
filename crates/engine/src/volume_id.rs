//! `VolumeId`: which volume of a root it is.
//!
//! The layout of a root is the same wherever it is: `abilities/<id>/` for each
//! ability and `user/` for what they share. No id leads out of `abilities/`.

use crate::FilePath;
use crate::path::shortened;
use std::fmt;

/// One of the volumes that a host keeps for a user: that of an ability, or the one
/// that all abilities share.
///
/// ```
/// use ability_storage_engine::VolumeId;
///
/// assert_eq!(VolumeId::ability("todo")?.to_string(), "abilities/todo");
/// assert_eq!(VolumeId::user().to_string(), "user");
/// assert!(VolumeId::ability("../user").is_err());
/// # Ok::<(), ability_storage_engine::IdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VolumeId(Option<Box<str>>);

/// An id that breaks a rule, and which one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{id:?} cannot be the id of an ability: {reason}")]
pub struct IdError {
    id: String,
    reason: String,
}

impl IdError {
    /// The id as it was given, cut after 1,024 bytes or so.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The rule that it breaks, in words for a person.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl VolumeId {
    /// Where a root keeps the volumes of abilities.
    pub const ABILITIES: &str = "abilities";

    /// Where a root keeps what they share.
    pub const USER: &str = "user";

    /// The volume of the ability `id`. An id is one component of a [`FilePath`].
    ///
    /// # Errors
    ///
    /// [`IdError`] with the rule that is broken.
    pub fn ability(id: &str) -> Result<Self, IdError> {
        let reason = match FilePath::new(id) {
            Ok(path) if path.parent().is_none() => return Ok(Self(Some(id.into()))),
            Ok(_) => "it contains a slash".to_owned(),
            Err(error) => error.reason().to_owned(),
        };
        let id = shortened(id.to_owned());
        Err(IdError { id, reason })
    }

    /// The volume that all abilities share.
    pub fn user() -> Self {
        Self(None)
    }

    /// The id of the ability whose volume it is; `None` for the one that all share.
    pub fn ability_id(&self) -> Option<&str> {
        self.0.as_deref()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn rejects_invalid_ids() {
        for (id, reason) in [
            ("", "it is empty"),
            ("a/b", "it contains a slash"),
            ("../user", "."),
            ("a:b", "colon"),
        ] {
            let error = VolumeId::ability(id).expect_err(id);
            assert_eq!(error.id(), id);
            assert!(error.reason().contains(reason), "{error}");
            // A host can tell it from a disk that fails.
            assert!(matches!(Error::from(error), Error::Id(_)));
        }
        let long = "a".repeat(1 << 20);
        let error = VolumeId::ability(&long).expect_err("too long");
        assert!(error.to_string().len() < 2_000);
    }
}
