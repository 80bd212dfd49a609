//! `State`: a value of the ability's own type, kept as JSON in one file.
//!
//! Must never take a file that it cannot read for an empty one, and never
//! overwrite what it has not seen.

use crate::batch::{Batch, Made};
use crate::error::{Error, Result};
use crate::json::{decode, encode};
use crate::scope::Scope;
use crate::update::{HostFile, VersionedFile, update};
use crate::version::{Precondition, Snapshot, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ops::{Deref, DerefMut};

/// A value kept as JSON in one file. Needs the feature `json`.
///
/// Read the value through `Deref`. To change it there are two ways:
/// [`update`](Self::update) changes the file and the value in one step, and
/// loses nothing when others write too; or change the value through `DerefMut`
/// as often as you like and [`save`](Self::save) it. What is neither updated nor
/// saved is gone when the `State` is dropped.
///
/// The file is indented JSON, for people to read. What is written is read back as
/// the same value, also by the SDKs of the other languages: numbers are finite and
/// have 64 bits, and no more than 127 arrays and objects are inside each other. A
/// byte order mark that an editor has put in front does no harm. Limits are those of the
/// [crate](crate#paths-and-limits): the whole value is one file, and every save
/// writes all of it.
///
/// ```no_run
/// use ability_storage_guest::{Error, Scope, State};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Settings {
///     city: String,
///     asked: u64,
/// }
///
/// let mut settings = State::<Settings>::load_or_default("settings.json", Scope::Ability)?;
/// settings.update(|settings| settings.asked += 1)?;
/// println!("asked {} times about {}", settings.asked, settings.city);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct State<T> {
    path: String,
    scope: Scope,
    value: T,
    /// What `value` was loaded from or saved as; `None` if there was no file.
    version: Option<Version>,
    /// Whether someone was lent `value` to change it since.
    unsaved: bool,
    /// What the value is once a batch is committed.
    proposed: Option<Proposed<T>>,
}

/// A value that a batch makes the one in the file.
#[derive(Debug)]
struct Proposed<T> {
    value: T,
    made: Made,
}

impl<T> State<T> {
    /// Takes over what was proposed, if it is made by now.
    fn take_made(&mut self) {
        let is_made = |proposed: &mut Proposed<T>| proposed.made.get().is_some();
        if let Some(Proposed { value, made }) = self.proposed.take_if(is_made) {
            self.value = value;
            self.version = made.get().cloned().flatten();
            self.unsaved = false;
        }
    }
}

impl<T: Serialize + DeserializeOwned + Default> State<T> {
    /// The value in the file at `path`; the default of `T` if there is no file.
    /// Nothing is written.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] if the file does not hold a `T`, also if it is empty:
    /// it is left as it is, because it may be all that remains of someone's data.
    /// [`Error::Unsupported`] if it holds JSON that could not be written again as it
    /// is, or is in UTF-16. Else as [`read_file`](crate::read_file), without [`Error::NotFound`].
    pub fn load_or_default(path: impl Into<String>, scope: Scope) -> Result<Self> {
        let path = path.into();
        let (value, version) = load(&HostFile::new(&path, scope))?;
        Ok(Self {
            path,
            scope,
            value,
            version,
            unsaved: false,
            proposed: None,
        })
    }

    /// Loads the file again. Changes that were not saved are gone.
    ///
    /// # Errors
    ///
    /// As [`load_or_default`](Self::load_or_default); the value is as it was
    /// then.
    pub fn reload(&mut self) -> Result<()> {
        let (value, version) = load(&self.file())?;
        self.replace(value, version);
        Ok(())
    }

    /// Writes the value, provided that the file is as this `State` last loaded
    /// or saved it.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] if someone else wrote or deleted the file since, which
    /// stays as they left it: [`reload`](Self::reload), make the change again,
    /// save again. [`Error::NotSerializable`] if the value would not come back
    /// from JSON as it is: the reason names the place. Else as [`atomic_write_file_if`](crate::atomic_write_file_if): after
    /// [`Error::Unconfirmed`] the file holds the new value, or may, and `reload` is
    /// needed before the next save.
    pub fn save(&mut self) -> Result<()> {
        self.take_made();
        let version = save(&self.file(), &self.value, self.version.clone())?;
        self.version = Some(version);
        self.unsaved = false;
        Ok(())
    }

