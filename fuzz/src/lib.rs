//! What the fuzz targets of ability-storage do with the inputs that libFuzzer makes.
//!
//! | module | holds |
//! |---|---|
//! | `names` | what a guest may name, written down a second time |
//! | `scratch` | directories for one input, and what is in them |
//! | `record` | the form of the log, written down a second time |
//! | `left_behind` | a volume as a killed process leaves it |
//! | `forge` | records with a right checksum and any payload |
//! | `damage` | what may happen to `.ability-storage/` |
//! | `promise` | what recovery may make of the files |
//! | `recovery` | opening what is damaged |
//! | `calls` | any sequence of calls, made to a volume and to a model |
//!
//! Everything goes through the public interface of the engine: nothing here may need a hook in it,
//! or what is fuzzed is not what is shipped. What the engine documents is written down again instead
//! of taken from it, so that a mistake has to be made twice to stay unseen.

pub mod calls;
mod damage;
mod forge;
mod left_behind;
pub mod names;
mod promise;
mod record;
pub mod recovery;
mod scratch;
