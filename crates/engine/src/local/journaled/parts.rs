//! The parts of a file that the journal holds, in memory.
//!
//! A part that is there never changes.

use super::lock;
use std::sync::{Arc, Mutex};

/// Parts of a file that grows: many versions of it share them.
#[derive(Clone, Default)]
pub(super) struct Parts {
    all: Arc<Mutex<Vec<Arc<[u8]>>>>,
    /// How many of them belong to this version.
    count: usize,
}

impl Parts {
    pub(super) fn of(part: Arc<[u8]>) -> Self {
        Self {
            all: Arc::new(Mutex::new(vec![part])),
            count: 1,
        }
    }

    pub(super) fn and(&self, part: Arc<[u8]>) -> Self {
        let mut all = lock(&self.all);
        if all.len() != self.count {
            let mut own = all[..self.count].to_vec();
            own.push(part);
            return Self {
                count: own.len(),
                all: Arc::new(Mutex::new(own)),
            };
        }
        all.push(part);
        Self {
            all: self.all.clone(),
            count: self.count + 1,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn all(&self) -> Vec<Arc<[u8]>> {
        lock(&self.all)[..self.count].to_vec()
    }
}
