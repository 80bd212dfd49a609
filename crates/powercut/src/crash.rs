//! The disks that a power cut may leave.
//!
//! All that was written before the last flush is there. Of what was written after
//! it, a disk with a volatile cache may have kept anything: all, nothing, or some,
//! in any order, with the last pages of a write or without.

use crate::disk::image::PAGE;
use crate::disk::{Event, Image};
use crate::recording::Recording;

/// One way to cut the power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// After which event.
    pub position: usize,
    pub kept: Kept,
}

/// What the cache had written by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    All,
    /// Some, chosen with this seed.
    Some(u64),
    /// Not even what the last flush was about: a disk that lies. For checking
    /// that the laboratory finds out.
    NotTheLastFlush,
}

/// Chooses at most about `images` cuts of a recording, in the order of their
/// positions.
pub fn choose(recording: &Recording, images: usize, seed: u64) -> Vec<Cut> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut positions = positions(recording);
    // A cut keeps all, or some; each place deserves both.
    let most = images.div_ceil(2).max(1);
    if positions.len() > most {
        random.shuffle(&mut positions);
        positions.truncate(most);
        positions.sort_unstable();
    }
    let places = positions.len().max(1);
    let mut cuts = Vec::new();
    for (i, position) in positions.into_iter().enumerate() {
        cuts.push(Cut {
            position,
            kept: Kept::All,
        });
        let share = (i + 1) * images / places - i * images / places;
        let some = (1..share).map(|_| Cut {
            position,
            kept: Kept::Some(random.u64(..)),
        });
        cuts.extend(some);
    }
    cuts
}

/// After every write and every acknowledgement.
pub fn positions(recording: &Recording) -> Vec<usize> {
    let events = recording.log.events().iter().enumerate();
    let events = events.skip(recording.begin);
    let of_interest =
        events.filter(|(_, event)| event.changes_the_disk() || matches!(event, Event::Mark(_)));
    of_interest.map(|(position, _)| position).collect()
}

/// Makes the images of cuts, which must come in the order of their positions.
pub struct Crashes<'a> {
    events: &'a [Event],
    /// All that was flushed.
    durable: Image,
    /// What was flushed but for the last flush.
    before_last_flush: Image,
    /// The events after the last flush.
    pending: std::ops::Range<usize>,
}

impl<'a> Crashes<'a> {
    pub fn of(recording: &'a Recording) -> Self {
        Self {
            events: recording.log.events(),
            durable: recording.base.clone(),
            before_last_flush: recording.base.clone(),
            pending: 0..0,
        }
    }

    pub fn image(&mut self, cut: Cut) -> Image {
        while self.pending.end <= cut.position {
            let next = self.pending.end;
            self.pending.end += 1;
            if self.events[next] == Event::Flush {
                self.before_last_flush = self.durable.clone();
                for event in &self.events[self.pending.clone()] {
                    event.apply(&mut self.durable);
                }
                self.pending.start = self.pending.end;
            }
        }
        let pending = &self.events[self.pending.clone()];
        match cut.kept {
            Kept::All => {
                let mut image = self.durable.clone();
                pending.iter().for_each(|event| event.apply(&mut image));
                image
            }
            Kept::Some(seed) => {
                let mut image = self.durable.clone();
                keep_some(pending, &mut image, seed);
                image
            }
            Kept::NotTheLastFlush => self.before_last_flush.clone(),
        }
    }
}

/// Each write is there or not; in half of the images, each page of it.
fn keep_some(pending: &[Event], image: &mut Image, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let share = 0.25 + 0.65 * random.f64();
    let torn = random.bool();
    for event in pending {
        match event {
            Event::Write { offset, contents } if torn => {
                for (page, part) in contents.chunks(PAGE).enumerate() {
                    if random.f64() < share {
                        image.write(part, offset + (page * PAGE) as u64);
                    }
                }
            }
            _ if random.f64() < share => event.apply(image),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Log;
    use crate::file_system::FileSystem;
    use crate::promise::History;

    fn write(byte: u8, offset: u64) -> Event {
        Event::Write {
            offset,
            contents: vec![byte; 2 * PAGE],
        }
    }

    fn recording(events: &[Event]) -> Recording {
        let mut log = Log::default();
        events.iter().for_each(|event| log.push(event.clone()));
        Recording {
            file_system: FileSystem::Ext4,
            base: Image::zeros(16 * PAGE as u64),
            log,
            begin: 0,
            history: History::default(),
            replay_is_the_disk: None,
        }
    }

    fn first_bytes(image: &Image) -> [u8; 2] {
        [0, 1].map(|page| {
            let mut byte = [0];
            image.read(&mut byte, (page * PAGE) as u64);
            byte[0]
        })
    }

    #[test]
    fn what_was_flushed_is_there_and_nothing_from_the_future() {
        let recording = recording(&[write(1, 0), Event::Flush, write(2, 0), write(3, 0)]);
        let mut crashes = Crashes::of(&recording);
        for seed in 0..100 {
            let kept = Kept::Some(seed);
            let image = crashes.image(Cut { position: 2, kept });
            assert!(first_bytes(&image).iter().all(|byte| [1, 2].contains(byte)));
        }
        let kept = Kept::All;
        assert_eq!(
            first_bytes(&crashes.image(Cut { position: 2, kept })),
            [2, 2]
        );
        assert_eq!(
            first_bytes(&crashes.image(Cut { position: 3, kept })),
            [3, 3]
        );
        let kept = Kept::NotTheLastFlush;
        assert_eq!(
            first_bytes(&crashes.image(Cut { position: 3, kept })),
            [0, 0]
        );
    }

    #[test]
    fn a_cut_leaves_every_mixture() {
        let recording = recording(&[write(1, 0), Event::Flush, write(2, 0)]);
        let mut crashes = Crashes::of(&recording);
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..100 {
            let kept = Kept::Some(seed);
            seen.insert(first_bytes(&crashes.image(Cut { position: 2, kept })));
        }
        assert_eq!(seen, [[1, 1], [1, 2], [2, 1], [2, 2]].into());
    }

    #[test]
    fn cuts_are_as_many_as_asked_for_in_the_order_of_the_log() {
        let events: Vec<_> = (0..40).map(|i| write(1, i)).collect();
        let recording = recording(&events);
        for images in [10, 40, 100, 1_000] {
            let cuts = choose(&recording, images, 1);
            assert!(cuts.is_sorted_by_key(|cut| cut.position));
            assert!(
                cuts.len().abs_diff(images) <= 1,
                "{} of {images}",
                cuts.len()
            );
        }
        let all = choose(&recording, 80, 1);
        assert_eq!(all.iter().filter(|cut| cut.kept == Kept::All).count(), 40);
    }
}
