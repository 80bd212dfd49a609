//! What a file holds now, what of it is durable, and what can never become so.

use std::ops::Range;

#[derive(Clone, Default)]
pub(super) struct SimContents {
    pub(super) now: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) pending: Vec<Pending>,
    /// Where a write-back failed: the system takes later writes to these bytes for
    /// written, and none of them reaches the disk. Ends where the file is cut off.
    pub(super) lost: Vec<Range<u64>>,
    /// How many write-backs failed.
    pub(super) errors: u64,
    /// How many of them some program knows of: a descriptor that is opened from now on
    /// reports only the others.
    pub(super) reported_errors: u64,
    pub(super) mode: u32,
    pub(super) modified: u64,
    pub(super) changed: u64,
}

/// A change that is not durable.
#[derive(Clone, Debug, Hash)]
pub(super) enum Pending {
    Write(u64, Vec<u8>),
    SetLen(u64),
}

impl Pending {
    fn apply(&self, contents: &mut Vec<u8>) {
        match self {
            Pending::Write(offset, bytes) => {
                let offset = *offset as usize;
                let end = offset + bytes.len();
                if contents.len() < end {
                    contents.resize(end, 0);
                }
                contents[offset..end].copy_from_slice(bytes);
            }
            Pending::SetLen(bytes) => contents.resize(*bytes as usize, 0),
        }
    }
}

impl SimContents {
    pub(super) fn write(&mut self, pending: Pending) {
        pending.apply(&mut self.now);
        if let Pending::SetLen(bytes) = pending {
            cut(&mut self.lost, bytes);
        }
        self.pending.push(pending);
    }

    /// Whether there is something to write that can be lost.
    pub(super) fn is_unwritten(&self) -> bool {
        self.pending.iter().any(|pending| !is_length(pending))
    }

    pub(super) fn sync(&mut self) {
        let length = Pending::SetLen(self.now.len() as u64);
        let lengths = self.pending.iter().filter(|p| is_length(p));
        let mut on_disk = self.durable.clone();
        for pending in lengths.chain([&length]) {
            pending.apply(&mut on_disk);
        }
        let mut durable = self.now.clone();
        self.take_lost(&mut durable, &on_disk);
        self.durable = durable;
        self.pending.clear();
    }

    /// The write-back of all that is pending fails, and the system marks it clean. The
    /// length is not lost: it is of the inode.
    pub(super) fn lose(&mut self) {
        let mut lengths = Vec::new();
        for pending in self.pending.drain(..) {
            match pending {
                Pending::Write(_, bytes) if bytes.is_empty() => {}
                Pending::Write(offset, bytes) => {
                    self.lost.push(offset..offset + bytes.len() as u64);
                }
                Pending::SetLen(bytes) => {
                    cut(&mut self.lost, bytes);
                    lengths.push(pending);
                }
            }
        }
        if self.now.len() != self.durable.len() || !lengths.is_empty() {
            lengths.push(Pending::SetLen(self.now.len() as u64));
        }
        self.pending = lengths;
        self.errors += 1;
    }

    /// What is on the disk after a sync and these changes.
    pub(super) fn durable_with<'a>(&self, changes: impl Iterator<Item = &'a Pending>) -> Vec<u8> {
        let mut contents = self.durable.clone();
        let mut on_disk = self.durable.clone();
        for pending in changes {
            pending.apply(&mut contents);
            if is_length(pending) {
                pending.apply(&mut on_disk);
            }
        }
        self.take_lost(&mut contents, &on_disk);
        contents
    }

    /// What a power cut makes of the file if it leaves this.
    pub(super) fn after_power_cut(&self, left: Vec<u8>) -> Self {
        Self {
            durable: left.clone(),
            now: left,
            pending: Vec::new(),
            lost: Vec::new(),
            errors: 0,
            reported_errors: 0,
            ..*self
        }
    }

    fn take_lost(&self, contents: &mut [u8], on_disk: &[u8]) {
        for range in &self.lost {
            for at in range.start as usize..contents.len().min(range.end as usize) {
                contents[at] = on_disk.get(at).copied().unwrap_or_default();
            }
        }
    }
}

fn is_length(pending: &Pending) -> bool {
    matches!(pending, Pending::SetLen(_))
}

/// What is from `bytes` on is given back to the file system.
fn cut(lost: &mut Vec<Range<u64>>, bytes: u64) {
    for range in &mut *lost {
        range.end = range.end.min(bytes);
    }
    lost.retain(|range| !range.is_empty());
}
