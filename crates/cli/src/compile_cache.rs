//! Where compiled components are kept, so that only the first start compiles.
//!
//! What is in the cache is machine code, and runs outside of any sandbox. This module must
//! never use a directory that the person did not name and that others could write into.

use crate::complain;
use anyhow::{Context, Result};
use clap::Args;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use wasmtime::{Cache, CacheConfig};

#[derive(Args, Clone, Default)]
pub struct CompileCacheOptions {
    /// Where compiled components are kept [default: wasmtime's cache directory]
    /// [env: ABILITY_COMPILE_CACHE]
    ///
    /// The default is $XDG_CACHE_HOME/wasmtime, else ~/.cache/wasmtime
    /// (~/Library/Caches/BytecodeAlliance.wasmtime on macOS). What is kept there is machine
    /// code that runs without a sandbox: nobody may write into DIR whom you do not trust. It
    /// may be read-only; then only what is in it already starts at once.
    #[arg(long, value_name = "DIR")]
    pub compile_cache: Option<PathBuf>,
}

/// Names the directory where the option does not. Set and empty is as if it were not set, for
/// that is how scripts and containers unset a variable.
const VARIABLE: &str = "ABILITY_COMPILE_CACHE";

impl CompileCacheOptions {
    /// The directory that was named, and by what.
    fn named(&self) -> Option<(PathBuf, &'static str)> {
        let option = self.compile_cache.clone();
        let variable = || std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
        let by_option = option.map(|directory| (directory, "--compile-cache"));
        by_option.or_else(|| variable().map(|directory| (directory.into(), VARIABLE)))
    }
}

/// A place for compiled components, or none.
pub struct CompileCache {
    cache: Option<Cache>,
    has_warned: std::cell::Cell<bool>,
}

impl CompileCache {
    /// Without a place that can be used, there is none, and one warning once it matters.
    ///
    /// # Errors
    ///
    /// If a directory was named that is none, and cannot be made.
    pub fn open(options: &CompileCacheOptions) -> Result<Self> {
        let cache = match options.named() {
            Some((directory, by)) => Some(
                open_in(&directory)
                    .with_context(|| format!("{by} {} cannot be used", directory.display()))?,
            ),
            None => Cache::new(CacheConfig::new()).ok(),
        };
        Ok(Self {
            cache,
            has_warned: std::cell::Cell::new(false),
        })
    }

    /// No place at all.
    pub fn none() -> Self {
        Self {
            cache: None,
            has_warned: std::cell::Cell::new(true),
        }
    }

    pub fn cache(&self) -> Option<Cache> {
        self.cache.clone()
    }

    /// How often something was found in it.
    pub fn hits(&self) -> usize {
        self.cache.as_ref().map_or(0, Cache::cache_hits)
    }

    /// What was just compiled will have to be compiled at the next start, too, if it cannot be
    /// kept. Says so once.
    pub fn warn_if_not_kept(&self) {
        let reason = match &self.cache {
            None => "the cache directory of this user cannot be created".to_owned(),
            Some(cache) => match try_to_write(cache.directory()) {
                Ok(()) => return,
                Err(error) => {
                    format!(
                        "{} cannot be written to: {error}",
                        cache.directory().display()
                    )
                }
            },
        };
        if !self.has_warned.replace(true) {
            complain(format_args!(
                "what was compiled is not kept, so that each start compiles again: {reason}; name \
                 a directory with --compile-cache, or see `ability compile`"
            ));
        }
    }
}

fn open_in(directory: &Path) -> Result<Cache> {
    let directory = std::path::absolute(directory)?;
    // One that is there may be read-only.
    if !directory.is_dir() {
        fs::create_dir_all(&directory)?;
    }
    let mut config = CacheConfig::new();
    config.with_directory(directory);
    Cache::new(config).map_err(anyhow::Error::from)
}

fn try_to_write(directory: &Path) -> std::io::Result<()> {
    let probe = directory.join(format!(".ability-{}", std::process::id()));
    File::create_new(&probe)?;
    fs::remove_file(probe)
}
