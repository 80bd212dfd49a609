//! The contents of a disk, in pages. What was never written takes no memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use rustix::fs::{SeekFrom, seek};

/// Bytes of a page, which is also the piece of a write that a disk writes whole.
pub const PAGE: usize = 4096;

static ZEROS: [u8; PAGE] = [0; PAGE];

/// The bytes of a disk. A clone shares its pages until one of them changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    pages: Vec<Option<Arc<[u8; PAGE]>>>,
}

impl Image {
    /// `bytes` zeros; rounded down to whole pages.
    pub fn zeros(bytes: u64) -> Self {
        Self {
            pages: vec![None; (bytes / PAGE as u64) as usize],
        }
    }

    pub fn bytes(&self) -> u64 {
        (self.pages.len() * PAGE) as u64
    }

    fn page(&self, index: usize) -> &[u8; PAGE] {
        self.pages
            .get(index)
            .and_then(Option::as_deref)
            .unwrap_or(&ZEROS)
    }

    /// Whether the page at `offset` was written and not made zeros since.
    pub fn has_page(&self, offset: u64) -> bool {
        let page = self.pages.get(offset as usize / PAGE);
        page.is_some_and(Option::is_some)
    }

    /// Fills `buffer` from `offset` on; what is beyond the end reads as zeros.
    pub fn read(&self, buffer: &mut [u8], offset: u64) {
        for_pages(offset, buffer.len(), |index, start, range| {
            let length = range.len();
            buffer[range].copy_from_slice(&self.page(index)[start..start + length]);
        });
    }

    /// What is beyond the end is dropped.
    pub fn write(&mut self, contents: &[u8], offset: u64) {
        for_pages(offset, contents.len(), |index, start, range| {
            if let Some(page) = self.pages.get_mut(index) {
                let page = page.get_or_insert_with(|| Arc::new(ZEROS));
                let page = Arc::make_mut(page);
                page[start..start + range.len()].copy_from_slice(&contents[range]);
            }
        });
    }

    pub fn zero(&mut self, offset: u64, bytes: u64) {
        for_pages(offset, bytes as usize, |index, start, range| {
            match self.pages.get_mut(index) {
                Some(page) if range.len() == PAGE => *page = None,
                Some(Some(page)) => Arc::make_mut(page)[start..start + range.len()].fill(0),
                _ => {}
            }
        });
    }

    /// Makes a file the same as this image, writing no more of it than differs.
    pub fn put(&self, file: &File) -> io::Result<()> {
        let mut seen = vec![false; self.pages.len()];
        let mut buffer = vec![0; 64 * PAGE];
        for_extents(file, |offset, bytes| {
            let mut done = 0;
            while done < bytes {
                let part = &mut buffer[..(bytes - done).min(64 * PAGE as u64) as usize];
                file.read_exact_at(part, offset + done)?;
                let first = (offset + done) as usize / PAGE;
                for (index, there) in (first..).zip(part.chunks(PAGE)) {
                    let Some(seen) = seen.get_mut(index) else {
                        break;
                    };
                    *seen = true;
                    if there != self.page(index) {
                        file.write_all_at(self.page(index), (index * PAGE) as u64)?;
                    }
                }
                done += part.len() as u64;
            }
            Ok(())
        })?;
        for (index, page) in self.pages.iter().enumerate() {
            if let (Some(page), false) = (page, seen[index]) {
                file.write_all_at(&page[..], (index * PAGE) as u64)?;
            }
        }
        Ok(())
    }

    /// The image in a file, which may have holes.
    pub fn load(file: &File) -> io::Result<Self> {
        let mut image = Self::zeros(file.metadata()?.len());
        let mut page = [0; PAGE];
        for_extents(file, |offset, bytes| {
            for start in (offset..offset + bytes).step_by(PAGE) {
                file.read_exact_at(&mut page, start)?;
                if page != ZEROS {
                    image.write(&page, start);
                }
            }
            Ok(())
        })?;
        Ok(image)
    }

