//! The cluster itself: that it does what the object store's users rely on, and that none
//! of its daemons is ever left behind.

#[cfg(target_os = "linux")]
#[path = "cluster/linux.rs"]
mod linux;

#[cfg(not(target_os = "linux"))]
#[test]
fn a_cluster_needs_linux() {
    eprintln!("skipped: a Ceph cluster needs Linux");
}
