//! Guests that nobody should trust, in a host that serves others meanwhile: each is
//! held to its limits, ends by its own fault or is stopped, and leaves nothing.
//!
//! | module | holds |
//! |---|---|
//! | `resources` | guests that want all of the time, the memory, the stack or the handles |
//! | `raw_calls` | guests that do not keep to what their compiler would do |
//! | `mutated` | components that are cut off or changed at random |
//! | `cut_off` | guests that stop in the middle of a stream |

mod cut_off;
mod mutated;
mod raw_calls;
mod resources;
mod versions;
