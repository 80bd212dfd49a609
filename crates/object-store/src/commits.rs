//! `Commits`: all commits of a volume in this process, those that wait together.
//!
//! One is made at a time, and each takes along all that have arrived since the last:
//! they are played one after the other on HEAD, and HEAD is replaced once for all.
//! What one of them is told must be true of it alone, so nothing is told before it is
//! known what became of HEAD.

use crate::change::Prepared;
use crate::file::{Blob, File, Part, Unknown, unknown};
use crate::garbage::{allowed, counted, too_much};
use crate::head::Head;
use crate::heads::{Heads, Known, MAX_HEAD_BYTES, Published};
use crate::space::Space;
use crate::spill::spill;
use crate::sweep::used_by;
use ability_storage_engine::author::plan::Edit;
use ability_storage_engine::author::table::Table;
use ability_storage_engine::{Error, FilePath, Limits, Precondition, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot::{self, error::TryRecvError};
use uuid::Uuid;

/// The most commits that are made at once.
const MOST: usize = 256;

pub(crate) struct Commits {
    space: Space,
    heads: Arc<Heads>,
    limits: Limits,
    queue: Mutex<Vec<Waiting>>,
    turn: tokio::sync::Mutex<()>,
    /// Whether other clients were faster with the last change.
    has_rivals: AtomicBool,
}

/// A batch that waits for its turn.
struct Waiting {
    prepared: Prepared,
    answer: oneshot::Sender<Result<()>>,
}

/// What HEAD is to become.
struct Plan {
    head: Head,
    changed: BTreeSet<FilePath>,
    /// What to tell each of those that wait if it does.
    verdicts: Vec<Result<()>>,
}

impl Plan {
    fn refuses_some(&self) -> bool {
        self.verdicts.iter().any(Result::is_err)
    }
}

impl Commits {
    pub(crate) fn new(space: Space, heads: Arc<Heads>, limits: Limits) -> Self {
        Self {
            space,
            heads,
            limits,
            queue: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            has_rivals: AtomicBool::new(false),
        }
    }

    /// Commits a batch, with others or alone.
    pub(crate) async fn commit(&self, prepared: Prepared) -> Result<()> {
        let path = prepared.path.clone();
        let (answer, mut answered) = oneshot::channel();
        self.queue().push(Waiting { prepared, answer });
        loop {
            let _turn = self.turn.lock().await;
            match answered.try_recv() {
                Ok(result) => return result,
                Err(TryRecvError::Empty) => {}
                // Who took it along came to no end.
                Err(TryRecvError::Closed) => {
                    let error = io::Error::other("the commit ended without a result");
                    break Err(Error::in_doubt(&path, error));
                }
            }
            let mut group = std::mem::take(&mut *self.queue());
            if group.len() > MOST {
                let later = group.split_off(MOST);
                self.queue().splice(0..0, later);
            }
            self.commit_all(group).await;
        }
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn commit_all(&self, group: Vec<Waiting>) {
        let (mut batches, answers): (Vec<_>, Vec<_>) = group
            .into_iter()
            .map(|waiting| (waiting.prepared, waiting.answer))
            .unzip();
        let results = match self.commit_together(&mut batches).await {
            Some(results) => results,
            None => {
                let mut results = Vec::new();
                for batch in &mut batches {
                    let alone = self.commit_together(std::slice::from_mut(batch)).await;
                    let result = alone.and_then(|results| results.into_iter().next());
                    results.push(result.unwrap_or_else(|| Err(too_long(batch))));
                }
                results
            }
        };
        for ((answer, result), batch) in answers.into_iter().zip(results).zip(batches) {
            if matches!(&result, Err(error) if !may_be_made(error)) {
                self.space.discard(batch.uploaded);
            }
            // Who asked is there, unless the process ends.
            let _ = answer.send(result);
        }
    }

    /// `None` if HEAD would become too long.
    async fn commit_together(&self, batches: &mut [Prepared]) -> Option<Vec<Result<()>>> {
        let mut attempts = self.space.store.attempts();
        if self.has_rivals.swap(false, Ordering::Relaxed) {
            attempts.after_others().await;
        }
        // What was seen before this call may be long gone; an error, or that nothing
        // is to be done, must be true now.
        let mut is_fresh = false;
        loop {
            let base = match self.heads.last_seen() {
                Some(base) => base,
                None => {
                    is_fresh = true;
                    match self.heads.now().await {
                        Ok(base) => base,
                        Err(error) => return Some(not_made(batches, error)),
                    }
                }
            };
            let mut plan = match self.plan(&base, batches).await {
                Ok(plan) => plan,
                Err(error) => return Some(not_made(batches, error)),
            };
            if !is_fresh && (plan.changed.is_empty() || plan.refuses_some()) {
                is_fresh = true;
                match self.heads.now().await {
                    Ok(now) if Arc::ptr_eq(&now, &base) => {}
                    Ok(_) => continue,
                    Err(error) => return Some(not_made(batches, error)),
                }
            }
            if plan.changed.is_empty() {
                self.space.discard(left_out(batches, &plan));
                return Some(plan.verdicts);
            }
            let before = blobs_at(&plan.head.files, &plan.changed);
            let spilled = spill(&self.space, &mut plan.head.files, &plan.changed).await;
            let after = blobs_at(&plan.head.files, &plan.changed);
            let spill_blobs = || {
                let new = after.keys().filter(|id| !before.contains_key(id));
                new.copied().collect()
            };
            if let Some(garbage) = &mut plan.head.garbage {
                let replaced = blobs_at(&base.head.files, &plan.changed).into_iter();
                let freed = replaced.filter(|(id, _)| !after.contains_key(id));
                garbage.add(freed.map(|(_, bytes)| bytes));
            }
            let left_out = left_out(batches, &plan);
            if let Err(error) = spilled {
                self.space.discard(spill_blobs());
                return Some(not_made(batches, error));
            }
            match self.heads.publish(&base, plan.head).await {
                Published::Done => {
                    self.space.discard(left_out);
                    return Some(plan.verdicts);
                }
                Published::Moved => {
                    self.space.discard(spill_blobs());
                    is_fresh = true;
                    self.has_rivals.store(true, Ordering::Relaxed);
                    if !attempts.next_among_others().await {
                        let error = io::Error::other("others change the volume all the time");
                        return Some(not_made(batches, error));
                    }
                }
                Published::TooLong => {
                    self.space.discard(spill_blobs());
                    return None;
                }
                Published::Failed(error) => {
                    self.space.discard(spill_blobs());
                    return Some(not_made(batches, error));
                }
                Published::InDoubt(error) => {
                    let error = Arc::new(error);
                    let verdicts = batches.iter().zip(plan.verdicts);
                    return Some(
                        verdicts
                            .map(|(batch, verdict)| match verdict {
                                Ok(()) => Err(Error::in_doubt(&batch.path, error.clone())),
                                Err(_) => Err(unavailable(error.clone())),
                            })
                            .collect(),
                    );
                }
            }
        }
    }

    /// Plays all batches on HEAD, one after the other.
    async fn plan(&self, base: &Known, batches: &mut [Prepared]) -> io::Result<Plan> {
        let mut plan = Plan {
            head: base.head.clone(),
            changed: BTreeSet::new(),
            verdicts: Vec::with_capacity(batches.len()),
        };
        if plan.head.garbage.is_none() {
            let uploaded = batches.iter().flat_map(|batch| batch.uploaded.clone());
            plan.head.garbage = Some(counted(&self.space, &base.head, uploaded).await?);
        }
        let garbage = plan.head.garbage.map_or(0, |garbage| garbage.bytes);
        let allowed = allowed(&self.limits);
        for batch in batches {
            let verdict = if garbage >= allowed && batch.writes() {
                Err(too_much(&batch.path, garbage, allowed))
            } else {
                match self.renew_blobs(&base.head, batch).await? {
                    Ok(()) => self.play(&mut plan.head.files, batch).await?,
                    Err(error) => Err(error),
                }
            };
            let verdict = verdict.map(|changed| plan.changed.extend(changed));
            plan.verdicts.push(verdict);
        }
        Ok(plan)
    }

    async fn play(
        &self,
        files: &mut Table<File>,
        batch: &Prepared,
    ) -> io::Result<Result<BTreeSet<FilePath>>> {
        let mut played = files.play(batch.edits.clone(), &self.limits);
        if unknown(&played) == Some(Unknown::Tail) {
            self.find_tails(files, batch).await?;
            played = files.play(batch.edits.clone(), &self.limits);
        }
        if unknown(&played) == Some(Unknown::Version) {
            for path in paths(&batch.edits) {
                let file = files.get_mut(path);
                if let Some(file) = file.filter(|file| file.known_version().is_none()) {
                    file.version = Some(self.space.version_of(file).await?);
                }
            }
            played = files.play(batch.edits.clone(), &self.limits);
        }
        if unknown(&played).is_none() {
            return Ok(played);
        }
        // It asks for what it has itself added to a file before.
        for path in paths(&batch.edits) {
            if let Some(file) = files.get_mut(path) {
                file.parts = vec![self.inlined(&file.parts).await?];
            }
        }
        let mut edits = batch.edits.clone();
        for (edit, _) in &mut edits {
            if let Edit::Append { addition, .. } = edit {
                *addition = self.inlined(std::slice::from_ref(addition)).await?;
            }
        }
        Ok(files.play(edits, &self.limits))
    }

    /// Fetches as much of the ends of the files of a batch as its preconditions compare.
    async fn find_tails(&self, files: &mut Table<File>, batch: &Prepared) -> io::Result<()> {
        let compared = batch
            .edits
            .iter()
            .map(|(_, precondition)| match precondition {
                Precondition::EndsWith(end) => end.compared_bytes(),
                _ => 0,
            });
        let compared = compared.max().unwrap_or(0);
        for path in paths(&batch.edits) {
            if let Some(file) = files.get_mut(path) {
                file.fetched_end = self.space.last_bytes(file, compared).await?;
            }
        }
        Ok(())
    }

    /// The same contents, all of them at hand.
    async fn inlined(&self, parts: &[Part]) -> io::Result<Part> {
        let contents = self.space.fetch_all(parts).await?;
        Ok(Part::Inline(contents.into()))
    }

    /// Sees to it that no blob of a batch was ever condemned: requests that were to remove
    /// it may still be on their way, long after it was found to be there.
    ///
    /// None was if HEAD has condemned nothing since the batch was prepared, nor if HEAD uses
    /// it. Any other is copied to a name that is new. What is condemned later is condemned
    /// by a HEAD that comes after this one.
    async fn renew_blobs(&self, head: &Head, batch: &mut Prepared) -> io::Result<Result<()>> {
        if batch.sweeps == head.sweep.count {
            return Ok(Ok(()));
        }
        let used = used_by(head);
        for blob in batch.blobs() {
            if used.contains(&blob.id) {
                continue;
            }
            if head.sweep.condemned.contains(&blob.id) {
                return Ok(Err(swept(batch)));
            }
            let id = Uuid::new_v4();
            let (from, to) = (self.space.blob(blob.id), self.space.blob(id));
            match self.space.store.copy(&from, &to, blob.size).await {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Err(swept(batch)));
                }
                Err(error) => {
                    self.space.discard(vec![id]);
                    return Err(error);
                }
            }
            if batch.uploaded.contains(&blob.id) {
                self.space.discard(vec![blob.id]);
            }
            batch.replace_blob(blob.id, id);
        }
        batch.sweeps = head.sweep.count;
        Ok(Ok(()))
    }
}

