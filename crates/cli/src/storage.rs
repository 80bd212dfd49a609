//! From a root directory to the storage of one ability.

use crate::args::RunArgs;
use ability_storage::{Durability, Error, Root, RootVolume, Scope, StorageCtx};
use anyhow::{Context, Result, anyhow, bail};
use std::path::Path;
use std::sync::Arc;

/// The ability's own volume and the one that all share.
pub struct Volumes {
    ability: Arc<RootVolume>,
    user: Arc<RootVolume>,
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
    let id = args.id.as_deref().unwrap_or(name);
    let root = Root::options()
        .limits(args.storage.of_volume())
        .read_only(args.read_only)
        .journaled(args.journaled)
        .durability(match args.no_sync {
            true => Durability::None,
            false => Durability::Full,
        })
        .open_or_create(&args.root)
        .map_err(told)?;
    if let Some(scratch) = &args.scratch {
        check_apart(scratch, &args.root)?;
    }
    let ability = root
        .ability(id)
        .map_err(told)
        .with_context(|| match args.id {
            Some(_) => "--id cannot be used",
            None => {
                "the name of the file cannot be used as its id (another can be given with --id)"
            }
        })?;
    Ok(Volumes {
        ability,
        user: root.user().map_err(told)?,
        most_value_bytes: args.storage.of_value(),
    })
}

/// Why a volume cannot be opened, without saying twice that it cannot.
fn told(error: Error) -> anyhow::Error {
    match error {
        Error::Unavailable { what, source } => anyhow!("{what}: {source}"),
        error => error.into(),
    }
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
