//! `ability build`, in processes of its own.
//!
//! | module | holds |
//! |---|---|
//! | `folders` | folders of abilities, and the command that builds them |
//! | `stand_in` | a python3 that installs and builds nothing, and says what it was asked |
//! | `recognition` | what is refused before anything is done |
//! | `environments` | installations: whole, once, and made anew |
//! | `hostile` | folders that came from elsewhere, with links and pipes in them |
//! | `packages` | what requirements.txt asks for, whole or not at all |
//! | `outcomes` | what is published, and what failures say |
//! | `sources` | what is known of Python sources without running them |
//! | `python`, `javascript`, `rust` | real builds, with real tools |

mod folders;
mod javascript;
mod python;
mod recognition;
mod rust;
mod sources;

#[cfg(unix)]
mod environments;
#[cfg(unix)]
mod hostile;
#[cfg(unix)]
mod outcomes;
#[cfg(unix)]
mod packages;
#[cfg(unix)]
mod stand_in;
