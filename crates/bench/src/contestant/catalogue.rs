//! All contestants. One is added by adding its line.

use super::guest::Guest;
use super::habits::{DeleteThenWrite, ForwardJournal};
use super::libraries::{AtomicWriteFile, Atomicwrites, CapStdExt, Tempfile};
use super::log::Log;
use super::redb::Redb;
use super::sqlite::Sqlite;
use super::{Contestant, Guarantees, Ours, Raw};
use ability_storage::{Durability, LocalVolume};
use std::path::Path;

/// Those with guests only if `guests`, the directory of built guests, is known.
pub fn all(guests: Option<&Path>) -> Vec<Box<dyn Contestant>> {
    let mut all: Vec<Box<dyn Contestant>> = vec![
        Box::new(Ours {
            name: "ability-storage",
            guarantees: Guarantees::ALL,
            options: LocalVolume::options,
        }),
        Box::new(Ours {
            name: "ability-storage, journaled",
            guarantees: Guarantees::DATABASE,
            options: || LocalVolume::options().journaled(true),
        }),
        Box::new(Ours {
            name: "ability-storage, unsynced",
            guarantees: Guarantees::UNSYNCED,
            options: || LocalVolume::options().durability(Durability::None),
        }),
        Box::new(Raw::SYNCED),
        Box::new(AtomicWriteFile),
        Box::new(Atomicwrites),
        Box::new(CapStdExt),
        Box::new(Tempfile),
        Box::new(Sqlite),
        Box::new(Redb),
        Box::new(ForwardJournal { synced: true }),
        Box::new(ForwardJournal { synced: false }),
        Box::new(DeleteThenWrite),
        Box::new(Raw::UNSYNCED),
        Box::new(Log),
    ];
    if let Some(guests) = guests {
        all.push(Box::new(Guest::ours(
            "guest: ability-storage",
            Guarantees::ALL,
            LocalVolume::options,
            guests,
        )));
        all.push(Box::new(Guest::ours(
            "guest: ability-storage, journaled",
            Guarantees::DATABASE,
            || LocalVolume::options().journaled(true),
            guests,
        )));
        all.push(Box::new(Guest::ours(
            "guest: ability-storage, unsynced",
            Guarantees::UNSYNCED,
            || LocalVolume::options().durability(Durability::None),
            guests,
        )));
        all.push(Box::new(Guest::by_itself(true, guests)));
        all.push(Box::new(Guest::by_itself(false, guests)));
    }
    all
}

/// The one with this name.
pub fn named(name: &str, guests: Option<&Path>) -> Option<Box<dyn Contestant>> {
    all(guests).into_iter().find(|it| it.name() == name)
}
