//! One part of the demo: the transcript is fed, the ability is killed again and again, and what it
//! acknowledged is compared with what is there.
//!
//! Must never treat the two ways of storing differently: what the table compares is decided here.

use super::answer::Answer;
use super::conversation::{Conversation, Launcher};
use super::inspect::{Condition, condition, leftovers};
use super::ledger::Ledger;
use super::pace::{Moment, Pace};
use super::random::Random;
use super::transcript;
use crate::progress::Meter;
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The file that the ability keeps.
pub const FILE: &str = "audit_chain.json";

/// How many lines are fed to learn how long one takes.
const MEASURED_LINES: usize = 24;

/// Where one way of storing is tried.
pub struct Place {
    pub launcher: Launcher,
    /// The directory that holds the file, and nothing else that a person should see.
    pub directory: PathBuf,
}

/// How much is fed and killed.
#[derive(Clone, Copy)]
pub struct Effort {
    pub lines: usize,
    pub kills: usize,
    /// Go on, up to so many kills, while nothing was lost: a small window takes luck to hit.
    pub most_kills: usize,
}

/// How often a kill left the file like this.
#[derive(Clone, Copy, Default)]
pub struct Damage {
    pub missing: usize,
    pub empty: usize,
    pub torn: usize,
}

impl Damage {
    pub fn total(&self) -> usize {
        self.missing + self.empty + self.torn
    }

    fn count(&mut self, condition: Condition) {
        match condition {
            Condition::Whole => {}
            Condition::Missing => self.missing += 1,
            Condition::Empty => self.empty += 1,
            Condition::Torn => self.torn += 1,
        }
    }
}

/// What was seen.
pub struct Outcome {
    pub lines: usize,
    pub kills: usize,
    pub acknowledged: usize,
    pub found: usize,
    pub lost: usize,
    pub damage: Damage,
    pub verified: bool,
    pub leftovers: Vec<String>,
    pub contradictions: Vec<String>,
}

/// Learns how long the ability takes to start and to save a line, undisturbed.
pub fn measure(place: &Place) -> Result<Pace> {
    // The first start compiles the component; the others load it from the cache.
    begin(&place.launcher)?.0.close()?;
    let started = Instant::now();
    let (mut conversation, ..) = begin(&place.launcher)?;
    let mut pace = Pace::new(started.elapsed());
    for number in 0..MEASURED_LINES {
        let fed = Instant::now();
        conversation.say(&transcript::line(number));
        match conversation.answer()? {
            Some(Answer::Ok { .. }) => pace.saw_line(fed.elapsed()),
            _ => break,
        }
    }
    conversation.close()?;
    Ok(pace)
}

/// Starts the ability where nothing is to kill it.
fn begin(launcher: &Launcher) -> Result<(Conversation, usize, String)> {
    let mut conversation = launcher.start()?;
    match conversation.answer()? {
        Some(Answer::Ready { count, head }) => Ok((conversation, count, head)),
        Some(Answer::Ok { .. }) => bail!("the ability said `ok` before `ready`"),
        None => {
            conversation.close()?;
            bail!("the ability ended before it was ready")
        }
    }
}

pub struct Campaign<'a> {
    place: &'a Place,
    effort: Effort,
    random: Random,
    pace: Pace,
    ledger: Ledger,
    damage: Damage,
    lines: usize,
    kills: usize,
}

impl<'a> Campaign<'a> {
    pub fn new(place: &'a Place, effort: Effort, random: Random, pace: Pace) -> Self {
        Self {
            place,
            effort,
            random,
            pace,
            ledger: Ledger::default(),
            damage: Damage::default(),
            lines: effort.lines,
            kills: 0,
        }
    }

    pub fn run(mut self, meter: &mut Meter) -> Result<Outcome> {
        while self.kills < self.effort.kills {
            self.live_and_die()?;
            self.report(meter);
        }
        while self.ledger.lost() == 0 && self.kills < self.effort.most_kills {
            self.lines += self.effort.lines.div_ceil(self.effort.kills.max(1));
            self.live_and_die()?;
            self.report(meter);
        }
        self.live_to_the_end(meter)?;
        self.look()
    }