    /// Changes the value in the file, such that no change of anyone else is
    /// lost, and makes it the value here. Returns what `change` returns.
    ///
    /// `change` works on the value that the file has now, not on the one loaded
    /// earlier; it may be called several times, as that of
    /// [`update_file`](crate::update_file). Changes that were not saved are saved
    /// first, and stay saved if the update then fails.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] if the file no longer holds a `T`, and it is left as it
    /// is. For changes that were not saved, as [`save`](Self::save). Else as
    /// [`update_file`](crate::update_file). The value here is as it was; after
    /// [`Error::Unconfirmed`], the file holds the changed one, or may: `reload` shows it.
    pub fn update<R>(&mut self, mut change: impl FnMut(&mut T) -> R) -> Result<R> {
        self.try_update(|value| Ok(change(value)))
    }

    /// Like [`update`](Self::update), for a change that can fail: nothing is
    /// written then, and the value here is as it was.
    ///
    /// # Errors
    ///
    /// What `change` returns; else as [`update`](Self::update).
    pub fn try_update<R, E: From<Error>>(
        &mut self,
        change: impl FnMut(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        self.take_made();
        if self.unsaved {
            self.save()?;
        }
        let (changed, version) = update_value(&self.file(), change)?;
        self.replace(changed.value, Some(version));
        Ok(changed.result)
    }

    /// Like [`update`](Self::update), as a part of `batch`: made with its other steps, or
    /// not at all.
    ///
    /// `change` works on what the file holds after the steps so far, and is called once. The
    /// value here is the changed one as soon as the batch is committed, which is refused if
    /// anyone else has changed the file. Changes that were not saved are saved first, on
    /// their own.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`], [`Error::Unsupported`] and [`Error::NotSerializable`] as
    /// [`update`](Self::update); [`Error::Other`] if the batch is for another scope. For
    /// changes that were not saved, as [`save`](Self::save).
    pub fn update_in<R>(
        &mut self,
        batch: &mut Batch,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R> {
        self.try_update_in(batch, |value| Ok(change(value)))
    }

    /// Like [`update_in`](Self::update_in), for a change that can fail: no step is added
    /// then.
    ///
    /// # Errors
    ///
    /// What `change` returns; else as [`update_in`](Self::update_in).
    pub fn try_update_in<R, E: From<Error>>(
        &mut self,
        batch: &mut Batch,
        change: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        batch.check_scope(&self.path, self.scope)?;
        self.take_made();
        if self.unsaved {
            self.save()?;
        }
        let mut value = match batch.read(&self.path)? {
            Some(json) => decode(&self.path, &json)?,
            None => T::default(),
        };
        let result = change(&mut value)?;
        batch.write(self.path.as_str(), encode(&self.path, &value)?);
        let made = batch.watch();
        self.proposed = Some(Proposed { value, made });
        Ok(result)
    }

    fn replace(&mut self, value: T, version: Option<Version>) {
        self.proposed = None;
        self.value = value;
        self.version = version;
        self.unsaved = false;
    }

    fn file(&self) -> HostFile<'_> {
        HostFile::new(&self.path, self.scope)
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.proposed {
            Some(proposed) if proposed.made.get().is_some() => &proposed.value,
            _ => &self.value,
        }
    }
}

impl<T> DerefMut for State<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.take_made();
        self.unsaved = true;
        &mut self.value
    }
}

fn load<T: DeserializeOwned + Default>(file: &impl VersionedFile) -> Result<(T, Option<Version>)> {
    match file.read()? {
        Some(Snapshot { contents, version }) => {
            Ok((decode(file.path(), &contents)?, Some(version)))
        }
        None => Ok((T::default(), None)),
    }
}

