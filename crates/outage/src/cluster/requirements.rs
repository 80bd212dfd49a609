//! What must be installed, and what to say if it is not.

use std::env;

/// The programs that a cluster is made of, and Debian's packages that they are in.
const PROGRAMS: [(&str, &str); 8] = [
    ("ceph-mon", "ceph-mon"),
    ("ceph-osd", "ceph-osd"),
    ("radosgw", "radosgw"),
    ("ceph", "ceph-common"),
    ("ceph-authtool", "ceph-common"),
    ("radosgw-admin", "ceph-common"),
    ("monmaptool", "ceph-base"),
    ("setpriv", "util-linux"),
];

/// The programs that are not there. Empty if a cluster can be started.
pub fn missing_programs() -> Vec<&'static str> {
    missing().map(|(program, _)| program).collect()
}

/// Says in one line which programs are missing and how to get them; `None` if none is.
pub fn why_not() -> Option<String> {
    let programs = missing_programs();
    if programs.is_empty() {
        return None;
    }
    let mut packages: Vec<&str> = missing().map(|(_, package)| package).collect();
    packages.dedup();
    Some(format!(
        "there is no {} (Debian has them in: {})",
        programs.join(", "),
        packages.join(", ")
    ))
}

fn missing() -> impl Iterator<Item = (&'static str, &'static str)> {
    let path = env::var_os("PATH").unwrap_or_default();
    let directories: Vec<_> = env::split_paths(&path).collect();
    PROGRAMS.into_iter().filter(move |(program, _)| {
        !directories
            .iter()
            .any(|directory| directory.join(program).is_file())
    })
}
