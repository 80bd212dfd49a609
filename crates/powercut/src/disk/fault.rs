//! Writes that fail for a while, as on a thin volume without space or a flaky disk.

use super::image::{Image, PAGE};
use super::layout::Layout;
use fuser::Errno;

/// Which writes of the data of files fail, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub which: Which,
    pub error: Reason,
    /// After so many the disk works again by itself.
    pub most: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    All,
    /// To pages that were never written: what was given to the disk before, it keeps.
    New,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// `EIO`
    Broken,
    /// `ENOSPC`
    Full,
}

impl Fault {
    /// Such as `new full 12`.
    pub fn to_text(&self) -> String {
        let which = match self.which {
            Which::All => "all",
            Which::New => "new",
        };
        let error = match self.error {
            Reason::Broken => "broken",
            Reason::Full => "full",
        };
        format!("{which} {error} {}", self.most)
    }

    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let which = match words.next()? {
            "all" => Which::All,
            "new" => Which::New,
            _ => return None,
        };
        let error = match words.next()? {
            "broken" => Reason::Broken,
            "full" => Reason::Full,
            _ => return None,
        };
        let most = words.next()?.parse().ok()?;
        Some(Self { which, error, most })
    }
}

/// The faults of a disk.
#[derive(Debug, Default)]
pub struct Faults {
    /// Of the file system on it, once that was made.
    pub layout: Option<Layout>,
    pub fault: Option<Fault>,
    /// Writes that have failed so far.
    pub failed: u64,
}

impl Faults {
    /// The error of a write, if it is to fail.
    pub fn meet(&mut self, image: &Image, offset: u64, contents: &[u8]) -> Option<Errno> {
        let (Some(layout), Some(fault)) = (&self.layout, &mut self.fault) else {
            return None;
        };
        if fault.most == 0 || !layout.is_data(image, offset, contents) {
            return None;
        }
        let end = offset + contents.len() as u64;
        let mut pages = (offset..end).step_by(PAGE);
        if fault.which == Which::New && pages.all(|page| image.has_page(page)) {
            return None;
        }
        fault.most -= 1;
        self.failed += 1;
        Some(match fault.error {
            Reason::Broken => Errno::EIO,
            Reason::Full => Errno::ENOSPC,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: [u8; 2 * PAGE] = [7; 2 * PAGE];

    /// Which of these writes fail: to the log, of a structure, new data, old data, data
    /// that is partly new.
    fn failing(which: Which, most: u64) -> Vec<bool> {
        let page = PAGE as u64;
        let mut image = Image::zeros(32 * page);
        image.write(&[1; PAGE], 8 * page);
        image.write(&[1; PAGE], 9 * page);
        image.write(&[1; PAGE], 10 * page);
        let mut faults = Faults {
            layout: Some(Layout::Xfs { log: 0..4 }),
            fault: Some(Fault {
                which,
                error: Reason::Full,
                most,
            }),
            failed: 0,
        };
        let mut structure = DATA;
        structure[..4].copy_from_slice(b"XDB3");
        let writes = [(2, DATA), (6, structure), (20, DATA), (8, DATA), (10, DATA)];
        let failing = writes.map(|(at, bytes)| faults.meet(&image, at * page, &bytes).is_some());
        assert_eq!(
            faults.failed,
            failing.iter().filter(|it| **it).count() as u64
        );
        failing.to_vec()
    }

    #[test]
    fn only_data_fails_until_there_were_enough_faults() {
        let all = failing(Which::All, u64::MAX);
        assert_eq!(all, [false, false, true, true, true]);
        let new = failing(Which::New, u64::MAX);
        assert_eq!(new, [false, false, true, false, true]);
        let one = failing(Which::All, 1);
        assert_eq!(one, [false, false, true, false, false]);
    }
}
