//! Disks without space, or without room for another file. What is free grows step by
//! step, so that the commit runs out of it in staging, in its journal, in making a
//! directory, a lock or a name.

use crate::filler::{Filler, SmallExt4};
use crate::inside::in_private;
use crate::kinds::{self, KINDS, Kind, commit, contents, delete, file, prepare, write};
use crate::trial::{Answer, Trial, check_opened, sessions_of};
use ability_storage_engine::{Error, LocalVolume, Volume};
use anyhow::Result;
use powercut::system::mount::Mount;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// With so many blocks or files free, every commit finds what it needs.
const ENOUGH: u64 = 100;

/// How often in a row a commit must succeed to have found all it needs.
const OFTEN: usize = 3;

#[test]
fn a_full_disk_in_memory_refuses_and_loses_nothing() {
    in_private(&[], |place| {
        let mount = Mount::tmpfs(&place.join("tmpfs"), "size=2m")?;
        runs_out(KINDS, mount.path(), kinds::prepare, Filler::of_blocks)
    });
}

#[test]
fn a_full_ext4_refuses_and_loses_nothing() {
    in_private(&["mkfs.ext4"], |place| {
        let ext4 = SmallExt4::new(place)?;
        runs_out(KINDS, ext4.path(), kinds::prepare, Filler::of_blocks)
    });
}

#[test]
fn a_disk_without_room_for_another_file_refuses_and_loses_nothing() {
    in_private(&[], |place| {
        let mount = Mount::tmpfs(&place.join("tmpfs"), "size=16m,nr_inodes=200")?;
        runs_out(KINDS, mount.path(), kinds::prepare, Filler::of_files)
    });
}

/// The new name of a file that is staged already needs another block in its directory.
#[test]
fn a_full_directory_on_a_full_disk_refuses_and_loses_nothing() {
    fn long(i: usize) -> String {
        format!("full/{i:0>250}")
    }
    let kinds = [
        Kind {
            name: "write into a full directory",
            run: |volume| commit(volume, [write(&long(15), "x")]),
        },
        Kind {
            name: "rename into a full directory",
            run: |volume| commit(volume, [kinds::rename("moving", &long(15))]),
        },
    ];
    in_private(&["mkfs.ext4"], |place| {
        let ext4 = SmallExt4::new(place)?;
        let prepare = |volume: &dyn Volume| {
            kinds::prepare(volume)?;
            (0..15).try_for_each(|i| commit(volume, [write(&long(i), "")]))
        };
        runs_out(&kinds, ext4.path(), prepare, Filler::of_blocks)
    });
}

/// Has each kind of commit run out of what the filler takes: first there is none of it,
/// then a little more each time, until the commit finds enough.
fn runs_out(
    kinds: &[Kind],
    mounted: &Path,
    prepare: impl Fn(&dyn Volume) -> ability_storage_engine::Result<()>,
    fill: impl Fn(&Path) -> io::Result<Filler>,
) -> Result<()> {
    let mut all_refused = 0;
    for kind in kinds {
        let mut refused = 0;
        let mut in_a_row = 0;
        let mut free = 0;
        while in_a_row < OFTEN {
            assert!(free < ENOUGH, "{} never finds enough", kind.name);
            let directory = mounted.join("volume");
            let trial = Trial::begin(kind, &directory, &prepare);
            let filler = fill(mounted)?;
            filler.leave(free)?;
            let answer = trial.commit(format_args!("{free} free"));
            trial.check_contents(&answer);
            filler.remove()?;
            check_error(&answer);
            trial.check_service(&answer);
            fs::remove_dir_all(&directory)?;
            in_a_row = if answer.error.is_none() {
                in_a_row + 1
            } else {
                0
            };
            refused += usize::from(answer.error.is_some());
            free += 1;
        }
        eprintln!("{}: refused {refused} times", kind.name);
        all_refused += refused;
    }
    assert!(
        all_refused > kinds.len(),
        "refused {all_refused} times: was it full?"
    );
    Ok(())
}

