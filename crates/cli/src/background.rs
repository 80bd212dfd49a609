//! Where the part of an ability is that runs beside it.

use crate::args::RunArgs;
use anyhow::{Result, bail};
use std::path::PathBuf;

/// The component that runs beside the ability, if it has one: the one that the
/// command line names, or `<name>.background.wasm` beside `<name>.wasm`, which is
/// where `ability build` puts it.
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
    let path = args.component.with_extension("background.wasm");
    Ok(path.is_file().then_some(path))
}
