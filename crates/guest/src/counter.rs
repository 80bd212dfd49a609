//! `Counter`: numbers that are each given once, also to many instances at once.
//!
//! Must never take a file that it cannot read for a counter at zero, and never
//! give a number before the write that uses it up has returned: either way a
//! number could be given twice.

use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::scope::Scope;
use crate::text::without_mark;
use crate::update::{HostFile, VersionedFile, update};

/// Enough for some zeros in front, the same in all languages.
const MAX_DIGITS: usize = 64;

/// A counter in one file, for numbers that are each given once.
///
/// Instances that count in the same file at the same time never get the same
/// number. A number that was used up is not given again after a kill or a power
/// cut; one that was used up just before may be missing.
///
/// The file holds the last number that was used up, in plain decimal digits, so
/// that a person can read and repair it; a line end behind it, or a byte order mark
/// in front, does no harm. If
/// it is missing, the counter stands at zero. Each call writes the file once and
/// waits for the disk, so who needs many numbers [`add`](Self::add)s them in one
/// go.
///
/// ```no_run
/// use ability_storage_guest::{Counter, Error, Scope};
///
/// let tickets = Counter::new("tickets.txt", Scope::User);
/// println!("your ticket is {}", tickets.next()?);
///
/// // A hundred numbers for us alone.
/// let last = tickets.add(100)?;
/// for number in last - 99..=last {
///     println!("{number}");
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Counter {
    path: String,
    scope: Scope,
}

impl Counter {
    /// The counter in the file at `path`. Nothing is read or written yet.
    pub fn new(path: impl Into<String>, scope: Scope) -> Self {
        Self {
            path: path.into(),
            scope,
        }
    }

    /// Uses up the next number: 1 at first.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn next(&self) -> Result<u64> {
        self.add(1)
    }

    /// Uses up the next `count` numbers, and returns the last of them.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] if the file does not hold a number, also if it is
    /// empty, and [`Error::Unsupported`] if it is UTF-16: it is left as it is. [`Error::CounterExhausted`] if there are not
    /// so many numbers left. Else as [`update_file`](crate::update_file). After
    /// [`Error::Unconfirmed`] the numbers are used up in the file, or may be, but a power
    /// cut may undo that: do not use them, and they are at worst missing.
    pub fn add(&self, count: u64) -> Result<u64> {
        add(&self.file(), count)
    }

    /// Uses up the next number as a part of `batch`: see [`add_in`](Self::add_in).
    ///
    /// # Errors
    ///
    /// As [`add_in`](Self::add_in).
    pub fn next_in(&self, batch: &mut Batch) -> Result<u64> {
        self.add_in(batch, 1)
    }

    /// Like [`add`](Self::add), as a part of `batch`: made with its other steps, or not at
    /// all.
    ///
    /// The numbers can be written into other files of the batch. For all else they may be
    /// used only once the batch is committed, which is refused if anyone else has counted.
    ///
    /// # Errors
    ///
    /// Those of the file, as [`add`](Self::add); [`Error::Other`] if the batch is for another
    /// scope.
    pub fn add_in(&self, batch: &mut Batch, count: u64) -> Result<u64> {
        batch.check_scope(&self.path, self.scope)?;
        let contents = batch.read(&self.path)?;
        let sum = sum(contents.as_deref(), count, &self.file())?;
        batch.write(self.path.as_str(), sum.to_string());
        Ok(sum)
    }

    /// The last number that was used up; 0 if there is no file.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] if the file does not hold a number. Else as
    /// [`read_file`](crate::read_file), without [`Error::NotFound`].
    pub fn value(&self) -> Result<u64> {
        value(&self.file())
    }

    fn file(&self) -> HostFile<'_> {
        HostFile::new(&self.path, self.scope)
    }
}

fn add(file: &impl VersionedFile, count: u64) -> Result<u64> {
    let mut last = 0;
    update(file, |contents| {
        last = sum(contents, count, file)?;
        Ok::<_, Error>(last.to_string())
    })?;
    Ok(last)
}

fn sum(contents: Option<&[u8]>, count: u64, file: &impl VersionedFile) -> Result<u64> {
    let value = parse(contents, file)?;
    value
        .checked_add(count)
        .ok_or_else(|| Error::CounterExhausted {
            path: file.path().to_owned(),
            value,
        })
}