/// The blobs of the files at `paths`, with their lengths.
fn blobs_at(files: &Table<File>, paths: &BTreeSet<FilePath>) -> BTreeMap<Uuid, u64> {
    let files = paths.iter().filter_map(|path| files.get(path));
    let sized = |blob: &Blob| (blob.id, blob.size);
    files.flat_map(File::blobs).map(sized).collect()
}

/// What was sent for batches that are made, and is not used after them all the same: it
/// is there already, or the next step or batch has replaced it. No HEAD will ever use it.
fn left_out(batches: &[Prepared], plan: &Plan) -> Vec<Uuid> {
    let used = blobs_at(&plan.head.files, &plan.changed);
    let made = batches.iter().zip(&plan.verdicts);
    let made = made.filter(|(_, verdict)| verdict.is_ok());
    let uploaded = made.flat_map(|(batch, _)| &batch.uploaded);
    uploaded
        .filter(|id| !used.contains_key(id))
        .copied()
        .collect()
}

fn paths(edits: &[(Edit<File, Part>, Precondition)]) -> BTreeSet<&FilePath> {
    let paths = edits.iter().flat_map(|(edit, _)| edit.paths());
    paths.collect()
}

fn not_made(batches: &[Prepared], error: io::Error) -> Vec<Result<()>> {
    let error = unavailable(error);
    batches.iter().map(|_| Err(error.clone())).collect()
}

/// The store did not do what was asked for, and nothing was changed.
pub(crate) fn unavailable(error: impl Into<Arc<io::Error>>) -> Error {
    let what = "the object store could not be used, and nothing was changed";
    Error::unavailable(what, error)
}

fn too_long(batch: &Prepared) -> Error {
    let reason = format!("the list of all files would be longer than {MAX_HEAD_BYTES} bytes");
    Error::quota_exceeded(&batch.path, reason)
}

fn swept(batch: &Prepared) -> Error {
    let reason = "what was sent for it took too long to be committed and was swept; write it again";
    Error::not_changed(&batch.path, io::Error::other(reason))
}

fn may_be_made(error: &Error) -> bool {
    matches!(error, Error::InDoubt { .. })
}
