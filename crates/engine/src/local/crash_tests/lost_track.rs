//! A change of the log files fails half-way: what a session knew of them is not true any more.

use super::raw_file::text;
use crate::local::Local;
use crate::local::sim::{Call, Fault, Process, SimDirectory, SimDisk};
use crate::local::testing::{Way, append, contents, contents_after_cut, open_with};
use std::io::ErrorKind;

type Volume = Local<SimDirectory>;

fn start(disk: &SimDisk, way: Way) -> (std::io::Result<Volume>, Process) {
    let (root, process) = disk.start();
    (Local::open(root, way.options()), process)
}

/// Appends a line, and notes it if that is acknowledged.
fn add(volume: &Volume, line: &str, acknowledged: &mut String) {
    if volume.commit(append("log", line.as_bytes()).into()).is_ok() {
        acknowledged.push_str(line);
    }
}

/// What is wrong for another session, after a kill, and after a power cut.
fn wrong(disk: &SimDisk, way: Way, process: &Process, acknowledged: &str) -> Option<String> {
    let found = |disk: &SimDisk| {
        let volume = open_with(disk, way).map_err(|error| error.to_string())?;
        let found = contents(&volume).map_err(|error| error.to_string())?;
        Ok::<_, String>(text(found.get("log")))
    };
    let other = found(disk);
    disk.kill(process);
    let cut = text(contents_after_cut(disk).get("log"));
    let killed = found(disk);
    let is_right = [&other, &killed, &Ok(cut.clone())]
        .into_iter()
        .all(|found| matches!(found, Ok(found) if found == acknowledged));
    (!is_right).then(|| {
        format!("acknowledged {acknowledged}: {other:?}, killed {killed:?}, after a cut {cut}")
    })
}

/// One call fails while a session begins that finds the log of a killed one.
#[test]
fn what_is_acknowledged_after_an_opening_that_failed_in_part_stays() {
    let mut bad = Vec::new();
    for way in [Way::Published, Way::Journaled] {
        for failing in 0.. {
            let disk = SimDisk::new();
            let (killed, process) = start(&disk, way);
            let killed = killed.expect("opened");
            let mut acknowledged = String::new();
            add(&killed, "1", &mut acknowledged);
            disk.kill(&process);
            disk.fail_at(failing, Fault::Error(ErrorKind::Other));
            let (opened, process) = start(&disk, way);
            let call = disk.call(failing);
            disk.heal();
            if let Ok(volume) = &opened {
                add(volume, "2", &mut acknowledged);
                add(volume, "3", &mut acknowledged);
                let own = text(contents(volume).expect("readable").get("log"));
                assert_eq!(own, acknowledged, "{way:?}, call {failing} ({call})");
                let found = wrong(&disk, way, &process, &acknowledged);
                bad.extend(found.map(|found| format!("{way:?}, call {failing} ({call}): {found}")));
            }
            if call.is_empty() {
                break;
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

/// A call of a checkpoint fails, and a moment later each sync of the directory of the log.
#[test]
fn what_is_acknowledged_after_a_checkpoint_that_failed_in_part_stays() {
    let mut bad = Vec::new();
    for way in [Way::Published, Way::Journaled] {
        for failing in 0.. {
            let mut is_over = false;
            for later in 1..10 {
                let disk = SimDisk::new();
                let (volume, process) = start(&disk, way);
                let volume = volume.expect("opened");
                let mut acknowledged = String::new();
                add(&volume, "1", &mut acknowledged);
                disk.fail_at(failing, Fault::Error(ErrorKind::Other));
                let faulty = disk.clone();
                disk.interrupt_at(failing + later, move || {
                    let log = [".ability-storage", "log"];
                    faulty.fail_calls(&log, ErrorKind::Other, &[Call::Sync]);
                });
                let _ = volume.checkpoint();
                let (call, then) = (disk.call(failing), disk.call(failing + later));
                is_over = call.is_empty();
                disk.heal();
                if disk.is_to_be_interrupted() {
                    continue;
                }
                for line in ["2", "3"] {
                    add(&volume, line, &mut acknowledged);
                    let _ = volume.checkpoint();
                }
                add(&volume, "4", &mut acknowledged);
                let found = wrong(&disk, way, &process, &acknowledged);
                let at = format!("{way:?}, call {failing} ({call}), then {later} ({then})");
                bad.extend(found.map(|found| format!("{at}: {found}")));
            }
            if is_over {
                break;
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}