fn save<T: Serialize + DeserializeOwned>(
    file: &impl VersionedFile,
    value: &T,
    loaded: Option<Version>,
) -> Result<Version> {
    file.write_if(
        &encode(file.path(), value)?,
        Precondition::unchanged(loaded),
    )
}

/// A changed value with its encoding, and what the change returned.
struct Changed<T, R> {
    value: T,
    result: R,
    json: Vec<u8>,
}

impl<T, R> AsRef<[u8]> for Changed<T, R> {
    fn as_ref(&self) -> &[u8] {
        &self.json
    }
}

fn update_value<T, R, E>(
    file: &impl VersionedFile,
    mut change: impl FnMut(&mut T) -> Result<R, E>,
) -> Result<(Changed<T, R>, Version), E>
where
    T: Serialize + DeserializeOwned + Default,
    E: From<Error>,
{
    update(file, |old| {
        let mut value = match old {
            Some(json) => decode(file.path(), json)?,
            None => T::default(),
        };
        let result = change(&mut value)?;
        let json = encode(file.path(), &value)?;
        Ok(Changed {
            value,
            result,
            json,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::tests::MemoryFile;
    use std::collections::BTreeMap;

    type Numbers = Vec<u32>;

    fn push(file: &MemoryFile, number: u32) -> Result<(Changed<Numbers, usize>, Version)> {
        update_value(file, |numbers: &mut Numbers| {
            numbers.push(number);
            Ok(numbers.len())
        })
    }

    #[test]
    fn an_absent_file_is_the_default() {
        let file = MemoryFile::default();
        let (numbers, version) = load::<Numbers>(&file).unwrap();
        assert!(numbers.is_empty());
        assert_eq!(version, None);
        assert_eq!(file.text(), None, "loading writes nothing");
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let file = MemoryFile::default();
        let version = save(&file, &vec![1, 2], None).unwrap();
        let loaded = load::<Numbers>(&file).unwrap();
        assert_eq!(loaded, (vec![1, 2], Some(version)));
    }

    #[test]
    fn a_corrupt_file_is_never_overwritten() {
        for corrupt in ["", "[1, 2", "{}", "[1] [2]"] {
            let file = MemoryFile::with(corrupt);
            let error = load::<Numbers>(&file).unwrap_err();
            assert!(matches!(error, Error::Corrupt { .. }), "{error}");
            let error = push(&file, 3).map(|_| ()).unwrap_err();
            assert!(matches!(error, Error::Corrupt { .. }), "{error}");
            assert_eq!(file.text().as_deref(), Some(corrupt));
        }
    }

    #[test]
    fn a_save_does_not_overwrite_what_it_has_not_seen() {
        let file = MemoryFile::with("[1]");
        let (numbers, version) = load::<Numbers>(&file).unwrap();
        file.others.replace(vec!["[1, 7]"]);
        let error = save(&file, &numbers, version).unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
        assert_eq!(file.text().as_deref(), Some("[1, 7]"));
    }

    #[test]
    fn an_update_keeps_what_others_wrote() {
        let file = MemoryFile::with("[1]");
        file.others.replace(vec!["[1, 7]"]);
        let (changed, version) = push(&file, 2).unwrap();
        assert_eq!(changed.value, [1, 7, 2]);
        assert_eq!(changed.result, 3);
        assert_eq!(load::<Numbers>(&file).unwrap().1, Some(version));
    }

    #[test]
    fn what_is_not_json_is_not_written() {
        let file = MemoryFile::with("{}");
        let value = BTreeMap::from([(vec![1], 2)]);
        let error = save(&file, &value, None).unwrap_err();
        assert!(matches!(error, Error::NotSerializable { .. }), "{error}");
        assert_eq!(file.text().as_deref(), Some("{}"));
    }

    #[test]
    fn borrowing_mutably_marks_the_value_unsaved() {
        let mut state = State {
            path: "file".into(),
            scope: Scope::Ability,
            value: vec![1],
            version: None,
            unsaved: false,
            proposed: None,
        };
        assert_eq!(state.len(), 1);
        assert!(!state.unsaved);
        state.push(2);
        assert!(state.unsaved);
    }
}
