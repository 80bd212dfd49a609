//! Files of compiled components: what `ability compile` writes and `ability run` takes.
//!
//! | bytes | hold |
//! |---|---|
//! | 16 | `ability-compiled` |
//! | 32 | the BLAKE3 hash of the rest |
//! | the rest | what wasmtime makes of a component |
//!
//! This is machine code, which no sandbox holds: whoever writes such a file decides what the
//! process does that runs it. wasmtime checks for which version, settings and processor it
//! was made, but cannot check what it does. So this module must never load one that the
//! person has not said to trust, that another user could have written, or that is damaged.

use anyhow::{Context, Result, anyhow, bail};
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;
use wasmtime::Engine;
use wasmtime::component::Component;

pub const EXTENSION: &str = "cwasm";

const MAGIC: &[u8; 16] = b"ability-compiled";
const HASH_BYTES: usize = 32;

/// What wasmtime made of a component, as a file.
pub fn file_of(code: &[u8]) -> Vec<u8> {
    [MAGIC as &[u8], blake3::hash(code).as_bytes(), code].concat()
}

/// Whether a file holds, or once held, compiled code.
pub fn is_compiled(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) || Engine::detect_precompiled(bytes).is_some()
}

/// Reads a file, with what the system says of the very file that was read.
pub fn read(path: &Path) -> std::io::Result<(Vec<u8>, Metadata)> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok((bytes, metadata))
}

/// The component in the file `bytes` that `metadata` belongs to.
///
/// # Errors
///
/// If it may not be trusted, is damaged, or was made for another engine.
pub fn load(
    engine: &Engine,
    bytes: &[u8],
    metadata: &Metadata,
    trusted: bool,
) -> Result<Component> {
    if !trusted {
        bail!(
            "it is compiled code, which no sandbox holds; say --trust-compiled if you have \
             compiled it yourself, or run the component that it was made from"
        );
    }
    check_writers(metadata)?;
    let code = code_in(bytes)?;
    // SAFETY: `Component::deserialize` asks that the bytes come from this version of wasmtime's
    // own compiler, unchanged. It checks version, settings and processor itself. Their hash
    // shows that they are as `ability compile` wrote them; that nobody forged both, only the
    // person can know, who has said so, for a file that no other user could have written.
    #[allow(unsafe_code)]
    let component = unsafe { Component::deserialize(engine, code) };
    component.map_err(|error| {
        let reason = error.to_string();
        anyhow!(
            "it was compiled by another version of `ability` or for another processor; compile \
             the component again ({})",
            reason.lines().next().unwrap_or_default()
        )
    })
}

fn code_in(bytes: &[u8]) -> Result<&[u8]> {
    let rest = bytes
        .strip_prefix(MAGIC)
        .context("it was not made by `ability compile`")?;
    let (hash, code) = rest
        .split_at_checked(HASH_BYTES)
        .context("it is cut off; compile the component again")?;
    if blake3::hash(code) != *<&[u8; HASH_BYTES]>::try_from(hash)? {
        bail!("it is damaged or cut off; compile the component again");
    }
    Ok(code)
}

/// Refuses a file that another user can write, or did.
#[cfg(unix)]
fn check_writers(metadata: &Metadata) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    const ROOT: u32 = 0;
    const OTHERS: u32 = 0o022;
    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != user && owner != ROOT {
        bail!("it belongs to another user (uid {owner}), who could put any code into it");
    }
    if metadata.mode() & OTHERS != 0 {
        bail!("other users can write it, and so put any code into it; run `chmod go-w` on it");
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_writers(_: &Metadata) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_files_are_taken() {
        let file = file_of(b"code");
        assert!(is_compiled(&file));
        assert_eq!(code_in(&file).expect("whole"), b"code");
        for length in 0..file.len() {
            code_in(&file[..length]).expect_err("cut off");
        }
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            code_in(&damaged).expect_err("damaged");
        }
    }
}