fn value(file: &impl VersionedFile) -> Result<u64> {
    let contents = file.read()?.map(|snapshot| snapshot.contents);
    parse(contents.as_deref(), file)
}

fn parse(contents: Option<&[u8]>, file: &impl VersionedFile) -> Result<u64> {
    let Some(contents) = contents else {
        return Ok(0);
    };
    // Editors put a mark in front of what people repair by hand, and a line end behind it.
    let text = without_mark(file.path(), contents)?;
    let digits = [&b"\r\n"[..], b"\n"]
        .iter()
        .find_map(|end| text.strip_suffix(*end))
        .unwrap_or(text);
    str::from_utf8(digits)
        .ok()
        // `parse` alone would take "+7".
        .filter(|digits| digits.len() <= MAX_DIGITS)
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| Error::Corrupt {
            path: file.path().to_owned(),
            reason: "it should hold the last number that was used up, in decimal digits".to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::tests::MemoryFile;

    #[test]
    fn counting_starts_with_one() {
        let file = MemoryFile::default();
        assert_eq!(value(&file), Ok(0));
        for expected in 1..=12 {
            assert_eq!(add(&file, 1), Ok(expected));
            assert_eq!(value(&file), Ok(expected));
        }
        assert_eq!(file.text().as_deref(), Some("12"));
    }

    #[test]
    fn many_numbers_in_one_go() {
        let file = MemoryFile::with("7");
        assert_eq!(add(&file, 100), Ok(107));
        assert_eq!(add(&file, 0), Ok(107));
        assert_eq!(file.text().as_deref(), Some("107"));
    }

    #[test]
    fn a_number_that_others_used_up_is_not_given() {
        let file = MemoryFile::with("5");
        file.others.replace(vec!["9", "6"]);
        assert_eq!(add(&file, 1), Ok(10));
    }

    #[test]
    fn a_number_that_may_come_again_is_not_given() {
        let file = MemoryFile::with("5");
        file.unconfirmed.set(true);
        assert!(add(&file, 1).unwrap_err().is_applied());
        file.unconfirmed.set(false);
        assert_eq!(add(&file, 1), Ok(7));
    }

    #[test]
    fn a_file_repaired_by_hand_counts() {
        assert_eq!(add(&MemoryFile::with("41\n"), 1), Ok(42));
    }

    /// The cases that all languages run.
    #[cfg(feature = "json")]
    #[test]
    fn files_count_as_in_the_other_languages() {
        let cases = include_str!("../../../sdk/cases/counters.json");
        let cases: Vec<serde_json::Value> = serde_json::from_str(cases).unwrap();
        assert!(cases.len() > 20);
        for case in cases {
            let text = |name: &str| case[name].as_str();
            let contents: Vec<u8> = match text("bytes") {
                Some(bytes) => bytes.chars().map(|byte| byte as u8).collect(),
                None => text("text").unwrap().into(),
            };
            let file = MemoryFile::default();
            file.contents.replace(Some(contents.clone()));
            let name = &case["name"];
            if let Some(expected) = text("value") {
                let expected = expected.parse().unwrap();
                assert_eq!(value(&file), Ok(expected), "{name}");
                assert_eq!(add(&file, 1), Ok(expected + 1), "{name}");
                assert_eq!(file.text(), Some((expected + 1).to_string()), "{name}");
                continue;
            }
            for result in [add(&file, 1), value(&file)] {
                match result.unwrap_err() {
                    Error::Corrupt { .. } => assert_eq!(case["corrupt"], true, "{name}"),
                    Error::Unsupported { reason, .. } => {
                        assert_eq!(text("unsupported"), Some(&*reason), "{name}");
                    }
                    error => panic!("{name}: {error}"),
                }
            }
            assert_eq!(*file.contents.borrow(), Some(contents), "{name}");
        }
    }

    #[test]
    fn it_ends_and_does_not_begin_again() {
        let last = u64::MAX.to_string();
        let file = MemoryFile::with(&last);
        assert_eq!(value(&file), Ok(u64::MAX));
        assert_eq!(
            add(&file, 1),
            Err(Error::CounterExhausted {
                path: "file".into(),
                value: u64::MAX
            })
        );
        assert_eq!(file.text(), Some(last));
    }
}
