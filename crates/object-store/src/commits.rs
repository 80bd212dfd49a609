//! `Commits`: all commits of a volume in this process, those that wait together.
//!
//! One is made at a time, and each takes along all that have arrived since the last:
//! they are played one after the other on HEAD, and HEAD is replaced once for all.
//! What one of them is told must be true of it alone, so nothing is told before it is
//! known what became of HEAD.

use crate::change::Prepared;
use crate::file::{File, Part, is_unknown_version};
use crate::head::Head;
use crate::heads::{Heads, Known, MAX_HEAD_BYTES, Published};
use crate::space::Space;
use crate::spill::spill;
use ability_storage_engine::table::{Edit, Table};
use ability_storage_engine::{Error, FilePath, Limits, Precondition, Result};
use std::collections::BTreeSet;
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
        let uploaded = prepared.uploaded.clone();
        let path = prepared.path.clone();
        let (answer, mut answered) = oneshot::channel();
        self.queue().push(Waiting { prepared, answer });
        let result = loop {
            let _turn = self.turn.lock().await;
            match answered.try_recv() {
                Ok(result) => break result,
                Err(TryRecvError::Empty) => {}
                // Who took it along came to no end.
                Err(TryRecvError::Closed) => {
                    let error = io::Error::other("the commit ended without a result");
                    break Err(in_doubt(&path, &error));
                }
            }
            let mut group = std::mem::take(&mut *self.queue());
            if group.len() > MOST {
                let later = group.split_off(MOST);
                self.queue().splice(0..0, later);
            }
            self.commit_all(group).await;
        };
        let is_refused = matches!(&result, Err(error) if !may_be_made(error));
        if is_refused {
            self.space.discard(uploaded);
        }
        result
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn commit_all(&self, group: Vec<Waiting>) {
        let (batches, answers): (Vec<_>, Vec<_>) = group
            .into_iter()
            .map(|waiting| (waiting.prepared, waiting.answer))
            .unzip();
        let results = match self.commit_together(&batches).await {
            Some(results) => results,
            None => {
                let mut results = Vec::new();
                for batch in &batches {
                    let alone = self.commit_together(std::slice::from_ref(batch)).await;
                    let result = alone.and_then(|results| results.into_iter().next());
                    results.push(result.unwrap_or_else(|| Err(too_long(batch))));
                }
                results
            }
        };
        for (answer, result) in answers.into_iter().zip(results) {
            // Who asked is there, unless the process ends.
            let _ = answer.send(result);
        }
    }

    /// `None` if HEAD would become too long.
    async fn commit_together(&self, batches: &[Prepared]) -> Option<Vec<Result<()>>> {
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
                        Err(error) => return Some(not_made(batches, &error)),
                    }
                }
            };
            let mut plan = match self.plan(&base, batches).await {
                Ok(plan) => plan,
                Err(error) => return Some(not_made(batches, &error)),
            };
            if !is_fresh && (plan.changed.is_empty() || plan.refuses_some()) {
                is_fresh = true;
                match self.heads.now().await {
                    Ok(now) if Arc::ptr_eq(&now, &base) => {}
                    Ok(_) => continue,
                    Err(error) => return Some(not_made(batches, &error)),
                }
            }
            if plan.changed.is_empty() {
                return Some(plan.verdicts);
            }
            let before = blobs_at(&plan.head.files, &plan.changed);
            let spilled = spill(&self.space, &mut plan.head.files, &plan.changed).await;
            let after = blobs_at(&plan.head.files, &plan.changed);
            let spill_blobs = || after.difference(&before).copied().collect();
            if let Err(error) = spilled {
                self.space.discard(spill_blobs());
                return Some(not_made(batches, &error));
            }
            match self.heads.publish(&base, plan.head).await {
                Published::Done => return Some(plan.verdicts),
                Published::Moved => {
                    self.space.discard(spill_blobs());
                    is_fresh = true;
                    self.has_rivals.store(true, Ordering::Relaxed);
                    if !attempts.next_among_others().await {
                        let error = io::Error::other("others change the volume all the time");
                        return Some(not_made(batches, &error));
                    }
                }
                Published::TooLong => {
                    self.space.discard(spill_blobs());
                    return None;
                }
                Published::Failed(error) => {
                    self.space.discard(spill_blobs());
                    return Some(not_made(batches, &error));
                }
                Published::InDoubt(error) => {
                    let verdicts = batches.iter().zip(plan.verdicts);
                    return Some(
                        verdicts
                            .map(|(batch, verdict)| match verdict {
                                Ok(()) => Err(in_doubt(&batch.path, &error)),
                                Err(_) => Err(unavailable(&error)),
                            })
                            .collect(),
                    );
                }
            }
        }
    }

    /// Plays all batches on HEAD, one after the other.
    async fn plan(&self, base: &Known, batches: &[Prepared]) -> io::Result<Plan> {
        let mut plan = Plan {
            head: base.head.clone(),
            changed: BTreeSet::new(),
            verdicts: Vec::with_capacity(batches.len()),
        };
        for batch in batches {
            let verdict = match self.check_blobs(&plan.head, batch).await? {
                Ok(()) => self.play(&mut plan.head.files, batch).await?,
                Err(error) => Err(error),
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
        let played = files.play(batch.edits.clone(), &self.limits);
        if !matches!(&played, Err(error) if is_unknown_version(error)) {
            return Ok(played);
        }
        for path in paths(&batch.edits) {
            let file = files.get_mut(path);
            if let Some(file) = file.filter(|file| file.known_version().is_none()) {
                file.version = Some(self.space.version_of(file).await?);
            }
        }
        let played = files.play(batch.edits.clone(), &self.limits);
        if !matches!(&played, Err(error) if is_unknown_version(error)) {
            return Ok(played);
        }
        // It asks for the version of what it has itself added to a file before.
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

    /// The same contents, all of them at hand.
    async fn inlined(&self, parts: &[Part]) -> io::Result<Part> {
        let contents = self.space.fetch_all(parts).await?;
        Ok(Part::Inline(contents.into()))
    }

    /// Whether the blobs of a batch are still there, and stay: if none was condemned
    /// since they were uploaded, they are; else they are if they have not been
    /// condemned, and if they can still be found. What is condemned later is
    /// condemned by a HEAD that comes after this one.
    async fn check_blobs(&self, head: &Head, batch: &Prepared) -> io::Result<Result<()>> {
        if batch.sweeps == Some(head.sweep.count) {
            return Ok(Ok(()));
        }
        for id in batch.uploaded.iter().chain(&batch.shared) {
            let is_gone = head.sweep.condemned.contains(id)
                || match self.space.store.size(&self.space.blob(*id)).await {
                    Ok(_) => false,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => true,
                    Err(error) => return Err(error),
                };
            if is_gone {
                return Ok(Err(swept(batch)));
            }
        }
        Ok(Ok(()))
    }
}

fn blobs_at(files: &Table<File>, paths: &BTreeSet<FilePath>) -> BTreeSet<Uuid> {
    let files = paths.iter().filter_map(|path| files.get(path));
    files.flat_map(File::blobs).map(|blob| blob.id).collect()
}

fn paths(edits: &[(Edit<File>, Precondition)]) -> BTreeSet<&FilePath> {
    let paths = edits.iter().flat_map(|(edit, _)| edit.paths());
    paths.collect()
}

fn not_made(batches: &[Prepared], error: &io::Error) -> Vec<Result<()>> {
    batches.iter().map(|_| Err(unavailable(error))).collect()
}

/// The store did not do what was asked for, and nothing was changed.
pub(crate) fn unavailable(error: &io::Error) -> Error {
    Error::Unavailable {
        what: "the object store could not be used, and nothing was changed".to_owned(),
        source: again(error),
    }
}

/// Nobody knows whether the store did what was asked for.
pub(crate) fn in_doubt(path: &FilePath, error: &io::Error) -> Error {
    Error::InDoubt {
        path: path.clone(),
        source: again(error),
    }
}

fn too_long(batch: &Prepared) -> Error {
    Error::QuotaExceeded {
        path: batch.path.clone(),
        reason: format!("the list of all files would be longer than {MAX_HEAD_BYTES} bytes"),
    }
}

fn swept(batch: &Prepared) -> Error {
    Error::Io {
        path: batch.path.clone(),
        intent: "changed",
        source: io::Error::other(
            "what was sent for it took too long to be committed and was swept; write it again",
        ),
    }
}

/// Several are told of one failure.
fn again(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

fn may_be_made(error: &Error) -> bool {
    matches!(error, Error::InDoubt { .. })
}
