//! Directories of volumes that are moved, replaced, removed or taken away below a volume
//! that is open.

use crate::inside::in_private;
use crate::kinds::{self, KINDS, commit, contents, file, write};
use crate::trial::{Trial, check_opened, names};
use ability_storage_engine::{Error, LocalVolume, Volume};
use powercut::system::mount::Mount;
use std::fs;
use tempfile::tempdir;

/// A volume is the directory that was opened, whatever becomes of its name.
#[test]
fn a_directory_that_is_moved_stays_the_volume() {
    for kind in KINDS {
        let place = tempdir().expect("a directory");
        let (directory, away) = (place.path().join("volume"), place.path().join("away"));
        let trial = Trial::begin(kind, &directory, kinds::prepare);
        fs::rename(&directory, &away).expect("moved");
        fs::create_dir(&directory).expect("replaced");
        fs::write(directory.join("old"), "not of the volume").expect("written");
        let answer = trial.commit("moved and replaced");
        assert!(answer.error.is_none(), "{}", answer.text);
        trial.check_contents(&answer);
        assert_eq!(names(&directory), ["old"], "{}", answer.text);
        let other = fs::read(directory.join("old")).expect("read");
        assert_eq!(other, b"not of the volume");
        fs::remove_dir_all(&directory).expect("removed");
        fs::rename(&away, &directory).expect("moved back");
        trial.check_service(&answer);
    }
}

/// Nothing of it may look like a volume without files: whoever begins anew when there is
/// no file would overwrite all when the directory is back.
#[test]
fn a_directory_that_is_removed_is_no_empty_volume() {
    for kind in KINDS {
        let place = tempdir().expect("a directory");
        let directory = place.path().join("volume");
        let trial = Trial::begin(kind, &directory, kinds::prepare);
        let kept = place.path().join("kept");
        kinds::copy(&directory, &kept).expect("copied");
        fs::remove_dir_all(&directory).expect("removed");
        let answer = trial.commit("removed");
        let cause = answer.cause();
        assert!(
            matches!(cause, Some(Error::Unavailable { .. })),
            "{}",
            answer.text
        );
        assert!(answer.text.contains("was removed"), "{}", answer.text);

        let path = file("old");
        let volume = trial.volume();
        for error in [
            volume.read(&path, 1 << 30).err(),
            volume.stat(&path).err(),
            volume.exists(&path).err(),
            volume.reader(&path).err(),
            volume.list(None).err(),
            volume.list(Some(&file("dir"))).err(),
        ] {
            assert!(
                matches!(error, Some(Error::Unavailable { .. })),
                "{error:?}"
            );
        }
        assert!(!directory.exists(), "it is not made again");

        // Put back from a copy, it is another directory, which has to be opened.
        let (_, possible) = trial.close_as(&answer);
        fs::rename(&kept, &directory).expect("moved");
        check_opened(&directory, &possible, &answer.text);
    }
}

/// Files can still be read; what was on its way is lost with the directory.
#[test]
fn a_private_directory_that_is_removed_is_missed_and_made_anew() {
    for kind in KINDS {
        let place = tempdir().expect("a directory");
        let directory = place.path().join("volume");
        let trial = Trial::begin(kind, &directory, kinds::prepare);
        fs::remove_dir_all(directory.join(".ability-storage")).expect("removed");
        let answer = trial.commit("without its private directory");
        let cause = answer.cause();
        assert!(
            matches!(cause, Some(Error::Unavailable { .. })),
            "{}",
            answer.text
        );
        assert!(answer.text.contains(".ability-storage"), "{}", answer.text);
        trial.check_contents(&answer);
        let (directory, possible) = trial.close_as(&answer);
        check_opened(&directory, &possible, &answer.text);
    }
}

/// As with a disk that is pulled out, once nothing is mounted there any more.
#[test]
fn a_volume_that_is_not_mounted_is_not_opened_elsewhere_by_accident() {
    in_private(&[], |place| {
        let mount = Mount::tmpfs(&place.join("tmpfs"), "size=2m")?;
        let directory = mount.path().join("volume");
        fs::create_dir(&directory)?;
        let volume = LocalVolume::open(&directory)?;
        kinds::prepare(&volume)?;
        let expected = contents(&volume)?;
        drop(mount);
        // Who has it open keeps it.
        commit(&volume, [write("old", "written where it was")])?;
        assert!(contents(&volume)? != expected);
        let error = LocalVolume::open(&directory).expect_err("it is gone");
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        assert!(error.to_string().contains("/tmpfs/volume"), "{error}");
        Ok(())
    });
}
