//! How long the ability takes, and from that the moments at which it is killed: spread evenly over
//! its start and over the whole of a line, so that no step of a commit is spared.

use super::random::Random;
use std::collections::VecDeque;
use std::time::Duration;

/// Times remembered: the file grows, and with it the time of a line.
const RECENT: usize = 32;

/// One kill in so many comes while the ability starts, and with it the recovery.
const AT_START: usize = 6;

/// A kill comes up to so many lines after the one for which it was set.
const LINES_AHEAD: f64 = 2.5;

pub struct Pace {
    start: Duration,
    lines: VecDeque<Duration>,
}

/// When a life of the ability ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    /// So long after its start.
    AtStart(Duration),
    /// So long after this line of this life, counted from 0, was fed.
    AfterLine(usize, Duration),
}

impl Moment {
    pub fn delay(self) -> Duration {
        match self {
            Self::AtStart(delay) | Self::AfterLine(_, delay) => delay,
        }
    }
}

impl Pace {
    pub fn new(start: Duration) -> Self {
        Self {
            start,
            lines: VecDeque::new(),
        }
    }

    pub fn saw_line(&mut self, time: Duration) {
        if self.lines.len() == RECENT {
            self.lines.pop_front();
        }
        self.lines.push_back(time);
    }

    /// The median time of a line, of the last ones.
    pub fn line(&self) -> Duration {
        let mut sorted: Vec<Duration> = self.lines.iter().copied().collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or(self.start)
    }

    pub fn start(&self) -> Duration {
        self.start
    }

    /// Chooses so that `kills` more kills use up about `lines` lines, of which this life may take
    /// `most`.
    pub fn choose(&self, random: &mut Random, lines: usize, kills: usize, most: usize) -> Moment {
        if most == 0 || random.below(AT_START) == 0 {
            return Moment::AtStart(random.up_to(self.start));
        }
        let share = lines as f64 / kills.max(1) as f64 * AT_START as f64 / (AT_START - 1) as f64;
        let before = (2.0 * (share - LINES_AHEAD / 2.0)).max(0.0) as usize;
        let line = random.below(before + 1).min(most - 1);
        Moment::AfterLine(line, random.up_to(self.line().mul_f64(LINES_AHEAD)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        let mut pace = Pace::new(Duration::from_millis(80));
        for time in [9, 2, 4, 3, 5] {
            pace.saw_line(Duration::from_millis(time));
        }
        pace
    }

    #[test]
    fn the_median_is_of_the_last_lines() {
        let mut pace = pace();
        assert_eq!(pace.line(), Duration::from_millis(4));
        for _ in 0..RECENT {
            pace.saw_line(Duration::from_millis(7));
        }
        assert_eq!(pace.line(), Duration::from_millis(7));
    }

    #[test]
    fn kills_are_spread_over_the_start_and_over_lines() {
        let (pace, mut random) = (pace(), Random::new(3));
        let moments: Vec<Moment> = (0..600)
            .map(|_| pace.choose(&mut random, 240, 60, 200))
            .collect();
        let at_start = moments
            .iter()
            .filter(|m| matches!(m, Moment::AtStart(_)))
            .count();
        assert!((60..140).contains(&at_start), "{at_start}");
        let delays = moments.iter().filter_map(|moment| match moment {
            Moment::AfterLine(_, delay) => Some(delay.as_millis() / 2),
            Moment::AtStart(_) => None,
        });
        let mut fifths = [0; 5];
        delays.for_each(|fifth| fifths[fifth.min(4) as usize] += 1);
        assert!(
            fifths.iter().all(|kills| (60..140).contains(kills)),
            "{fifths:?}"
        );
    }

    #[test]
    fn the_lines_last_until_the_last_kill() {
        let (pace, mut random) = (pace(), Random::new(5));
        for _ in 0..200 {
            assert!(matches!(
                pace.choose(&mut random, 3, 60, 0),
                Moment::AtStart(_)
            ));
            let moment = pace.choose(&mut random, 240, 60, 2);
            assert!(
                !matches!(moment, Moment::AfterLine(line, _) if line > 1),
                "{moment:?}"
            );
        }
    }
}
