//! What many guests do together, and that nothing of it was lost or mixed.

use std::fs;
use std::path::Path;

/// The share of the `number`th of `workers` in so much `work`: all of it, divided
/// as evenly as it can be.
pub fn share(work: usize, workers: usize, number: usize) -> usize {
    work / workers + usize::from(number < work % workers)
}

/// Checks a file to which `writers` guests have each appended so many lines, with
/// the prefix `guest-<number>:`: all are there once, whole, and in the order of
/// their guest.
pub fn check_lines(file: &Path, writers: usize, lines: usize) {
    check_log(&fs::read_to_string(file).expect("read"), writers, lines);
}

/// The same of what was in such a file.
pub fn check_log(log: &str, writers: usize, lines: usize) {
    assert_eq!(log.lines().count(), writers * lines);
    for writer in 0..writers {
        let prefix = format!("guest-{writer}:");
        let found: Vec<_> = log
            .lines()
            .filter_map(|l| l.strip_prefix(&prefix))
            .collect();
        let expected: Vec<_> = (0..lines).map(|line| line.to_string()).collect();
        assert_eq!(found, expected, "{prefix}");
    }
}
