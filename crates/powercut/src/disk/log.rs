//! What happened to a disk, in the order in which it happened.

use super::image::Image;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Bytes reached the disk; they last from the next flush on.
    Write { offset: u64, contents: Vec<u8> },
    /// Like a write of zeros.
    Zero { offset: u64, bytes: u64 },
    /// All that was written before lasts.
    Flush,
    /// Something that the writer noted: what the number means, it knows.
    Mark(u64),
}

impl Event {
    /// Does to `image` what was done to the disk.
    pub fn apply(&self, image: &mut Image) {
        match self {
            Event::Write { offset, contents } => image.write(contents, *offset),
            Event::Zero { offset, bytes } => image.zero(*offset, *bytes),
            Event::Flush | Event::Mark(_) => {}
        }
    }

    pub fn changes_the_disk(&self) -> bool {
        matches!(self, Event::Write { .. } | Event::Zero { .. })
    }
}

/// All that happened, from the first event on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    events: Vec<Event>,
}

impl Log {
    pub fn push(&mut self, event: Event) {
        self.events.push(event);
    }

    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Where each mark stands for the first time.
    pub fn marks(&self) -> HashMap<u64, usize> {
        let mut positions = HashMap::new();
        for (position, event) in self.events.iter().enumerate() {
            if let Event::Mark(mark) = event {
                positions.entry(*mark).or_insert(position);
            }
        }
        positions
    }

    /// `base` after all that happened.
    pub fn replay(&self, base: &Image) -> Image {
        let mut image = base.clone();
        self.events.iter().for_each(|event| event.apply(&mut image));
        image
    }

    pub fn save(&self, path: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        for event in &self.events {
            let (kind, a, b, contents): (u8, u64, u64, &[u8]) = match event {
                Event::Write { offset, contents } => (0, *offset, contents.len() as u64, contents),
                Event::Zero { offset, bytes } => (1, *offset, *bytes, &[]),
                Event::Flush => (2, 0, 0, &[]),
                Event::Mark(mark) => (3, *mark, 0, &[]),
            };
            out.write_all(&[kind])?;
            out.write_all(&a.to_le_bytes())?;
            out.write_all(&b.to_le_bytes())?;
            out.write_all(contents)?;
        }
        out.flush()
    }

    pub fn load(path: &Path) -> io::Result<Self> {
        let mut input = BufReader::new(File::open(path)?);
        let mut log = Self::default();
        let mut kind = [0];
        while input.read(&mut kind)? == 1 {
            let mut number = || {
                let mut bytes = [0; 8];
                input.read_exact(&mut bytes)?;
                io::Result::Ok(u64::from_le_bytes(bytes))
            };
            let (a, b) = (number()?, number()?);
            log.push(match kind[0] {
                0 => {
                    let mut contents = vec![0; b as usize];
                    input.read_exact(&mut contents)?;
                    Event::Write {
                        offset: a,
                        contents,
                    }
                }
                1 => Event::Zero {
                    offset: a,
                    bytes: b,
                },
                2 => Event::Flush,
                3 => Event::Mark(a),
                _ => return Err(ErrorKind::InvalidData.into()),
            });
        }
        Ok(log)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_survives_its_file() {
        let mut log = Log::default();
        log.push(Event::Write {
            offset: 512,
            contents: vec![1, 2, 3],
        });
        log.push(Event::Flush);
        log.push(Event::Zero {
            offset: 4096,
            bytes: 8192,
        });
        log.push(Event::Mark(u64::MAX));
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log");
        log.save(&path).expect("saved");
        assert_eq!(Log::load(&path).expect("loaded"), log);
    }
}
