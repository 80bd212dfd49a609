//! From a batch to what can be played on HEAD: what is too long for HEAD goes into
//! blobs first, all at once.

use crate::file::{Blob, File, Part};
use crate::heads::{Heads, Known};
use crate::space::{AT_ONCE, Space};
use crate::spill::INLINE_BYTES;
use ability_storage_engine::author::CheckLimits;
use ability_storage_engine::author::plan::Edit;
use ability_storage_engine::{Batch, Change, FilePath, Limits, Precondition, Step, Version};
use futures_util::{StreamExt, stream};
use std::io;
use uuid::Uuid;

/// A batch that is ready to be committed.
#[derive(Clone)]
pub(crate) struct Prepared {
    /// A path that it is about, for errors about all of it.
    pub(crate) path: FilePath,
    pub(crate) edits: Vec<(Edit<File, Part>, Precondition)>,
    /// Blobs that it brings into use: if it is not committed, nobody needs them.
    pub(crate) uploaded: Vec<Uuid>,
    /// Blobs that were in use when it was prepared.
    pub(crate) shared: Vec<Uuid>,
    /// How often blobs had been condemned before the first upload. As long as HEAD says
    /// the same, none of these blobs was.
    pub(crate) sweeps: u64,
}

impl Prepared {
    /// One file that is in a blob already.
    pub(crate) fn stream(
        path: FilePath,
        blob: Blob,
        precondition: Precondition,
        sweeps: u64,
    ) -> Self {
        let file = File::new(Part::Blob(blob), blob.hash);
        Self {
            path: path.clone(),
            edits: vec![(Edit::Put { path, file }, precondition)],
            uploaded: vec![blob.id],
            shared: Vec::new(),
            sweeps,
        }
    }

    /// Takes `new` into use in place of `old`, a blob with the same contents.
    pub(crate) fn replace_blob(&mut self, old: Uuid, new: Uuid) {
        for (edit, _) in &mut self.edits {
            let parts = match edit {
                Edit::Put { file, .. } => &mut file.parts[..],
                Edit::Append { addition, .. } => std::slice::from_mut(addition),
                Edit::Rename { .. } | Edit::Delete { .. } => &mut [],
            };
            for part in parts {
                match part {
                    Part::Blob(blob) if blob.id == old => blob.id = new,
                    Part::Blob(_) | Part::Inline(_) => {}
                }
            }
        }
        self.shared.retain(|id| *id != old);
        self.uploaded.retain(|id| *id != old);
        self.uploaded.push(new);
    }

    /// Whether it can make the store hold more than before.
    pub(crate) fn writes(&self) -> bool {
        let mut edits = self.edits.iter();
        edits.any(|(edit, _)| matches!(edit, Edit::Put { .. } | Edit::Append { .. }))
    }

    /// The blobs that it takes into use, each once.
    pub(crate) fn blobs(&self) -> Vec<Blob> {
        let parts = self.edits.iter().flat_map(|(edit, _)| match edit {
            Edit::Put { file, .. } => &file.parts[..],
            Edit::Append { addition, .. } => std::slice::from_ref(addition),
            Edit::Rename { .. } | Edit::Delete { .. } => &[],
        });
        let mut blobs: Vec<Blob> = parts.filter_map(Part::blob).copied().collect();
        blobs.sort_by_key(|blob| blob.id);
        blobs.dedup();
        blobs
    }
}

/// Uploads what a batch brings, of which `path` is one. Blobs of a failed attempt are
/// discarded.
pub(crate) async fn prepare(
    space: &Space,
    heads: &Heads,
    limits: &Limits,
    path: FilePath,
    batch: Batch,
) -> io::Result<Prepared> {
    let known = heads.last_seen_or_now().await?;
    let mut prepared = Prepared {
        path,
        edits: Vec::new(),
        uploaded: Vec::new(),
        shared: Vec::new(),
        sweeps: known.head.sweep.count,
    };
    let versions = batch.versions().to_vec();
    let steps: Vec<_> = batch.into_steps().into_iter().zip(versions).collect();
    let edits = stream::iter(steps).map(|(step, version)| {
        let known = known.clone();
        async move { edit(space, limits, &known, step, version).await }
    });
    // All that were begun come to an end, so that none is forgotten.
    let edits: Vec<io::Result<_>> = edits.buffered(AT_ONCE).collect().await;
    let mut failure = None;
    for edit in edits {
        match edit {
            Ok((edit, precondition, blobs)) => {
                prepared.edits.push((edit, precondition));
                match blobs {
                    Blobs::Uploaded(id) => prepared.uploaded.extend(id),
                    Blobs::Shared(ids) => prepared.shared.extend(ids),
                }
            }
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        None => Ok(prepared),
        Some(error) => {
            space.discard(prepared.uploaded);
            Err(error)
        }
    }
}

/// Whether this kind of change can be made here.
pub(crate) fn is_known(change: &Change) -> bool {
    matches!(
        change,
        Change::Write { .. }
            | Change::Append { .. }
            | Change::Rename { .. }
            | Change::Delete { .. }
    )
}

enum Blobs {
    Uploaded(Option<Uuid>),
    Shared(Vec<Uuid>),
}

async fn edit(
    space: &Space,
    limits: &Limits,
    known: &Known,
    step: Step,
    version: Option<Version>,
) -> io::Result<(Edit<File, Part>, Precondition, Blobs)> {
    let mut blobs = Blobs::Uploaded(None);
    let edit = match step.change {
        Change::Write { path, contents, .. } => {
            let version = version.unwrap_or_else(|| Version::of(&contents));
            let there = known.head.files.get(&path);
            let file = match there.filter(|file| file.version == Some(version)) {
                // Nothing will have to be done, unless somebody changes it meanwhile.
                Some(file) => {
                    blobs = Blobs::Shared(file.blobs().map(|blob| blob.id).collect());
                    file.clone()
                }
                None => {
                    let part = part(space, limits, &path, contents, Some(version)).await?;
                    blobs = Blobs::Uploaded(part.blob().map(|blob| blob.id));
                    File::new(part, version)
                }
            };
            Edit::Put { path, file }
        }
        Change::Append { path, contents, .. } => {
            let addition = part(space, limits, &path, contents, None).await?;
            blobs = Blobs::Uploaded(addition.blob().map(|blob| blob.id));
            Edit::Append { path, addition }
        }
        Change::Rename { source, target, .. } => Edit::Rename { source, target },
        Change::Delete { path, .. } => Edit::Delete { path },
        // `is_known` was asked before.
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    Ok((edit, step.precondition, blobs))
}

/// What is short goes into HEAD; what is too long is not sent, for it will be refused
/// when its turn comes.
async fn part(
    space: &Space,
    limits: &Limits,
    path: &FilePath,
    contents: Vec<u8>,
    version: Option<Version>,
) -> io::Result<Part> {
    let bytes = contents.len() as u64;
    if bytes <= INLINE_BYTES || limits.check_file(path, bytes).is_err() {
        return Ok(Part::Inline(contents.into()));
    }
    space.part(contents, version).await
}
