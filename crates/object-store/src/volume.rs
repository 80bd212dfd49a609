//! `ObjectVolume`: a volume on an object store.
//!
//! Here calls are put together from what the other modules do: what HEAD is
//! (`heads`), what a batch needs (`change`), and how it is committed (`commits`).

use crate::accounts::{Accounts, InFlight};
use crate::cache::BlobCache;
use crate::change::{Prepared, is_known, prepare};
use crate::commits::{Commits, unavailable};
use crate::file::File;
use crate::garbage::Keeper;
use crate::heads::{Heads, Known};
use crate::reader::ObjectReader;
use crate::runtime;
use crate::space::Space;
use crate::store::{Requests, Store};
use crate::sweep::{self, Swept};
use crate::writer::ObjectWriter;
use ability_storage_engine::author::OpenCalls;
use ability_storage_engine::author::file_info;
use ability_storage_engine::author::observe::Observer;
use ability_storage_engine::{
    Batch, Change, Counters, Error, FileInfo, FilePath, Limits, Reader, Result, Snapshot, Usage,
    Version, Volume, Writer,
};
use object_store::path::Path;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How often a file is looked up again whose blobs are gone, for it was replaced
/// meanwhile.
const LOOKS: usize = 10;

/// A volume whose files are in an object store.
///
/// It keeps all promises of [`Volume`], also towards other volumes over the same
/// files in other processes and on other machines. See
/// [`ObjectRoot`](crate::ObjectRoot) for how to get one.
///
/// Calls block until the store has answered; they may be made from any thread, also
/// from one of an asynchronous runtime (which then waits).
pub struct ObjectVolume {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) space: Space,
    pub(crate) heads: Arc<Heads>,
    pub(crate) limits: Limits,
    pub(crate) read_only: bool,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) observer: Observer,
    pub(crate) calls: OpenCalls,
    commits: Commits,
    keeper: Arc<Keeper>,
}

impl ObjectVolume {
    pub(crate) fn new(
        store: Arc<Store>,
        prefix: Path,
        ability: Option<String>,
        cache: Option<BlobCache>,
        limits: Limits,
        read_only: bool,
    ) -> Self {
        let observer = Observer::named(prefix.to_string(), ability);
        let space = Space::new(store.clone(), prefix, cache.map(Arc::new));
        let heads = Arc::new(Heads::new(store, space.head()));
        let commits = Commits::new(space.clone(), heads.clone(), limits.clone());
        let keeper = Keeper::new(space.clone(), heads.clone(), &limits);
        Self {
            shared: Arc::new(Shared {
                space,
                heads,
                limits,
                read_only,
                accounts: Arc::default(),
                observer,
                calls: OpenCalls::default(),
                commits,
                keeper: Arc::new(keeper),
            }),
        }
    }

    /// How many requests all volumes of the same root have made so far.
    pub fn requests(&self) -> Requests {
        self.shared.space.store.requests()
    }

    /// Removes blobs that no file has used for at least `grace`.
    ///
    /// Blobs go out of use when files are replaced, and when a client stops before it
    /// commits what it has sent. A sweep notes when it sees a blob out of use for the
    /// first time, and removes it once that was `grace` ago: so it takes two sweeps.
    /// No file is ever lost to it, however short the time is. But what a writer takes
    /// longer than that to commit may have to be written again, and a reader may not
    /// come to its end: a day is a good time, and zero is for volumes that nobody
    /// uses at the moment.
    ///
    /// A volume that is written to sweeps by itself, with a time of grace of five minutes,
    /// while more is out of use than [`Limits::max_total_bytes`] (or 128 MiB, if that is
    /// more). At twice as much it refuses writes with [`Error::QuotaExceeded`].
    ///
    /// # Errors
    ///
    /// [`Error::ReadOnly`], or [`Error::Unavailable`] if the store did not answer;
    /// what is left to do is done by the next sweep.
    pub fn sweep(&self, grace: Duration) -> Result<Swept> {
        if self.shared.read_only {
            return Err(Error::ReadOnly);
        }
        let _call = self.shared.calls.begin()?;
        let _span = self.shared.observer.span().entered();
        let space = self.shared.space.clone();
        cleared(runtime::wait(
            async move { sweep::sweep(&space, grace).await },
        ))
    }

    /// What [`sweep`](Self::sweep) would do now. Nothing is written, noted or removed, and
    /// a volume that is only read can be asked too.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the store did not answer.
    pub fn would_sweep(&self, grace: Duration) -> Result<Swept> {
        let _call = self.shared.calls.begin()?;
        let _span = self.shared.observer.span().entered();
        let space = self.shared.space.clone();
        cleared(runtime::wait(async move {
            sweep::rehearse(&space, grace).await
        }))
    }

    /// A file as HEAD has it now.
    fn find(&self, path: &FilePath) -> Result<File> {
        let _span = self.shared.observer.span().entered();
        let (shared, path) = (self.shared.clone(), path.clone());
        runtime::wait(async move { shared.find(&path).await }).map_err(cannot_be_read)?
    }

    fn head_now(&self) -> Result<Arc<Known>> {
        let _span = self.shared.observer.span().entered();
        let heads = self.shared.heads.clone();
        let now = runtime::wait(async move { heads.now().await });
        now.and_then(|now| now).map_err(cannot_be_read)
    }
}

impl Volume for ObjectVolume {
    fn read(&self, path: &FilePath, max_bytes: u64) -> Result<Snapshot> {
        let _call = self.shared.calls.begin()?;
        let _span = self.shared.observer.span().entered();
        let (shared, path) = (self.shared.clone(), path.clone());
        runtime::wait(async move { shared.read(&path, max_bytes).await }).map_err(cannot_be_read)?
    }

