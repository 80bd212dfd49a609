//! Values as JSON in files: indented, in UTF-8, the same for all languages.
//!
//! What is written must be read back as the same value, here and by the SDKs of other
//! languages. A file that is JSON but holds a value which could not be written again must
//! be refused as [`Error::Unsupported`], not taken for a corrupt one.

#[cfg(test)]
mod cases;
mod refused;
mod scan;
#[cfg(test)]
mod worst;

use crate::error::{Error, Result};
use crate::text::without_mark;
use scan::Flaw;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How many arrays and objects may be inside each other, the same in all languages.
const MAX_DEPTH: usize = 127;

/// The value in the file at `path`, which holds `contents`.
pub(crate) fn decode<T: DeserializeOwned>(path: &str, contents: &[u8]) -> Result<T> {
    let corrupt = |reason| Error::Corrupt {
        path: path.to_owned(),
        reason,
    };
    let text = str::from_utf8(without_mark(path, contents)?).map_err(|error| {
        corrupt(format!(
            "it is not UTF-8 from byte {} on",
            error.valid_up_to()
        ))
    })?;
    scan::scan(text).map_err(|flaw| match flaw {
        Flaw::Malformed(reason) => corrupt(reason),
        Flaw::Unsupported(reason) => Error::Unsupported {
            path: path.to_owned(),
            reason,
        },
    })?;
    serde_json::from_str(text).map_err(|error| corrupt(error.to_string()))
}

/// What is to be written for `value` in the file at `path`.
pub(crate) fn encode<T: Serialize + DeserializeOwned>(path: &str, value: &T) -> Result<Vec<u8>> {
    let refused = |reason| Error::NotSerializable {
        path: path.to_owned(),
        reason,
    };
    refused::check(value).map_err(&refused)?;
    let json = serde_json::to_vec_pretty(value).map_err(|error| refused(error.to_string()))?;
    match decode::<T>(path, &json) {
        Ok(_) => Ok(json),
        Err(Error::Corrupt { reason, .. } | Error::Unsupported { reason, .. }) => {
            Err(refused(format!("it could not be read back: {reason}")))
        }
        Err(error) => Err(error),
    }
}
