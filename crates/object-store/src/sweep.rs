//! Sweeping: removing blobs that no file uses.
//!
//! That no file is lost does not rest on any clock. Before a blob is removed, HEAD is
//! replaced by one that condemns it, on the condition that HEAD still has no use for
//! it: from then on each commit that was under way has to be made anew on a HEAD that
//! says so, and does not take the blob into use. Times only decide how long slow
//! writers and readers are spared.
//!
//! 1. delete what an earlier sweep has condemned and not come to an end with;
//! 2. list all blobs, and note since when those are seen to be out of use;
//! 3. condemn those that have been for long enough;
//! 4. delete them, and only then
//! 5. strike them off HEAD;
//! 6. correct what HEAD says of how much is out of use.

use crate::file::now;
use crate::garbage::{Garbage, corrected};
use crate::head::Head;
use crate::heads::{Heads, Published};
use crate::space::{AT_ONCE, Space};
use crate::store::Found;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::ObjectMeta;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;
use uuid::Uuid;

/// Blobs that are condemned at once: their names make HEAD longer for a while.
const MOST_AT_ONCE: usize = 1_000;

/// What a sweep did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// Blobs that were removed.
    pub removed: u64,
    /// Their length in bytes.
    pub removed_bytes: u64,
    /// Blobs that no file uses, and that are left until the time of grace is over.
    pub waiting: u64,
    /// Their length in bytes.
    pub waiting_bytes: u64,
    /// Blobs that files use.
    pub used: u64,
}

pub(crate) async fn sweep(space: &Space, grace: Duration) -> io::Result<Swept> {
    // A session of its own: its changes must not be taken for those of commits.
    let heads = Heads::new(space.store.clone(), space.head());
    finish(space, &heads).await?;

    let seen = Seen::now(space, &heads, grace).await?;
    if seen.notes_changed {
        seen.notes.write(space).await?;
    }
    let mut removed = Vec::new();
    for due in seen.due.chunks(MOST_AT_ONCE) {
        removed.extend(condemn(&heads, due).await?);
        finish(space, &heads).await?;
    }
    let swept = seen.told(&removed);
    let left = seen.unused_bytes() - swept.removed_bytes;
    if seen.garbage.map(|garbage| garbage.bytes) != Some(left) {
        change(&heads, |head| {
            head.garbage = Some(corrected(head.garbage, seen.garbage, left));
        })
        .await?;
    }
    Ok(swept)
}

/// What a sweep would do now. Writes nothing.
pub(crate) async fn rehearse(space: &Space, grace: Duration) -> io::Result<Swept> {
    let heads = Heads::new(space.store.clone(), space.head());
    let seen = Seen::now(space, &heads, grace).await?;
    Ok(seen.told(&seen.due))
}

/// What there is to sweep.
struct Seen {
    /// All blobs, with their lengths.
    blobs: BTreeMap<Uuid, u64>,
    used: BTreeSet<Uuid>,
    /// What HEAD says of what is out of use.
    garbage: Option<Garbage>,
    /// Out of use, and for long enough.
    due: Vec<Uuid>,
    /// Out of use.
    waiting: Vec<Uuid>,
    notes: Notes,
    notes_changed: bool,
}

impl Seen {
    async fn now(space: &Space, heads: &Heads, grace: Duration) -> io::Result<Self> {
        // HEAD after the blobs: what was sent and committed in between is in use.
        let blobs = all_blobs(space).await?;
        let known = heads.now().await?;
        let used = used_by(&known.head);
        let before = Notes::read(space).await?;
        let unused = blobs.keys().filter(|id| !used.contains(id));
        let now = now();
        let notes = before.brought_up_to_date(unused, now);
        let grace = grace.as_micros().min(u128::from(u64::MAX)) as u64;
        let is_due = |id: &Uuid| {
            let since = notes.unused_since.get(id);
            since.is_some_and(|since| since.saturating_add(grace) <= now)
        };
        let (due, waiting) = notes.unused_since.keys().partition(|id| is_due(id));
        Ok(Self {
            used,
            garbage: known.head.garbage,
            due,
            waiting,
            notes_changed: notes != before,
            notes,
            blobs,
        })
    }

