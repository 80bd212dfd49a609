//! The numbers: what the files come to, and what is reserved on top of that.

use super::{Growth, minus, plus};
use crate::Usage;
use std::time::{Duration, Instant};

/// Counting again takes at most this share of the time.
const COUNTING_SHARE: u32 = 50;

/// The same for counts before a refusal that is in doubt, which wait for that.
const DOUBTFUL_SHARE: u32 = 4;

/// The longest time that such a count waits.
const DOUBTFUL_WAIT: Duration = Duration::from_millis(100);

/// How long a count is good for at least.
pub(super) const COUNT_AGE: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Ledger {
    pub(super) counted: Option<Counted>,
    /// How many counts have ended with a result.
    pub(super) counts: u64,
    /// While a count is made: what was committed since it began.
    pub(super) counting: Option<Growth>,
    pub(super) reserved: Reserved,
}

/// What the last count says, and the commits since then.
#[derive(Clone, Copy)]
pub(super) struct Counted {
    pub(super) low: Usage,
    pub(super) high: Usage,
    pub(super) ended: Instant,
    pub(super) took: Duration,
}

/// What all open reservations may add. Wider than what is counted, so that no sum is cut
/// off and then too low when a reservation is taken back.
#[derive(Default)]
pub(super) struct Reserved {
    pub(super) bytes: u128,
    pub(super) files: u128,
}

impl Ledger {
    /// Without a result, the next caller counts, and gets the error.
    pub(super) fn end_count(&mut self, found: Option<Usage>, took: Duration) {
        let meanwhile = self.counting.take().unwrap_or_default();
        self.counted = found.map(|found| Counted {
            low: minus(found, meanwhile.less),
            high: plus(found, meanwhile.more),
            ended: Instant::now(),
            took,
        });
        self.counts += u64::from(found.is_some());
    }

    /// A commit was made, for which there was room when so many counts had ended.
    pub(super) fn keep(&mut self, growth: &Growth, counts: u64) {
        let Growth { less, more } = growth.net();
        if let Some(meanwhile) = &mut self.counting {
            meanwhile.less = plus(meanwhile.less, less);
            meanwhile.more = plus(meanwhile.more, more);
        }
        let Some(counted) = &mut self.counted else {
            return;
        };
        counted.high = plus(counted.high, more);
        counted.low = minus(counted.low, less);
        if counts == self.counts {
            // The last count cannot have seen it.
            counted.high = minus(counted.high, less);
            counted.low = plus(counted.low, more);
        }
    }
}

impl Counted {
    pub(super) fn is_old(&self) -> bool {
        self.ended.elapsed() >= COUNT_AGE.max(self.took * COUNTING_SHARE)
    }

    /// Whether it is counted again before something is refused.
    pub(super) fn is_to_be_checked(&self) -> bool {
        self.ended.elapsed() >= COUNT_AGE
    }

    /// How long to wait until the next count, so that refusals do not slow all others.
    pub(super) fn rest(&self) -> Duration {
        let rest = DOUBTFUL_WAIT.min(self.took * DOUBTFUL_SHARE);
        rest.saturating_sub(self.ended.elapsed())
    }
}

impl Reserved {
    pub(super) fn add(&mut self, growth: &Growth) {
        let more = growth.net().more;
        self.bytes += u128::from(more.bytes);
        self.files += u128::from(more.files);
    }

    pub(super) fn take_back(&mut self, growth: &Growth) {
        let more = growth.net().more;
        self.bytes = self.bytes.saturating_sub(u128::from(more.bytes));
        self.files = self.files.saturating_sub(u128::from(more.files));
    }

    pub(super) fn on_top_of(&self, usage: Usage) -> Usage {
        let part = |sum: u128| u64::try_from(sum).unwrap_or(u64::MAX);
        let (bytes, files) = (part(self.bytes), part(self.files));
        plus(usage, Usage { bytes, files })
    }
}
