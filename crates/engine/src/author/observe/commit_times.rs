//! How long commits took: a histogram whose buckets double.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The number of buckets; the last one has no upper bound.
const BUCKETS: usize = 22;

/// The upper bound of the first bucket.
const FIRST_BOUND_MICROS: u64 = 16;

/// How long the commits of a volume took that were made.
///
/// The upper bounds of the buckets double, from 16 µs to about 17 s, and the last bucket
/// holds what took longer. All volumes have the same bounds, so the histograms of several
/// can be added up bucket by bucket.
///
/// ```
/// use ability_storage_engine::{Change, FilePath, MemoryVolume, Volume};
///
/// let volume = MemoryVolume::new();
/// volume.commit(Change::write(FilePath::new("a.txt")?, b"text").into())?;
/// let times = volume.counters().commit_times;
/// assert_eq!(times.count(), 1);
/// assert!(times.quantile(0.99) >= Some(times.total()));
/// # Ok::<(), ability_storage_engine::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitTimes {
    counts: [u64; BUCKETS],
    total_micros: u64,
}

impl CommitTimes {
    /// Each bucket: its upper bound, which belongs to it, and the number of commits in it.
    /// The bound of the last one is [`Duration::MAX`].
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        let counts = self.counts.iter().enumerate();
        counts.map(|(index, count)| (bound(index), *count))
    }

    /// The number of commits.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The sum of all times.
    pub fn total(&self) -> Duration {
        Duration::from_micros(self.total_micros)
    }

    /// The upper bound of the bucket in which this share of all commits is reached:
    /// `quantile(0.99)` is a time that 99 of 100 commits did not exceed. `None` if there was
    /// no commit.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let all = self.count();
        let wanted = (share.clamp(0.0, 1.0) * all as f64).ceil().max(1.0);
        let mut seen = 0;
        let mut reached = self.buckets().filter(|(_, count)| {
            seen += count;
            seen as f64 >= wanted
        });
        reached.next().map(|(bound, _)| bound)
    }
}

/// Counts the times of commits.
#[derive(Debug, Default)]
pub(super) struct Clock {
    counts: [AtomicU64; BUCKETS],
    total_micros: AtomicU64,
}

impl Clock {
    pub(super) fn add(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket(micros)].fetch_add(1, Ordering::Relaxed);
        self.total_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn times(&self) -> CommitTimes {
        let mut times = CommitTimes {
            total_micros: self.total_micros.load(Ordering::Relaxed),
            ..CommitTimes::default()
        };
        for (time, counted) in times.counts.iter_mut().zip(&self.counts) {
            *time = counted.load(Ordering::Relaxed);
        }
        times
    }
}

fn bound(index: usize) -> Duration {
    match index {
        last if last == BUCKETS - 1 => Duration::MAX,
        index => Duration::from_micros(FIRST_BOUND_MICROS << index),
    }
}

fn bucket(micros: u64) -> usize {
    let exceeded = |index: &usize| micros > FIRST_BOUND_MICROS << index;
    (0..BUCKETS - 1).take_while(exceeded).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_in_the_bucket_whose_bound_it_does_not_exceed() {
        for (micros, expected) in [(0, 16), (16, 16), (17, 32), (32, 32), (1_000, 1_024)] {
            let clock = Clock::default();
            clock.add(Duration::from_micros(micros));
            let times = clock.times();
            let counted: Vec<_> = times.buckets().filter(|(_, count)| *count > 0).collect();
            assert_eq!(counted, [(Duration::from_micros(expected), 1)]);
            assert_eq!(times.total(), Duration::from_micros(micros));
        }
        let clock = Clock::default();
        clock.add(Duration::from_secs(3_600));
        assert_eq!(clock.times().quantile(0.5), Some(Duration::MAX));
    }

    #[test]
    fn a_quantile_is_a_bound_that_so_many_do_not_exceed() {
        let clock = Clock::default();
        assert_eq!(clock.times().quantile(0.5), None);
        (0..99).for_each(|_| clock.add(Duration::from_micros(10)));
        clock.add(Duration::from_micros(100));
        let times = clock.times();
        assert_eq!(times.count(), 100);
        for (share, micros) in [(0.0, 16), (0.5, 16), (0.99, 16), (0.991, 128), (1.0, 128)] {
            assert_eq!(times.quantile(share), Some(Duration::from_micros(micros)));
        }
    }
}
