//! From a root directory to the storage of one ability.

use crate::args::RunArgs;
use crate::roots::{self, Opening, Place};
use ability_storage::{Durability, LocalVolume, Scope, StorageCtx, Volume, VolumeId};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::sync::Arc;

/// The ability's own volume and the one that all share.
pub struct Volumes {
    ability: Arc<dyn Volume>,
    user: Arc<dyn Volume>,
    most_value_bytes: u64,
}

impl Volumes {
    /// What one guest is given of them: all. The ability and its background share
    /// the volumes and their limits.
    pub fn ctx(&self) -> StorageCtx {
        StorageCtx::builder()
            .max_value_bytes(self.most_value_bytes)
            .volume(Scope::Ability, self.ability.clone())
            .volume(Scope::User, self.user.clone())
            .build()
    }
}

/// Opens the volumes of the ability `name`.
pub fn open(args: &RunArgs, name: &str) -> Result<Volumes> {
    // First, so that nothing is asked of a store for what can never be.
    let id = args.id.clone().map_or_else(|| VolumeId::ability(name), Ok);
    let id = id.context(
        "the name of the file cannot be used as its id (another can be given with --id)",
    )?;
    let durability = match args.no_sync {
        true => Durability::None,
        false => Durability::Full,
    };
    let directory = LocalVolume::options()
        .journaled(args.journaled)
        .durability(durability);
    let opening = Opening {
        limits: args.storage.of_volume(),
        read_only: args.read_only,
        directory,
        store: Some(&args.store),
        cache: Some(&args.cache),
    };
    let root = roots::open(&args.root, opening)?;
    if let (Some(scratch), Place::Directory(directory)) = (&args.scratch, &args.root) {
        check_apart(scratch, directory)?;
    }
    Ok(Volumes {
        ability: root.volume(&id).map_err(roots::told)?,
        user: root.user().map_err(roots::told)?,
        most_value_bytes: args.storage.of_value(),
    })
}

/// A guest with plain access to a volume could tear what is in it.
fn check_apart(scratch: &Path, root: &Path) -> Result<()> {
    let resolve = |path: &Path| {
        path.canonicalize()
            .with_context(|| format!("the directory {} could not be opened", path.display()))
    };
    let (scratch, root) = (resolve(scratch)?, resolve(root)?);
    if scratch.starts_with(&root) || root.starts_with(&scratch) {
        bail!("--scratch and --root must be apart: neither may contain the other");
    }
    Ok(())
}
