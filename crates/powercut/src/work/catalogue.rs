//! All workloads and all protocols, by name.

use super::guest::{self, Chain};
use super::protocols::{self, JOURNAL, Protocol, STATE};
use super::{
    appends, batches, chain, conditional, failing, killed, mixed, outside, renames, singles,
    streams,
};
use crate::look::Look;
use crate::recording::{Site, Way};
use crate::work::Host;
use anyhow::{Context, Result};
use serde::Serialize;
use std::path::PathBuf;

/// What the laboratory must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// No image breaks a promise.
    Sound,
    /// Some do.
    Broken,
}

/// Something whose power is cut.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Subject {
    pub name: &'static str,
    pub about: &'static str,
    pub verdict: Verdict,
    #[serde(skip)]
    work: Work,
}

#[derive(Clone, Copy, Debug)]
enum Work {
    /// Through the engine.
    Product(fn(&Site) -> Result<()>),
    /// The same, with a journal.
    Journaled(fn(&Site) -> Result<()>),
    /// Through the engine, on a disk that fails for a while.
    Failing(Way, &'static failing::Kind),
    /// Through the engine, while other programs change the same files.
    Outside(Way),
    /// Through a guest in the host.
    Guest(&'static Chain),
    /// Through the engine; then the power is cut while it recovers.
    Recovery(Way, fn(&Site) -> Result<()>),
    /// Through the plain calls of the system.
    Protocol(Protocol, Reader),
    /// The same on a disk that fails now and then.
    FailingProtocol(Protocol),
}

#[derive(Clone, Copy, Debug)]
enum Reader {
    Plain,
    TriesTheJournal,
}

impl Subject {
    pub fn is_product(&self) -> bool {
        !matches!(self.work, Work::Protocol(..) | Work::FailingProtocol(_))
    }

    /// Whether the power is also cut while what this leaves is recovered.
    pub fn is_about_recovery(&self) -> bool {
        matches!(self.work, Work::Recovery(..))
    }

    /// Whether each recording meets other faults, so that few images of many recordings
    /// show more than many of few.
    pub fn is_about_faults(&self) -> bool {
        matches!(self.work, Work::Failing(..) | Work::Outside(_))
    }

    pub fn needs_the_host(&self) -> bool {
        matches!(self.work, Work::Guest(_))
    }

    pub fn look(&self) -> Look {
        match self.work {
            Work::Product(_)
            | Work::Journaled(_)
            | Work::Failing(..)
            | Work::Outside(_)
            | Work::Recovery(..) => Look::Volume(PathBuf::new()),
            Work::Guest(chain) => Look::Volume(chain.volume_directory()),
            Work::Protocol(_, Reader::Plain) | Work::FailingProtocol(_) => {
                Look::Plain(STATE.to_owned())
            }
            Work::Protocol(_, Reader::TriesTheJournal) => {
                Look::PlainOrCopy(STATE.to_owned(), JOURNAL.to_owned())
            }
        }
    }

    pub fn run(&self, site: &Site, host: Option<&Host>) -> Result<()> {
        match self.work {
            Work::Product(work) => work(site),
            Work::Journaled(work) => work(&site.with(Way::Journaled)),
            Work::Recovery(way, work) => work(&site.with(way)),
            Work::Failing(way, kind) => failing::run(&site.with(way), kind),
            Work::Outside(way) => outside::outside(&site.with(way)),
            Work::Guest(chain) => chain.record(site, host.context("there is no host")?),
            Work::Protocol(protocol, _) => protocols::run(site, protocol),
            Work::FailingProtocol(protocol) => protocols::run_on_failing_disk(site, protocol),
        }
    }
}

/// What is tried: first the product, then what must be convicted and what not.
pub fn catalogue() -> Vec<Subject> {
    use Way::{Journaled as Logged, Published};
    use Work::{Failing, FailingProtocol, Guest, Journaled, Outside, Product, Recovery};
    let sound = |name, about, work| Subject {
        name,
        about,
        verdict: Verdict::Sound,
        work,
    };
    let protocol = |name, about, verdict, protocol, reader| Subject {
        name,
        about,
        verdict,
        work: Work::Protocol(protocol, reader),
    };
    vec![
        sound(
            "writes",
            "new files, replaced files, new directories, 0 B to 1 MiB",
            Product(singles::writes),
        ),
        sound(
            "conditional",
            "writes that ask for a version, and are refused",
            Product(conditional::conditional),
        ),
        sound(
            "counter",
            "three threads and two sessions count together",
            Product(conditional::counter),
        ),
        sound(
            "chain",
            "four threads and two sessions append to one audit chain",
            Product(chain::chain),
        ),
        sound("renames", "files that move", Product(renames::renames)),
        sound(
            "deletes",
            "files that go, directories that become files",
            Product(singles::deletes),
        ),
        sound("appends", "logs that grow", Product(appends::appends)),
        sound(
            "long-appends",
            "appends that fill and outgrow a log file",
            Product(appends::long_appends),
        ),
        sound(
            "appends-between",
            "appends between replaces, renames and deletes of the file",
            Product(appends::appends_between),
        ),
        sound("batches", "many changes as one", Product(batches::batches)),
        sound(
            "streams",
            "files written in pieces",
            Product(streams::streams),
        ),
        sound(
            "mixed",
            "four writers and two sessions at once, one shared log",
            Product(mixed::mixed),
        ),
        sound(
            "killed",
            "processes killed in mid-change, others that go on, then the cut",
            Product(killed::killed),
        ),
        sound(
            "recovery-batches",
            "the power is cut twice more while batches are recovered",
            Recovery(Way::Published, batches::batches),
        ),
        sound(
            "recovery-appends",
            "the power is cut twice more while appends are recovered",
            Recovery(Way::Published, appends::appends_between),
        ),
        sound(
            "journaled-writes",
            "the writes again in a journaled volume",
            Journaled(singles::writes),
        ),
        sound(
            "journaled-deletes",
            "the deletes again in a journaled volume",
            Journaled(singles::deletes),
        ),
        sound(
            "journaled-appends",
            "the appends between changes again in a journaled volume",
            Journaled(appends::appends_between),
        ),
        sound(
            "journaled-chain",
            "the same audit chain in a journaled volume",
            Journaled(chain::chain),
        ),
        sound(
            "journaled-mixed",
            "the four writers and two sessions again in a journaled volume",
            Journaled(mixed::mixed),
        ),
        sound(
            "journaled-killed",
            "the killed processes again in a journaled volume",
            Journaled(killed::killed),
        ),
        sound(
            "recovery-journaled",
            "the power is cut twice more while a journaled volume is recovered",
            Recovery(Way::Journaled, mixed::mixed),
        ),
        sound(
            "failing-writes",
            "single files on a disk that fails for a while",
            Failing(Published, &failing::WRITES),
        ),
        sound(
            "failing-appends",
            "logs on a disk that fails for a while",
            Failing(Published, &failing::APPENDS),
        ),
        sound(
            "failing-batches",
            "batches on a disk that fails for a while",
            Failing(Published, &failing::BATCHES),
        ),
        sound(
            "failing-log",
            "the engine's own log on a disk that fails for a while",
            Failing(Published, &failing::LOG),
        ),
        sound(
            "failing-journaled-writes",
            "the same single files in a journaled volume",
            Failing(Logged, &failing::WRITES),
        ),
        sound(
            "failing-journaled-appends",
            "the same logs in a journaled volume",
            Failing(Logged, &failing::APPENDS),
        ),
        sound(
            "failing-journaled-batches",
            "the same batches in a journaled volume",
            Failing(Logged, &failing::BATCHES),
        ),
        sound(
            "failing-journaled-log",
            "the same log of the engine in a journaled volume",
            Failing(Logged, &failing::LOG),
        ),
        sound(
            "outside",
            "other programs truncate, replace, edit, delete and append",
            Outside(Published),
        ),
        sound(
            "outside-journaled",
            "the same programs in a journaled volume",
            Outside(Logged),
        ),
        sound(
            "guest-json",
            "audit-chain in the host, its chain as one file",
            Guest(&guest::DOCUMENT),
        ),
        sound(
            "guest-lines",
            "audit-chain in the host, its chain as lines",
            Guest(&guest::LOG),
        ),
        sound(
            "guest-python",
            "an audit log of a Python ability in the host",
            Guest(&guest::PYTHON_LOG),
        ),
        sound(
            "guest-javascript",
            "an audit log of a JavaScript ability in the host",
            Guest(&guest::JAVASCRIPT_LOG),
        ),
        protocol(
            "truncate-write",
            "mode=\"w\"",
            Verdict::Broken,
            protocols::truncate_write,
            Reader::Plain,
        ),
        protocol(
            "delete-write",
            "delete, then write",
            Verdict::Broken,
            protocols::delete_write,
            Reader::Plain,
        ),
        protocol(
            "rename-unsynced",
            "temp, rename; nothing synced",
            Verdict::Broken,
            protocols::rename_unsynced,
            Reader::Plain,
        ),
        protocol(
            "rename-file-unsynced",
            "temp, rename, sync the directory; the file not synced",
            Verdict::Broken,
            protocols::rename_file_unsynced,
            Reader::Plain,
        ),
        protocol(
            "rename-directory-unsynced",
            "temp, sync, rename; the directory not synced",
            Verdict::Broken,
            protocols::rename_directory_unsynced,
            Reader::Plain,
        ),
        protocol(
            "forward-journal",
            "write a copy, delete, write, delete the copy",
            Verdict::Broken,
            protocols::forward_journal,
            Reader::TriesTheJournal,
        ),
        protocol(
            "forward-journal-synced",
            "the same with a sync at each step, for a plain reader",
            Verdict::Broken,
            protocols::forward_journal_synced,
            Reader::Plain,
        ),
        Subject {
            name: "sync-again",
            about: "rename-synced on a disk that fails now and then, a failed sync tried again",
            verdict: Verdict::Broken,
            work: FailingProtocol(protocols::sync_again),
        },
        protocol(
            "rename-synced",
            "temp, sync, rename, sync the directory",
            Verdict::Sound,
            protocols::rename_synced,
            Reader::Plain,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique() {
        let all = catalogue();
        let names: BTreeSet<_> = all.iter().map(|subject| subject.name).collect();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn the_product_is_taken_to_be_sound() {
        let all = catalogue();
        let product = all.iter().filter(|subject| subject.is_product());
        assert!(product.clone().count() > 10);
        assert!(
            product
                .clone()
                .all(|subject| subject.verdict == Verdict::Sound)
        );
    }
}
