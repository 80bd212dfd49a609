//! What is killed in a phase.

use crate::cluster::{Cluster, Daemon};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Killed {
    Nothing,
    Gateway,
    Osd,
    Monitor,
    /// One of each daemon at once.
    OneOfEach,
    /// Clients, in the middle of what they do.
    Clients,
}

impl Killed {
    pub const ALL: [Self; 6] = [
        Self::Nothing,
        Self::Gateway,
        Self::Osd,
        Self::Monitor,
        Self::OneOfEach,
        Self::Clients,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Gateway => "gateway",
            Self::Osd => "OSD",
            Self::Monitor => "monitor",
            Self::OneOfEach => "one-of-each",
            Self::Clients => "clients",
        }
    }

    /// The daemons that are killed at the kill of this number: another one each time.
    pub fn daemons(self, cluster: &Cluster, number: usize) -> Vec<Daemon> {
        let all: Vec<Daemon> = cluster.daemons().map(|(daemon, _)| daemon).collect();
        let pick = |is_one: fn(&Daemon) -> bool| {
            let some: Vec<Daemon> = all.iter().copied().filter(is_one).collect();
            some.get(number % some.len().max(1)).copied()
        };
        let gateway = || pick(|daemon| matches!(daemon, Daemon::Gateway(_)));
        let osd = || pick(|daemon| matches!(daemon, Daemon::Osd(_)));
        let monitor = || pick(|daemon| matches!(daemon, Daemon::Monitor(_)));
        let picked = match self {
            Self::Nothing | Self::Clients => [None, None, None],
            Self::Gateway => [gateway(), None, None],
            Self::Osd => [osd(), None, None],
            Self::Monitor => [monitor(), None, None],
            Self::OneOfEach => [gateway(), osd(), monitor()],
        };
        picked.into_iter().flatten().collect()
    }
}
