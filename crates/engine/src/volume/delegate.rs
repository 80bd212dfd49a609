//! Methods of a volume that another volume answers.

/// Makes methods of a [`Volume`](crate::Volume) that another volume answers: those that are named, or
/// all.
///
/// ```
/// use ability_storage_engine::author::delegate;
/// use ability_storage_engine::{Batch, Error, Result, Version, Volume};
///
/// struct Full<V>(V);
///
/// impl<V: Volume> Volume for Full<V> {
///     delegate!(self => self.0; read, stat, list, writer, reader, usage, counters, close, exists);
///
///     fn commit(&self, batch: Batch) -> Result<Vec<Option<Version>>> {
///         match batch.steps().first() {
///             Some(step) => Err(Error::quota_exceeded(step.change.target(), "it is full")),
///             None => Ok(Vec::new()),
///         }
///     }
/// }
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __delegate_volume {
    ($self:ident => $to:expr) => {
        $crate::__delegate_volume! {
            $self => $to; read, stat, list, commit, writer, reader, usage, counters, close, exists
        }
    };
    ($self:ident => $to:expr; $($method:ident),+) => {
        $($crate::__delegate_volume! { @ $method $self $to })+
    };
    (@ read $self:ident $to:expr) => {
        fn read(&$self, path: &$crate::FilePath, max_bytes: u64) -> $crate::Result<$crate::Snapshot> {
            $crate::Volume::read(&$to, path, max_bytes)
        }
    };
    (@ stat $self:ident $to:expr) => {
        fn stat(&$self, path: &$crate::FilePath) -> $crate::Result<$crate::FileInfo> {
            $crate::Volume::stat(&$to, path)
        }
    };
    (@ list $self:ident $to:expr) => {
        fn list(&$self, directory: Option<&$crate::FilePath>) -> $crate::Result<Vec<$crate::FilePath>> {
            $crate::Volume::list(&$to, directory)
        }
    };
    (@ commit $self:ident $to:expr) => {
        fn commit(&$self, batch: $crate::Batch) -> $crate::Result<Vec<Option<$crate::Version>>> {
            $crate::Volume::commit(&$to, batch)
        }
    };
    (@ writer $self:ident $to:expr) => {
        fn writer(&$self, path: &$crate::FilePath) -> $crate::Result<Box<dyn $crate::Writer>> {
            $crate::Volume::writer(&$to, path)
        }
    };
    (@ reader $self:ident $to:expr) => {
        fn reader(&$self, path: &$crate::FilePath) -> $crate::Result<Box<dyn $crate::Reader>> {
            $crate::Volume::reader(&$to, path)
        }
    };
    (@ usage $self:ident $to:expr) => {
        fn usage(&$self) -> $crate::Result<$crate::Usage> {
            $crate::Volume::usage(&$to)
        }
    };
    (@ counters $self:ident $to:expr) => {
        fn counters(&$self) -> $crate::Counters {
            $crate::Volume::counters(&$to)
        }
    };
    (@ close $self:ident $to:expr) => {
        fn close(&$self) -> $crate::Result<()> {
            $crate::Volume::close(&$to)
        }
    };
    (@ exists $self:ident $to:expr) => {
        fn exists(&$self, path: &$crate::FilePath) -> $crate::Result<bool> {
            $crate::Volume::exists(&$to, path)
        }
    };
}
