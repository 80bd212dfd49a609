//! Where the part of an ability is that runs beside it.

use crate::args::RunArgs;
use crate::compiled;
use anyhow::{Result, bail};
use std::path::PathBuf;

/// The component that runs beside the ability, if it has one: the one that the
/// command line names, or `<name>.background.wasm` beside `<name>.wasm`, which is
/// where `ability build` puts it; compiled beside compiled.
pub fn beside(args: &RunArgs) -> Result<Option<PathBuf>> {
    if args.no_background {
        return Ok(None);
    }
    if let Some(path) = &args.background {
        if !path.exists() {
            bail!("there is no file {}", path.display());
        }
        return Ok(Some(path.clone()));
    }
    let is_compiled = args
        .component
        .extension()
        .is_some_and(|is| is == compiled::EXTENSION);
    let ending = if is_compiled {
        compiled::EXTENSION
    } else {
        "wasm"
    };
    let path = args
        .component
        .with_extension(format!("background.{ending}"));
    Ok(path.is_file().then_some(path))
}
