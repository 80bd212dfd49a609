//! What was told compared with what is there.

use super::client::{COUNT, LINES, PAIR, contents, line, own};
use super::log::{Entry, Kind, Told};
use ability_storage_engine::{Error, FilePath, Result, Volume};
use std::collections::BTreeMap;

/// What came of a phase.
#[derive(Debug, Default, serde::Serialize)]
pub struct Verdict {
    pub made: u64,
    pub not_made: u64,
    pub in_doubt: u64,
    /// The longest time in which nobody was told that a commit was made, in
    /// milliseconds.
    pub longest_pause: u64,
    /// What must not be, in words for a person.
    pub violations: Vec<String>,
}

/// Looks at the volume after all clients have ended.
pub fn verdict(volume: &dyn Volume, logs: &[Vec<Entry>]) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let all = || logs.iter().flatten();
    for entry in all() {
        match entry.told {
            Told::Made => verdict.made += 1,
            Told::NotMade => verdict.not_made += 1,
            Told::InDoubt | Told::Nothing => verdict.in_doubt += 1,
        }
    }
    verdict.longest_pause = longest_pause(all());
    if verdict.made == 0 {
        verdict.violations.push("no commit was made".to_owned());
    }
    lines(&mut verdict, &read(volume, LINES)?, logs);
    count(&mut verdict, &read(volume, COUNT)?, logs);
    for (client, log) in logs.iter().enumerate() {
        own_file(&mut verdict, &read(volume, &own(client))?, client, log);
    }
    if read(volume, PAIR[0])? != read(volume, PAIR[1])? {
        verdict.violations.push("half a batch was made".to_owned());
    }
    Ok(verdict)
}

fn lines(verdict: &mut Verdict, found: &[u8], logs: &[Vec<Entry>]) {
    let found = String::from_utf8_lossy(found);
    let mut times: BTreeMap<&str, u64> = BTreeMap::new();
    for line in found.lines() {
        *times.entry(line).or_default() += 1;
    }
    for (client, log) in logs.iter().enumerate() {
        for entry in log.iter().filter(|entry| entry.kind == Kind::Line) {
            let line = line(client, entry.number);
            let times = times.remove(line.as_str()).unwrap_or(0);
            let may_be = match entry.told {
                Told::Made => 1..=1,
                Told::NotMade => 0..=0,
                Told::InDoubt | Told::Nothing => 0..=1,
            };
            if !may_be.contains(&times) {
                let told = entry.told;
                verdict
                    .violations
                    .push(format!("line {line} ({told:?}) is there {times} times"));
            }
        }
    }
    for line in times.keys() {
        verdict
            .violations
            .push(format!("the line {line:?} was never written"));
    }
}

fn count(verdict: &mut Verdict, found: &[u8], logs: &[Vec<Entry>]) {
    let found: u64 = String::from_utf8_lossy(found).parse().unwrap_or(0);
    let of = |told: &[Told]| {
        let entries = logs.iter().flatten();
        let counted =
            entries.filter(|entry| entry.kind == Kind::Count && told.contains(&entry.told));
        counted.count() as u64
    };
    let made = of(&[Told::Made]);
    let most = made + of(&[Told::InDoubt, Told::Nothing]);
    if !(made..=most).contains(&found) {
        verdict.violations.push(format!(
            "{made} to {most} were counted, and {found} is there"
        ));
    }
}

/// The last that was made or a later one in doubt; whole.
fn own_file(verdict: &mut Verdict, found: &[u8], client: usize, log: &[Entry]) {
    let batches = || log.iter().rev().filter(|entry| entry.kind == Kind::Batch);
    let later = batches().take_while(|entry| entry.told != Told::Made);
    let later = later.filter(|entry| entry.told != Told::NotMade);
    let last = batches().find(|entry| entry.told == Told::Made);
    let mut possible = later
        .chain(last)
        .map(|entry| contents(client, entry.number));
    let nothing_is_right = last.is_none() && found.is_empty();
    if !nothing_is_right && !possible.any(|contents| contents == found) {
        verdict.violations.push(format!(
            "the file of client {client} is none that it may be"
        ));
    }
}

fn longest_pause<'a>(entries: impl Iterator<Item = &'a Entry>) -> u64 {
    let made = entries.filter(|entry| entry.told == Told::Made);
    let mut times: Vec<u64> = made.map(|entry| entry.at).collect();
    times.sort_unstable();
    let pauses = times.windows(2).map(|pair| pair[1] - pair[0]);
    pauses.max().unwrap_or(0)
}

/// Nothing, if there is no such file.
fn read(volume: &dyn Volume, path: &str) -> Result<Vec<u8>> {
    match volume.read(&FilePath::new(path)?, u64::MAX) {
        Ok(snapshot) => Ok(snapshot.into_contents()),
        Err(Error::NotFound { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ability_storage_engine::{Change, MemoryVolume};

    fn entry(kind: Kind, number: u64, told: Told) -> Entry {
        Entry {
            kind,
            number,
            told,
            at: number * 10,
        }
    }

    fn told() -> Vec<Entry> {
        vec![
            entry(Kind::Line, 1, Told::Made),
            entry(Kind::Line, 2, Told::NotMade),
            entry(Kind::Line, 3, Told::InDoubt),
            entry(Kind::Count, 4, Told::Made),
            entry(Kind::Batch, 5, Told::Made),
            entry(Kind::Batch, 6, Told::Nothing),
        ]
    }

    fn of(files: &[(&str, Vec<u8>)]) -> Vec<String> {
        let volume = MemoryVolume::new();
        for (path, contents) in files {
            let path = FilePath::new(*path).expect("valid");
            let contents = contents.clone();
            volume
                .commit(Change::write(path, contents).into())
                .expect("in memory");
        }
        verdict(&volume, &[told()]).expect("in memory").violations
    }

    fn files<'a>(lines: &str, count: &str, own: u64, pair: [u64; 2]) -> Vec<(&'a str, Vec<u8>)> {
        vec![
            (LINES, lines.into()),
            (COUNT, count.into()),
            ("own/0", contents(0, own)),
            (PAIR[0], contents(0, pair[0])),
            (PAIR[1], contents(0, pair[1])),
        ]
    }

    #[test]
    fn what_may_be_is_not_blamed() {
        assert_eq!(of(&files("0.1\n", "1", 5, [5, 5])), [""; 0]);
        assert_eq!(of(&files("0.3\n0.1\n", "1", 6, [6, 6])), [""; 0]);
    }

    #[test]
    fn what_must_not_be_is_blamed() {
        for wrong in [
            files("", "1", 5, [5, 5]),
            files("0.1\n0.1\n", "1", 5, [5, 5]),
            files("0.1\n0.2\n", "1", 5, [5, 5]),
            files("0.1\n0.9\n", "1", 5, [5, 5]),
            files("0.1\n", "0", 5, [5, 5]),
            files("0.1\n", "2", 5, [5, 5]),
            files("0.1\n", "1", 4, [5, 5]),
            files("0.1\n", "1", 5, [5, 6]),
        ] {
            assert_eq!(of(&wrong).len(), 1, "{:?}", of(&wrong));
        }
    }
}