fn check_error(answer: &Answer) {
    let is_right = match answer.cause() {
        None => true,
        Some(Error::NoSpace { source, .. }) => source.kind() == ErrorKind::StorageFull,
        Some(_) => false,
    };
    assert!(is_right, "{}", answer.text);
}

/// What was written through the volume can be deleted, to make room.
#[test]
fn on_a_full_disk_files_can_be_deleted_and_read() {
    in_private(&["mkfs.ext4"], |place| {
        let tmpfs = Mount::tmpfs(&place.join("tmpfs"), "size=2m,nr_inodes=200")?;
        let ext4 = SmallExt4::new(place)?;
        for mounted in [tmpfs.path(), ext4.path()] {
            let directory = mounted.join("volume");
            fs::create_dir(&directory)?;
            let volume = LocalVolume::open(&directory)?;
            prepare(&volume)?;
            let filler = [Filler::of_blocks(mounted)?];
            let files = contents(&volume)?;
            for path in files.keys() {
                commit(&volume, [delete(path)])?;
            }
            assert_eq!(volume.list(None)?, []);
            filler.into_iter().try_for_each(Filler::remove)?;
        }
        let mounted = tmpfs.path();
        let volume = LocalVolume::open(mounted.join("volume"))?;
        prepare(&volume)?;
        let filler = Filler::of_files(mounted)?;
        for path in contents(&volume)?.keys() {
            commit(&volume, [delete(path)])?;
        }
        assert_eq!(volume.list(None)?, []);
        filler.remove()?;
        Ok(())
    });
}

/// A volume that cannot be opened because the disk is full is as it was; where a dead
/// session left what takes the space, opening frees it first.
#[test]
fn a_volume_on_a_full_disk_opens_as_soon_as_it_can() {
    in_private(&[], |place| {
        let mount = Mount::tmpfs(&place.join("tmpfs"), "size=2m,nr_inodes=200")?;
        let directory = mount.path().join("volume");
        for fill in [Filler::of_blocks, Filler::of_files] {
            let mut free = 0;
            loop {
                fs::create_dir(&directory)?;
                fs::write(directory.join("by hand"), "kept")?;
                let filler = fill(mount.path())?;
                filler.leave(free)?;
                let opened = LocalVolume::open(&directory);
                let error = opened.map(drop).err();
                if let Some(error) = &error {
                    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
                    assert!(error.to_string().contains("/tmpfs/volume"), "{error}");
                }
                filler.remove()?;
                let kept = [("by hand".to_owned(), b"kept".to_vec())].into();
                check_opened(&directory, &[kept], &format!("opened with {free} free"));
                fs::remove_dir_all(&directory)?;
                if error.is_none() {
                    break;
                }
                assert!(free < ENOUGH, "it never opens");
                free += 1;
            }
        }
        Ok(())
    });
}

#[test]
fn what_a_dead_session_staged_makes_room_on_a_full_disk() {
    in_private(&[], |place| {
        let mount = Mount::tmpfs(&place.join("tmpfs"), "size=2m")?;
        let directory = mount.path().join("volume");
        fs::create_dir(&directory)?;
        let dead = LocalVolume::open(&directory)?;
        let mut writer = dead.writer(&file("file"))?;
        writer.write(&kinds::filled(200_000))?;
        // As if it had died here: its files, and nobody who holds its lock.
        let left = mount.path().join("left");
        kinds::copy(&directory, &left)?;
        drop(writer);
        drop(dead);
        fs::remove_dir_all(&directory)?;

        let filler = Filler::of_blocks(mount.path())?;
        let volume = LocalVolume::open(&left)?;
        commit(&volume, [write("another", kinds::filled(100_000))])?;
        assert_eq!(sessions_of(&left).len(), 1);
        drop(volume);
        filler.remove()?;
        Ok(())
    });
}
