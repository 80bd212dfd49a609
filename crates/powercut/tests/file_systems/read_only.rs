//! File systems that can only be read: from the beginning, or from the moment at which
//! the system found an error on them.

use crate::inside::in_private;
use crate::kinds::{self, KINDS, contents, write};
use crate::trial::{Trial, check_opened};
use ability_storage_engine::{Error, LocalVolume, Volume};
use anyhow::{Context, Result};
use powercut::system::loop_device::LoopDevice;
use powercut::system::mount::Mount;
use powercut::system::output_of;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

/// ext4 can be told to find an error, and then does what is set for that.
#[test]
fn a_file_system_that_becomes_read_only_refuses_and_loses_nothing() {
    in_private(&["mkfs.ext4"], |place| {
        let image = place.join("image");
        File::create(&image)?.set_len(16 << 20)?;
        for kind in KINDS {
            let device = LoopDevice::attach(&image)?;
            output_of(
                Command::new("mkfs.ext4")
                    .args(["-q", "-F"])
                    .arg(device.path()),
            )?;
            let mount = || {
                let options = "errors=remount-ro";
                Mount::new(device.path(), &place.join("ext4"), "ext4", options)
            };
            let mounted = mount()?;
            let directory = mounted.path().join("volume");
            let trial = Trial::begin(kind, &directory, kinds::prepare);
            find_an_error(&device)?;

            let answer = trial.commit("read-only");
            let cause = answer.cause();
            assert!(matches!(cause, Some(Error::ReadOnly)), "{}", answer.text);
            trial.check_contents(&answer);
            let (directory, expected) = trial.close_as(&answer);
            check_read_only(&directory, &expected[0]);

            mounted.unmount()?;
            let _mounted = mount()?;
            check_opened(&directory, &expected, &answer.text);
        }
        Ok(())
    });
}

#[test]
fn a_file_system_becomes_read_only_when_its_volume_is_closed_and_can_be_read() {
    in_private(&[], |place| {
        let mount = Mount::tmpfs(&place.join("tmpfs"), "size=2m")?;
        let directory = mount.path().join("volume");
        fs::create_dir(&directory)?;
        let volume = LocalVolume::open(&directory)?;
        kinds::prepare(&volume)?;
        let expected = contents(&volume)?;

        // The system refuses while somebody may write: a volume that is open does not
        // become read-only by anyone's wish.
        mount.set_read_only(true).expect_err("it is busy");
        kinds::commit(&volume, [write("late", "x")])?;
        kinds::commit(&volume, [kinds::delete("late")])?;
        drop(volume);

        mount.set_read_only(true)?;
        check_read_only(&directory, &expected);
        mount.set_read_only(false)?;
        check_opened(&directory, &[expected], "writable again");
        Ok(())
    });
}

/// To write, it cannot be opened, and says which and why; to read, it can.
fn check_read_only(directory: &Path, expected: &kinds::State) {
    let error = LocalVolume::open(directory).expect_err("read-only");
    let text = format!("{error} ({error:?})");
    assert!(matches!(error, Error::Unavailable { .. }), "{text}");
    assert!(text.contains(&directory.display().to_string()), "{text}");
    assert!(text.contains("ReadOnlyFilesystem"), "{text}");

    let options = LocalVolume::options().read_only(true);
    let volume = options.open(directory).expect("opened to read");
    assert!(contents(&volume).expect("read") == *expected);
    let error = volume.commit(write("old", "x").into());
    assert!(matches!(error, Err(Error::ReadOnly)), "{error:?}");
}

fn find_an_error(device: &LoopDevice) -> Result<()> {
    let name = device.path().file_name().context("no device")?;
    let trigger = Path::new("/sys/fs/ext4")
        .join(name)
        .join("trigger_fs_error");
    fs::write(&trigger, "a test").with_context(|| format!("{}", trigger.display()))
}
