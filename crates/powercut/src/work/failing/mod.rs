//! A disk that fails to write the data of files for a while, and then works again.
//!
//! Only the writes of data fail: a file system whose own structures cannot be written
//! gives up, and then nothing more can be asked. What was answered while the disk
//! failed must be true after a power cut; and once the disk works again, so must the
//! volume, without closing it and after.
//!
//! | module | holds |
//! |---|---|
//! | `window` | the time in which the disk fails, and the program that takes the errors |
//! | `client` | a program whose changes may fail |
//! | `kinds` | what it does |

mod client;
mod kinds;
mod window;

use crate::disk::{Fault, Reason, Which};
use crate::recording::Site;
use anyhow::{Result, ensure};
use client::Client;
use fastrand::Rng;
pub use kinds::{APPENDS, BATCHES, Kind, LOG, WRITES};
use std::thread;
use std::time::Duration;
use window::{Thief, Window};

const ROUNDS: u64 = 10;

/// Long enough for what is done in the background to meet the fault, too.
const LONGEST_LINGER_MICROSECONDS: u64 = 12_000;

/// What happens in one round.
#[derive(Clone, Copy, Debug)]
struct Plan {
    fault: Fault,
    thief: Option<Thief>,
    /// Whether all that was done before is on the disk when the fault begins.
    begins_clean: bool,
    /// Whether the volume is opened when the disk fails already.
    opens_inside: bool,
    /// Whether it is closed before the disk works again.
    closes_inside: bool,
}

impl Plan {
    fn of(round: u64, kind: &Kind, random: &mut Rng) -> Self {
        let (which, error) = match round % 2 {
            0 => (Which::New, Reason::Full),
            _ => (Which::All, Reason::Broken),
        };
        let most = [u64::MAX, 1, 3, 6];
        Self {
            fault: Fault {
                which,
                error,
                most: random.choice(most).unwrap_or(u64::MAX),
            },
            thief: kind.thieves[round as usize % kind.thieves.len()],
            begins_clean: random.bool(),
            opens_inside: round % 4 == 3 || (round == 0 && kind.opens_inside),
            closes_inside: round % 5 == 4,
        }
    }
}

/// Does work of a kind on a disk that fails now and then.
pub fn run(site: &Site, kind: &Kind) -> Result<()> {
    let mut client = Client::new(site, kind.units);
    let mut random = Rng::with_seed(site.seed);
    for round in 0..ROUNDS {
        let plan = Plan::of(round, kind, &mut random);
        if plan.opens_inside {
            client.close();
        } else if !client.has_opened()? {
            return Ok(());
        }
        (kind.work)(&mut client, round)?;
        if plan.begins_clean {
            // It may be told of errors of the last round: those are no news.
            let _ = window::sync(&site.directory);
        }
        let failing = Window::open(site, plan.fault, plan.thief)?;
        client.disk_fails(true);
        if plan.opens_inside {
            client.try_to_open();
        }
        (kind.work)(&mut client, round)?;
        (kind.work)(&mut client, round)?;
        thread::sleep(Duration::from_micros(
            random.u64(0..LONGEST_LINGER_MICROSECONDS),
        ));
        if plan.closes_inside {
            client.close();
        }
        failing.close()?;
        client.disk_fails(false);
        if !window::still_works(&site.directory) || !client.serves_again()? {
            break;
        }
    }
    ensure!(site.disk.failed()? > 0, "no write has failed");
    client.close();
    if client.has_opened()? {
        client.check();
    }
    Ok(())
}
