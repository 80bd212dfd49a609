//! What must be in the ability's file, by what the ability itself said about it, and what of that
//! was lost.
//!
//! Must never take the ability's word for a record back: once acknowledged, a record that is not
//! found later counts as lost.

use super::answer::Head;

/// The records that the file holds, each by its head, and the one that may or may not be saved.
#[derive(Default)]
pub struct Ledger {
    records: Vec<Head>,
    in_flight: bool,
    acknowledged: usize,
    lost: usize,
    contradictions: Vec<String>,
}

impl Ledger {
    /// Records acknowledged: by an `ok`, or by a `ready` that counted one whose `ok` was cut off.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged
    }

    /// Acknowledged records that a restart did not find.
    pub fn lost(&self) -> usize {
        self.lost
    }

    /// What the ability said that no kill explains.
    pub fn contradictions(&self) -> &[String] {
        &self.contradictions
    }

    /// The number of the line to be fed next. An acknowledged line is never fed again, lost or not;
    /// one that was in flight when the process died is, if the restart did not find it.
    pub fn next_line(&self) -> usize {
        self.acknowledged
    }

    pub fn fed(&mut self) {
        self.in_flight = true;
    }

    pub fn saved(&mut self, sequence: usize, head: Head) {
        if sequence != self.records.len() + 1 {
            self.contradict(format!(
                "record {} was acknowledged as {sequence}",
                self.records.len() + 1
            ));
        }
        self.keep(head);
    }

    /// The process was started again and says what it found.
    pub fn restarted(&mut self, count: usize, head: Head) {
        let expected = self.records.len();
        if count == expected + 1 && self.in_flight {
            self.keep(head);
            return;
        }
        self.in_flight = false;
        if count > expected {
            self.contradict(format!("{count} records found, {expected} were written"));
        }
        // The first record of a history that is not ours says that none of ours is there.
        let same = count == 0 || count > expected || self.records[count - 1] == head;
        if !same {
            self.contradict(format!(
                "record {count} is not the one that was acknowledged"
            ));
        }
        let found = if same { count.min(expected) } else { 0 };
        self.lost += expected - found;
        self.records.truncate(found);
    }

    fn keep(&mut self, head: Head) {
        self.records.push(head);
        self.acknowledged += 1;
        self.in_flight = false;
    }

    fn contradict(&mut self, what: String) {
        self.contradictions.push(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(number: usize) -> Head {
        format!("head-{number}")
    }

    fn with_records(count: usize) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.restarted(0, head(0));
        for sequence in 1..=count {
            ledger.fed();
            ledger.saved(sequence, head(sequence));
        }
        ledger
    }

    #[test]
    fn a_clean_restart_loses_nothing() {
        let mut ledger = with_records(3);
        ledger.restarted(3, head(3));
        assert_eq!(
            (ledger.acknowledged(), ledger.lost(), ledger.next_line()),
            (3, 0, 3)
        );
        assert!(ledger.contradictions().is_empty());
    }

    #[test]
    fn a_record_in_flight_may_be_saved_or_not() {
        let mut saved = with_records(3);
        saved.fed();
        saved.restarted(4, head(4));
        assert_eq!(
            (saved.acknowledged(), saved.lost(), saved.next_line()),
            (4, 0, 4)
        );

        let mut unsaved = with_records(3);
        unsaved.fed();
        unsaved.restarted(3, head(3));
        assert_eq!(
            (unsaved.acknowledged(), unsaved.lost(), unsaved.next_line()),
            (3, 0, 3)
        );
        assert!(saved.contradictions().is_empty() && unsaved.contradictions().is_empty());
    }

    #[test]
    fn starting_from_nothing_loses_all_and_feeds_none_again() {
        let mut ledger = with_records(5);
        ledger.fed();
        ledger.restarted(0, head(0));
        assert_eq!(
            (ledger.acknowledged(), ledger.lost(), ledger.next_line()),
            (5, 5, 5)
        );
        ledger.fed();
        ledger.saved(1, head(1));
        assert_eq!((ledger.acknowledged(), ledger.records.len()), (6, 1));
        assert!(ledger.contradictions().is_empty());
    }

    #[test]
    fn an_older_version_loses_the_difference() {
        let mut ledger = with_records(5);
        ledger.restarted(3, head(3));
        assert_eq!((ledger.lost(), ledger.records.len()), (2, 3));
    }

    #[test]
    fn another_history_loses_all() {
        let mut ledger = with_records(5);
        ledger.restarted(5, "someone else's".to_owned());
        assert_eq!((ledger.lost(), ledger.contradictions().len()), (5, 1));
    }

    #[test]
    fn records_that_nobody_wrote_are_a_contradiction() {
        let mut ledger = with_records(2);
        ledger.restarted(3, head(3));
        assert_eq!((ledger.lost(), ledger.contradictions().len()), (0, 1));
        let mut ledger = with_records(2);
        ledger.fed();
        ledger.saved(7, head(7));
        assert_eq!(ledger.contradictions().len(), 1);
    }
}
