//! `ability compile`: from a component to machine code in a file, for images of containers.

use crate::build::publish;
use crate::component::Loader;
use crate::{FAILED, compiled, complain};
use anyhow::Result;
use clap::Args;
use std::io::{Write, stdout};
use std::path::PathBuf;

pub const LONG_ABOUT: &str = "\
Compile a component, so that it starts at once where nothing can be kept: in the image
of a container, say.

The file holds machine code, for this version of `ability`, this system, and any
processor of this kind. `ability run FILE.cwasm --trust-compiled` runs it; another
version of `ability` refuses it.

No sandbox holds machine code: whoever can write the file decides what the process
does. Run none that you have not compiled yourself, and let no one else write it;
`ability run` refuses a file that belongs to another user than root and yourself, or
that others can write.";

pub const AFTER_HELP: &str = "\
Examples:
  ability compile notes.wasm
      Makes notes.cwasm, in the current directory.
  ability run notes.cwasm --trust-compiled --root /data
      Starts without compiling anything.

What runs beside an ability is compiled by itself: NAME.background.cwasm beside
NAME.cwasm is found.

Exit codes:
  0      the file is there
  2      the command line is wrong
  125    it is no component that could be run, or the file could not be written";

#[derive(Args)]
pub struct CompileArgs {
    /// The component to compile
    #[arg(value_name = "COMPONENT.WASM")]
    component: PathBuf,

    /// Where the code goes [default: the component's name with .cwasm, here]
    #[arg(long, short, value_name = "FILE.cwasm")]
    output: Option<PathBuf>,
}

/// Compiles, and returns the exit code of the command.
pub fn compile(args: &CompileArgs) -> u8 {
    match try_compile(args) {
        Ok(()) => 0,
        Err(error) => {
            complain(format_args!("{error:#}"));
            FAILED
        }
    }
}

fn try_compile(args: &CompileArgs) -> Result<()> {
    let output = args.output.clone().unwrap_or_else(|| {
        let name = args.component.file_name().unwrap_or_default();
        PathBuf::from(name).with_extension(compiled::EXTENSION)
    });
    publish::check(&output, compiled::EXTENSION)?;
    let file = Loader::for_files()?.precompile(&args.component)?;
    publish::publish_contents(&file, &output, &args.component)?;
    let size = crate::size::written(file.len() as u64);
    writeln!(stdout(), "{}: {size}", output.display())?;
    Ok(())
}
