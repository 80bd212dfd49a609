//! `Patience`: how long a volume waits for its store.

use std::time::{Duration, Instant};

/// How long a volume waits for the store, and how often it asks again.
///
/// ```
/// use ability_storage_object_store::Patience;
/// use std::time::Duration;
///
/// let patience = Patience::default().give_up_after(Duration::from_secs(10));
/// assert_eq!(patience.give_up_after, Duration::from_secs(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Patience {
    /// For how long a call goes on asking a store that does not answer, or answers
    /// with errors that may pass. Default: one minute.
    pub give_up_after: Duration,
    /// How long one request may take; one with contents is given a second more for
    /// each MiB. Default: 15 seconds.
    pub request: Duration,
    /// The first pause between two attempts; each further one is up to twice as
    /// long. Default: 20 milliseconds.
    pub first_pause: Duration,
    /// The longest pause. Default: 2 seconds.
    pub longest_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            give_up_after: Duration::from_secs(60),
            request: Duration::from_secs(15),
            first_pause: Duration::from_millis(20),
            longest_pause: Duration::from_secs(2),
        }
    }
}

impl Patience {
    /// This patience, but with another time after which to give up.
    pub fn give_up_after(mut self, time: Duration) -> Self {
        self.give_up_after = time;
        self
    }

    /// This patience, but with another time for one request.
    pub fn request(mut self, time: Duration) -> Self {
        self.request = time;
        self
    }

    /// This patience, but with other pauses.
    pub fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.first_pause = first;
        self.longest_pause = longest;
        self
    }

    /// How long a request may take that carries so many bytes.
    pub(crate) fn request_of(&self, bytes: u64) -> Duration {
        let more = Duration::from_secs(bytes >> 20);
        self.request.saturating_add(more)
    }
}

/// The attempts of one call.
#[derive(Debug)]
pub(crate) struct Attempts {
    patience: Patience,
    end: Option<Instant>,
    pause: Duration,
    losses: u32,
}

impl Attempts {
    pub(crate) fn new(patience: Patience) -> Self {
        Self {
            patience,
            // A time too far away to be told is no end at all.
            end: Instant::now().checked_add(patience.give_up_after),
            pause: patience.first_pause,
            losses: 0,
        }
    }

    fn is_over(&self) -> bool {
        self.end.is_some_and(|end| Instant::now() >= end)
    }

    /// Waits before the first attempt after a change for which others had to wait.
    pub(crate) async fn after_others(&self) {
        yield_to_others(2 * self.patience.first_pause).await;
    }

    /// Waits before the next attempt at what others were faster with; `false` if there
    /// is to be none. Who has lost more often waits less, so that nobody loses for ever:
    /// who has just won knows what to replace, and would be faster again and again.
    pub(crate) async fn next_among_others(&mut self) -> bool {
        if self.is_over() {
            return false;
        }
        self.losses += 1;
        yield_to_others(2 * self.patience.first_pause / self.losses).await;
        true
    }

    /// Waits before the next attempt; `false` if there is to be none.
    pub(crate) async fn next(&mut self) -> bool {
        if self.is_over() {
            return false;
        }
        // Those who got into each other's way must not meet again.
        let pause = self.pause.mul_f64(0.5 + fastrand::f64());
        self.pause = (self.pause * 2).min(self.patience.longest_pause);
        tokio::time::sleep(pause).await;
        true
    }
}

async fn yield_to_others(at_most: Duration) {
    tokio::time::sleep(at_most.mul_f64(fastrand::f64())).await;
}
