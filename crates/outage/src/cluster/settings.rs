//! The text of `ceph.conf`.
//!
//! Must never name a path outside of the cluster's directory, in which all its programs
//! are started: the paths are relative, so no space or `$` in the directory's name has a
//! meaning, and the sockets' names are short enough for the kernel.

use super::{Shape, Storage};

pub fn text(shape: Shape, id: &str, monitor_ports: &[u16]) -> String {
    let monitors: Vec<String> = monitor_ports.iter().map(|port| address(*port)).collect();
    let monitors = monitors.join(" ");
    let copies = shape.osds;
    // With three copies, one may be missing.
    let copies_needed = shape.osds / 2 + 1;
    let storage = match shape.storage {
        Storage::Memory => "memstore",
        Storage::Files => "bluestore",
    };
    format!(
        "\
[global]
fsid = {id}
mon host = {monitors}
keyring = keyring
run dir = .
crash dir = crash
log file = $name.log
admin socket =
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = false
ms bind ipv6 = false
ms bind msgr1 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
osd pool default size = {copies}
osd pool default min size = {copies_needed}
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon max pg per osd = 1000
osd crush chooseleaf type = 0
osd crush initial weight = 1

[mon]
mon data = mon.$id
# `ceph tell` goes nowhere without.
admin socket = $name.asok
mon data avail crit = 1
mon data avail warn = 2
mon osd down out interval = 60
mon osd min down reporters = 1
# The gateways' pools are made in 1 s instead of 10.
paxos propose interval = 0.1

[osd]
osd data = osd.$id
admin socket = $name.asok
osd objectstore = {storage}
memstore device bytes = 1073741824
bluestore block size = 2147483648
bluestore fsck on mount = false
osd memory target = 939524096
osd heartbeat interval = 1
osd heartbeat grace = 5
osd class load list = *
osd class default list = *

[client]
rgw data = rgw
rgw enable usage log = false
rgw gc obj min wait = 10
rgw thread pool size = 32
"
    )
}

pub fn address(monitor_port: u16) -> String {
    format!("[v2:127.0.0.1:{monitor_port}]")
}
