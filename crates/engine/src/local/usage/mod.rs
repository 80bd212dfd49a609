//! What a volume holds and what is on its way into it, against its limits.
//!
//! | module | holds |
//! |---|---|
//! | `accounts` | whether a commit has room: what is reserved, when the files are counted |
//! | `under_way` | open writers, and bytes that are staged and not committed |
//! | `ledger` | the numbers: what is counted and what is reserved |
//! | `count_files` | counting the files |

mod accounts;
mod count_files;
mod ledger;
mod under_way;

use crate::Usage;
pub(crate) use accounts::{Accounts, Reservation};
pub(crate) use count_files::Inventory;
pub(crate) use under_way::{InFlight, WriterPlace};

/// How a commit changes what the volume holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Growth {
    /// What it replaces or removes.
    less: Usage,
    /// What it puts there.
    more: Usage,
}

impl Growth {
    pub(crate) fn replace(&mut self, old: Option<u64>, new: Option<u64>) {
        for (usage, bytes) in [(&mut self.less, old), (&mut self.more, new)] {
            let files = u64::from(bytes.is_some());
            let bytes = bytes.unwrap_or(0);
            *usage = plus(*usage, Usage { files, bytes });
        }
    }

    /// What remains of it when what is put there takes the room of what is removed: what
    /// is removed in the end, or what is put there.
    fn net(&self) -> Self {
        Self {
            less: minus(self.less, self.more),
            more: minus(self.more, self.less),
        }
    }

    fn apply(&self, usage: Usage) -> Usage {
        let net = self.net();
        minus(plus(usage, net.more), net.less)
    }
}

/// Lengths of sparse files may come to more than there are numbers.
fn plus(usage: Usage, more: Usage) -> Usage {
    Usage {
        bytes: usage.bytes.saturating_add(more.bytes),
        files: usage.files.saturating_add(more.files),
    }
}

fn minus(usage: Usage, less: Usage) -> Usage {
    Usage {
        bytes: usage.bytes.saturating_sub(less.bytes),
        files: usage.files.saturating_sub(less.files),
    }
}