    fn stat(&self, path: &FilePath) -> Result<FileInfo> {
        let _call = self.shared.calls.begin()?;
        let file = self.find(path)?;
        Ok(file_info(file.size, file.modified()))
    }

    fn list(&self, directory: Option<&FilePath>) -> Result<Vec<FilePath>> {
        let _call = self.shared.calls.begin()?;
        Ok(self.head_now()?.head.files.list(directory))
    }

    fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
        let observed = self.shared.observer.batch(batch.steps());
        let _span = observed.span().entered();
        let call = self.shared.calls.begin();
        let result = call.and_then(|_call| self.shared.commit(batch));
        observed.committed(&result);
        result
    }

    fn writer(&self, path: &FilePath) -> Result<Box<dyn Writer>> {
        let _call = self.shared.calls.begin()?;
        let _span = self.shared.observer.span().entered();
        if self.shared.read_only {
            return Err(Error::ReadOnly);
        }
        let writer = ObjectWriter::new(self.shared.clone(), path)?;
        let (shared, path) = (self.shared.clone(), path.clone());
        let admitted = runtime::wait(async move { shared.keeper.admit(&path).await });
        admitted.map_err(unavailable)??;
        Ok(Box::new(writer))
    }

    fn reader(&self, path: &FilePath) -> Result<Box<dyn Reader>> {
        let _call = self.shared.calls.begin()?;
        let file = self.find(path)?;
        let space = self.shared.space.clone();
        Ok(Box::new(ObjectReader::new(space, path.clone(), file)))
    }

    fn usage(&self) -> Result<Usage> {
        let _call = self.shared.calls.begin()?;
        Ok(self.head_now()?.head.files.usage())
    }

    /// What this volume has done since it was opened, and what it is doing. There is nothing
    /// to recover or to sync and there is no log, and writes of what is there already are
    /// counted like others; see also [`requests`](ObjectVolume::requests).
    fn counters(&self) -> Counters {
        self.shared.observer.counters(0)
    }

    /// What is acknowledged is in the store already, so only calls that are under way are
    /// waited for. Blobs that are out of use may still be removed afterwards.
    fn close(&self) -> Result<()> {
        self.shared.calls.close();
        Ok(())
    }
}

impl Shared {
    /// Commits a batch and waits for it.
    pub(crate) fn commit(self: &Arc<Self>, batch: Batch) -> Result<Vec<Option<Version>>> {
        if self.read_only {
            return Err(Error::ReadOnly);
        }
        let mut in_flight = InFlight::none(&self.accounts);
        for step in batch.steps() {
            if !is_known(&step.change) {
                return Err(Error::unsupported(step.change.target()));
            }
            in_flight.add(&self.limits, step.change.target(), step.change.bytes())?;
        }
        let Some(path) = batch
            .steps()
            .first()
            .map(|step| step.change.target().clone())
        else {
            return Ok(Vec::new());
        };
        let versions = batch.versions().to_vec();
        let writes = batch
            .steps()
            .iter()
            .any(|step| matches!(step.change, Change::Write { .. } | Change::Append { .. }));
        let (shared, about) = (self.clone(), path.clone());
        let committed = runtime::wait(async move {
            let Shared {
                space,
                heads,
                limits,
                ..
            } = &*shared;
            if writes {
                shared.keeper.admit(&about).await?;
            }
            match prepare(space, heads, limits, about, batch).await {
                Ok(prepared) => shared.commit_now(prepared).await,
                Err(error) => Err(unavailable(error)),
            }
        });
        let result = committed.unwrap_or_else(|error| Err(Error::in_doubt(&path, error)));
        result.map(|()| versions)
    }

    /// Commits what has been uploaded and waits for it.
    pub(crate) fn commit_prepared(self: &Arc<Self>, prepared: Prepared) -> Result<()> {
        let (shared, path) = (self.clone(), prepared.path.clone());
        let committed = runtime::wait(async move { shared.commit_now(prepared).await });
        committed.unwrap_or_else(|error| Err(Error::in_doubt(&path, error)))
    }

    async fn commit_now(&self, prepared: Prepared) -> Result<()> {
        let committed = self.commits.commit(prepared).await;
        self.keeper.tend();
        committed
    }

    async fn find(&self, path: &FilePath) -> Result<File> {
        let now = self.heads.now().await.map_err(cannot_be_read)?;
        now.head.files.find(path).cloned()
    }

    async fn read(&self, path: &FilePath, max_bytes: u64) -> Result<Snapshot> {
        let mut file = self.find(path).await?;
        for _ in 0..LOOKS {
            if file.size > max_bytes {
                return Err(Error::too_large(path, max_bytes));
            }
            let not_read = |error: io::Error| Error::not_read(path, error);
            let error = match self.space.fetch_all(&file.parts).await {
                Ok(contents) => return Ok(Snapshot::new(contents)),
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(not_read(error));
                }
                Err(error) => error,
            };
            // It was replaced, and a sweep was faster than this call.
            let now = self.find(path).await?;
            if now.parts == file.parts {
                return Err(not_read(error));
            }
            file = now;
        }
        let source = io::Error::other("it is replaced and swept all the time");
        Err(Error::not_read(path, source))
    }
}

impl fmt::Debug for ObjectVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectVolume")
            .field("head", &self.shared.space.head().as_ref())
            .finish_non_exhaustive()
    }
}

/// What became of a sweep, or of a look at what there is to sweep.
fn cleared(swept: io::Result<io::Result<Swept>>) -> Result<Swept> {
    let swept = swept.and_then(|swept| swept);
    swept.map_err(|error| Error::unavailable("the volume could not be swept", error))
}

fn cannot_be_read(source: io::Error) -> Error {
    Error::unavailable("the object store could not be read", source)
}
