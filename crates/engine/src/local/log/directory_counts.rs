//! How many there are of something in each directory, at any depth.

use crate::FilePath;
use std::collections::HashMap;

#[derive(Default)]
pub(super) struct DirectoryCounts(HashMap<FilePath, usize>);

impl DirectoryCounts {
    pub(super) fn is_any_in(&self, directory: &FilePath) -> bool {
        self.0.contains_key(directory)
    }

    /// Whether there is one at `path`, before and now.
    pub(super) fn change(&mut self, path: &FilePath, before: bool, now: bool) {
        if before == now {
            return;
        }
        for directory in path.ancestors() {
            let number = self.0.entry(directory.clone()).or_default();
            if now {
                *number += 1;
            } else {
                *number -= 1;
                if *number == 0 {
                    self.0.remove(&directory);
                }
            }
        }
    }
}