    fn report(&self, meter: &mut Meter) {
        let (fed, kills, lost) = (self.ledger.next_line(), self.kills, self.ledger.lost());
        let lost = if lost == 0 {
            String::new()
        } else {
            format!(", {lost} records lost")
        };
        meter.set(
            fed,
            format!("{fed}/{} lines, {kills} kills{lost}", self.lines),
        );
    }

    fn lines_left(&self) -> usize {
        self.lines.saturating_sub(self.ledger.next_line())
    }

    /// One life that ends with a kill, and a look at what it left.
    fn live_and_die(&mut self) -> Result<()> {
        let file = self.place.directory.join(FILE);
        let condition_before = condition(&file)?;
        let acknowledged_before = self.ledger.acknowledged();

        self.live()?;
        self.kills += 1;

        // Missing at its start and still so is no damage of this life.
        let after = condition(&file)?;
        let saved_something = self.ledger.acknowledged() > acknowledged_before;
        if after != condition_before || saved_something {
            self.damage.count(after);
        }
        Ok(())
    }

    /// Feeds lines until the kill comes.
    fn live(&mut self) -> Result<()> {
        let kills_left = self.effort.kills.saturating_sub(self.kills).max(1);
        let left = self.lines_left();
        // Something must be left to feed for each kill to come.
        let most = left.saturating_sub(kills_left - 1).max(left.min(1));
        let moment = self.pace.choose(&mut self.random, left, kills_left, most);

        let mut conversation = self.place.launcher.start()?;
        if let Moment::AtStart(delay) = moment {
            conversation.kill_in(delay);
        }
        if !self.greet(&mut conversation)? {
            return conversation.die();
        }
        for number in 0..most {
            let kill_in = match moment {
                Moment::AfterLine(line, delay) if line == number => Some(delay),
                _ => None,
            };
            if self.lines_left() == 0 || !self.feed(&mut conversation, kill_in)? {
                break;
            }
        }
        // The lines may be used up before the chosen one: the restart found one more than expected.
        conversation.kill_in(moment.delay());
        conversation.die()
    }

    /// Hears what the ability found; false if it is gone.
    fn greet(&mut self, conversation: &mut Conversation) -> Result<bool> {
        match conversation.answer()? {
            Some(Answer::Ready { count, head }) => {
                self.ledger.restarted(count, head);
                Ok(true)
            }
            Some(Answer::Ok { .. }) => bail!("the ability said `ok` before `ready`"),
            None => Ok(false),
        }
    }

    /// Feeds the next line and hears the answer; false if the ability is gone.
    fn feed(&mut self, conversation: &mut Conversation, kill_in: Option<Duration>) -> Result<bool> {
        let fed = Instant::now();
        conversation.say(&transcript::line(self.ledger.next_line()));
        self.ledger.fed();
        if let Some(delay) = kill_in {
            conversation.kill_in(delay);
        }
        match conversation.answer()? {
            Some(Answer::Ok { sequence, head }) => {
                self.pace.saw_line(fed.elapsed());
                self.ledger.saved(sequence, head);
                Ok(true)
            }
            Some(Answer::Ready { .. }) => bail!("the ability said `ready` twice"),
            None => Ok(false),
        }
    }

    /// The last life: the rest of the lines, no kill.
    fn live_to_the_end(&mut self, meter: &mut Meter) -> Result<()> {
        let (mut conversation, count, head) = begin(&self.place.launcher)?;
        self.ledger.restarted(count, head);
        while self.lines_left() > 0 && self.feed(&mut conversation, None)? {
            self.report(meter);
        }
        conversation.close()
    }

    /// What is there in the end, by the ability's word, by its own check, and by the directory.
    fn look(mut self) -> Result<Outcome> {
        let (conversation, count, head) = begin(&self.place.launcher)?;
        conversation.close()?;
        self.ledger.restarted(count, head);
        Ok(Outcome {
            lines: self.lines,
            kills: self.kills,
            acknowledged: self.ledger.acknowledged(),
            found: count,
            lost: self.ledger.lost(),
            damage: self.damage,
            verified: self.place.launcher.verify()?,
            leftovers: leftovers(&self.place.directory, FILE)?,
            contradictions: self.ledger.contradictions().to_vec(),
        })
    }
}