    /// Whether every byte is the same as in the first bytes of a device.
    pub fn equals(&self, device: &File) -> io::Result<bool> {
        let mut buffer = vec![0; 256 * PAGE];
        for (number, pages) in self.pages.chunks(256).enumerate() {
            let part = &mut buffer[..pages.len() * PAGE];
            device.read_exact_at(part, (number * 256 * PAGE) as u64)?;
            let first = number * 256;
            let mut read = (first..).zip(part.chunks(PAGE));
            if read.any(|(index, there)| there != self.page(index)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Calls `each` with a page's index, where in it to start, and which bytes of
/// the whole belong there.
fn for_pages(
    offset: u64,
    bytes: usize,
    mut each: impl FnMut(usize, usize, std::ops::Range<usize>),
) {
    let mut done = 0;
    while done < bytes {
        let position = offset as usize + done;
        let start = position % PAGE;
        let length = (PAGE - start).min(bytes - done);
        each(position / PAGE, start, done..done + length);
        done += length;
    }
}

/// Calls `each` with the offset and length of every piece of a file that is not a
/// hole.
fn for_extents(file: &File, mut each: impl FnMut(u64, u64) -> io::Result<()>) -> io::Result<()> {
    let mut position = 0;
    loop {
        let start = match seek(file, SeekFrom::Data(position)) {
            Ok(start) => start,
            Err(rustix::io::Errno::NXIO) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let end = seek(file, SeekFrom::Hole(start))?;
        each(start, end - start)?;
        position = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image_with(writes: &[(&[u8], u64)]) -> Image {
        let mut image = Image::zeros(16 * PAGE as u64);
        for (contents, offset) in writes {
            image.write(contents, *offset);
        }
        image
    }

    #[test]
    fn what_was_written_is_read_across_pages() {
        let image = image_with(&[(&[7; 10_000], 3_000)]);
        let mut buffer = [1; 12_000];
        image.read(&mut buffer, 2_000);
        assert_eq!(buffer[..1_000], [0; 1_000]);
        assert_eq!(buffer[1_000..11_000], [7; 10_000]);
        assert_eq!(buffer[11_000..], [0; 1_000]);
    }

    #[test]
    fn zeroing_leaves_what_is_around_it() {
        let mut image = image_with(&[(&[7; 16 * PAGE], 0)]);
        image.zero(100, 3 * PAGE as u64);
        let mut buffer = vec![0; 16 * PAGE];
        image.read(&mut buffer, 0);
        assert!(buffer[..100].iter().all(|byte| *byte == 7));
        assert!(buffer[100..100 + 3 * PAGE].iter().all(|byte| *byte == 0));
        assert!(buffer[100 + 3 * PAGE..].iter().all(|byte| *byte == 7));
    }

    #[test]
    fn a_clone_does_not_see_later_writes() {
        let mut image = image_with(&[(b"old", 0)]);
        let before = image.clone();
        image.write(b"new", 0);
        assert_ne!(image, before);
        assert_eq!(before, image_with(&[(b"old", 0)]));
    }

    #[test]
    fn a_file_becomes_what_the_image_is_whatever_it_held() {
        let file = tempfile::tempfile().expect("a file");
        file.set_len(16 * PAGE as u64).expect("a length");
        file.write_all_at(&[9; 2 * PAGE], 5 * PAGE as u64)
            .expect("written");
        for image in [
            image_with(&[(&[7; PAGE], 0), (b"x", 60_000)]),
            image_with(&[(b"y", 3 * PAGE as u64)]),
        ] {
            image.put(&file).expect("put");
            assert!(image.equals(&file).expect("read"));
            assert_eq!(Image::load(&file).expect("loaded"), {
                let mut dense = image.clone();
                dense.zero(16 * PAGE as u64, 0);
                dense
            });
        }
    }
}