    fn bytes(&self, ids: &[Uuid]) -> u64 {
        ids.iter().filter_map(|id| self.blobs.get(id)).sum()
    }

    fn unused_bytes(&self) -> u64 {
        self.bytes(&self.due) + self.bytes(&self.waiting)
    }

    fn told(&self, removed: &[Uuid]) -> Swept {
        Swept {
            removed: removed.len() as u64,
            removed_bytes: self.bytes(removed),
            waiting: self.waiting.len() as u64,
            waiting_bytes: self.bytes(&self.waiting),
            used: self.used.len() as u64,
        }
    }
}

/// Since when blobs are seen to be out of use, in microseconds since 1970.
#[derive(Default, PartialEq, Eq, Serialize, Deserialize)]
struct Notes {
    unused_since: BTreeMap<Uuid, u64>,
}

impl Notes {
    async fn read(space: &Space) -> io::Result<Self> {
        let found = space.store.get_unless(&space.sweep_notes(), None).await?;
        Ok(match found {
            // What cannot be read is only a longer wait.
            Found::Object(object) => serde_json::from_slice(&object.contents).unwrap_or_default(),
            Found::Nothing | Found::Unchanged => Self::default(),
        })
    }

    async fn write(&self, space: &Space) -> io::Result<()> {
        let notes = serde_json::to_vec(self)?;
        space.store.put(&space.sweep_notes(), notes.into()).await
    }

    /// Of what is out of use now, since when it is known to be.
    fn brought_up_to_date<'a>(&self, unused: impl Iterator<Item = &'a Uuid>, now: u64) -> Self {
        let since = |id| self.unused_since.get(id).copied().unwrap_or(now);
        Self {
            unused_since: unused.map(|id| (*id, since(id))).collect(),
        }
    }
}

/// Deletes what is condemned, and strikes it off.
async fn finish(space: &Space, heads: &Heads) -> io::Result<()> {
    let condemned = heads.now().await?.head.sweep.condemned.clone();
    if condemned.is_empty() {
        return Ok(());
    }
    let deleted = stream::iter(condemned.clone())
        .map(|id| async move { space.store.delete(&space.blob(id)).await });
    deleted
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    let deleted: BTreeSet<&Uuid> = condemned.iter().collect();
    change(heads, |head| {
        // Another sweep may have condemned others meanwhile.
        head.sweep.condemned.retain(|id| !deleted.contains(id));
    })
    .await
}

/// Condemns those that are still out of use, and returns them.
async fn condemn(heads: &Heads, due: &[Uuid]) -> io::Result<Vec<Uuid>> {
    let mut condemned = Vec::new();
    change(heads, |head| {
        let used = used_by(head);
        condemned = due
            .iter()
            .filter(|id| !used.contains(id))
            .copied()
            .collect();
        head.sweep.count += 1;
        head.sweep.condemned.extend(&condemned);
    })
    .await?;
    Ok(condemned)
}

/// Changes HEAD, whatever it is at the moment.
async fn change(heads: &Heads, mut change: impl FnMut(&mut Head)) -> io::Result<()> {
    loop {
        let base = heads.now().await?;
        let mut head = base.head.clone();
        change(&mut head);
        match heads.publish(&base, head).await {
            Published::Done => return Ok(()),
            Published::Moved => {}
            Published::Failed(error) | Published::InDoubt(error) => return Err(error),
            Published::TooLong => return Err(io::Error::other("HEAD is too long already")),
        }
    }
}

/// All blobs that are there, with their lengths.
pub(crate) async fn all_blobs(space: &Space) -> io::Result<BTreeMap<Uuid, u64>> {
    let listed = space.store.list(&space.blobs()).await?;
    let blob = |object: &ObjectMeta| {
        let id = Uuid::try_parse(object.location.filename()?).ok()?;
        Some((id, object.size))
    };
    Ok(listed.iter().filter_map(blob).collect())
}

pub(crate) fn used_by(head: &Head) -> BTreeSet<Uuid> {
    let blobs = head.files.iter().flat_map(|(_, file)| file.blobs());
    blobs.map(|blob| blob.id).collect()
}
