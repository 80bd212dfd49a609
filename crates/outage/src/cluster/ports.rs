//! Ports of 127.0.0.1 that nobody uses.
//!
//! Must never give a port out of the range from which the kernel takes ports for outgoing
//! connections: while a killed daemon is down, any program's connection could take its
//! port, and the daemon could not come back.

use anyhow::{Result, bail};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

/// Below Linux's range for outgoing connections (32768 and above), and above those that
/// Ceph's OSDs choose from by themselves (6800 to 7568).
const RANGE: Range<u16> = 10_000..32_000;

/// As many different ports as asked for. Chosen at random, so that clusters that start at
/// the same moment do not choose the same.
pub fn free(count: usize) -> Result<Vec<u16>> {
    let mut found = BTreeSet::new();
    for _ in 0..100 * count {
        if found.len() == count {
            break;
        }
        let port = fastrand::u16(RANGE);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            found.insert(port);
        }
    }
    if found.len() < count {
        bail!("there are not {count} free ports on 127.0.0.1");
    }
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_different_and_can_be_used() {
        let ports = free(20).expect("ports");
        let listeners: Vec<_> = ports
            .iter()
            .map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)))
            .collect::<Result<_, _>>()
            .expect("all are free");
        assert_eq!(listeners.len(), 20);
    }
}
