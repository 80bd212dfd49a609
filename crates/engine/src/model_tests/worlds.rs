//! The volumes that events happen to.

use super::CLIENTS;
use crate::local::testing::{SimWorld, Way};
use crate::{LocalVolume, MemoryVolume, Volume};
use std::path::Path;

/// What the events happen to.
pub(super) trait World {
    fn volume(&self, client: usize) -> &dyn Volume;
    fn reopen(&mut self, client: usize);
    /// `false` if nothing can be cut off here.
    fn kill_at(&mut self, client: usize, call: usize) -> bool;
    fn after_kill(&mut self, client: usize);
    fn after_power_cut(&mut self, choice: u64);

    /// Lets the call of this number fail; `false` if none can.
    fn fail_at(&mut self, _call: usize) -> bool {
        false
    }

    /// Lets everything fail that gives a file this name; `false` if nothing can.
    fn stick(&mut self, _path: &str) -> bool {
        false
    }

    /// Nothing fails any more.
    fn heal(&mut self) {}

    fn checkpoint(&mut self, _client: usize) {}
}

pub(super) struct InMemory(pub(super) MemoryVolume);

impl World for InMemory {
    fn volume(&self, _client: usize) -> &dyn Volume {
        &self.0
    }

    fn reopen(&mut self, _client: usize) {}

    fn kill_at(&mut self, _client: usize, _call: usize) -> bool {
        false
    }

    fn after_kill(&mut self, _client: usize) {}

    fn after_power_cut(&mut self, _choice: u64) {}
}

pub(super) struct OnDisk {
    directory: tempfile::TempDir,
    way: Way,
    clients: Vec<LocalVolume>,
}

impl OnDisk {
    pub(super) fn new(way: Way) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let open = |_| open(way, directory.path());
        let clients = (0..CLIENTS).map(open).collect();
        Self {
            directory,
            way,
            clients,
        }
    }
}

fn open(way: Way, directory: &Path) -> LocalVolume {
    way.options().open(directory).expect("opened")
}

impl World for OnDisk {
    fn volume(&self, client: usize) -> &dyn Volume {
        &self.clients[client]
    }

    fn reopen(&mut self, client: usize) {
        self.clients[client] = open(self.way, self.directory.path());
    }

    fn kill_at(&mut self, _client: usize, _call: usize) -> bool {
        false
    }

    fn after_kill(&mut self, _client: usize) {}

    fn after_power_cut(&mut self, _choice: u64) {}

    fn checkpoint(&mut self, client: usize) {
        self.clients[client].checkpoint().expect("nothing fails");
    }
}

impl World for SimWorld {
    fn volume(&self, client: usize) -> &dyn Volume {
        self.client(client)
    }

    fn reopen(&mut self, client: usize) {
        SimWorld::reopen(self, client);
    }

    fn kill_at(&mut self, _client: usize, call: usize) -> bool {
        self.cut_at(call);
        true
    }

    fn after_kill(&mut self, client: usize) {
        SimWorld::after_kill(self, client);
    }

    fn after_power_cut(&mut self, choice: u64) {
        SimWorld::after_power_cut(self, choice);
    }

    fn fail_at(&mut self, call: usize) -> bool {
        SimWorld::fail_at(self, call);
        true
    }

    fn stick(&mut self, path: &str) -> bool {
        SimWorld::stick(self, path);
        true
    }

    fn heal(&mut self) {
        SimWorld::heal(self);
    }

    fn checkpoint(&mut self, client: usize) {
        self.client(client).checkpoint();
    }
}
