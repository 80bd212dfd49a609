//! `Durability`: what a commit survives.

/// What a commit survives once it has returned `Ok`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// A power cut, a crash of the system, and all that [`None`](Self::None) survives.
    #[default]
    Full,
    /// That this process, or any other that uses the volume, is killed at any moment:
    /// files stay whole, no batch or append is done by half, no update is lost, and
    /// what was committed is there.
    ///
    /// Nothing is ever synced, so a power cut or a crash of the system may undo commits
    /// of the last half minute or more, in any order, and leave any of the files that
    /// they wrote empty, full of zeros or torn, batches half done, and files that were
    /// appended to with lines missing in the middle. For data that can be made again, or
    /// a disk that is memory. Not for a volume that another process uses with
    /// [`Full`](Self::Full): that one counts on what this one does.
    None,
}
