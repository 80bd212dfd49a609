//! `Heads`: what HEAD was when it was last seen, and how it is replaced.
//!
//! HEAD is replaced on the condition that it is what the new one was made of. If the
//! answer is lost, the change may have been made: that is found out by reading HEAD
//! again, for each change is signed with the session and its number. Nothing here
//! may make a change a second time, or call it not made while it still can be.

use crate::failure::Effect;
use crate::head::{Head, SESSIONS};
use crate::store::{Found, Store, Tag};
use object_store::path::Path;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// The longest HEAD, in bytes.
pub(crate) const MAX_HEAD_BYTES: usize = 32 << 20;

/// HEAD as it was at some moment.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) head: Head,
    /// None if there was no HEAD: the volume is empty.
    tag: Option<Tag>,
    bytes: usize,
}

/// What became of a change.
pub(crate) enum Published {
    Done,
    /// Not made, for HEAD is another than the change was made for.
    Moved,
    /// Not made, for HEAD would be too long.
    TooLong,
    /// Not made.
    Failed(io::Error),
    /// Made, or not, or still to be made.
    InDoubt(io::Error),
}

pub(crate) struct Heads {
    store: Arc<Store>,
    key: Path,
    session: Uuid,
    changes: AtomicU64,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    known: Option<Arc<Known>>,
    /// Counts how often it was replaced.
    installs: u64,
}

impl Heads {
    pub(crate) fn new(store: Arc<Store>, key: Path) -> Self {
        Self {
            store,
            key,
            session: Uuid::new_v4(),
            changes: AtomicU64::new(0),
            current: Mutex::default(),
        }
    }

    /// HEAD when it was last seen, if it ever was.
    pub(crate) fn last_seen(&self) -> Option<Arc<Known>> {
        self.current().known.clone()
    }

    /// HEAD when it was last seen, or as it is now.
    pub(crate) async fn last_seen_or_now(&self) -> io::Result<Arc<Known>> {
        match self.last_seen() {
            Some(known) => Ok(known),
            None => self.now().await,
        }
    }

    /// HEAD as it is now.
    pub(crate) async fn now(&self) -> io::Result<Arc<Known>> {
        let (known, installs) = {
            let current = self.current();
            (current.known.clone(), current.installs)
        };
        let tag = known.as_ref().and_then(|known| known.tag.as_ref());
        let found = self.store.get_unless(&self.key, tag).await?;
        let now = match (found, known) {
            (Found::Unchanged, Some(known)) => return Ok(known),
            (Found::Unchanged, None) => return Err(io::Error::other("HEAD is said to be known")),
            (Found::Nothing, Some(known)) if known.tag.is_none() => return Ok(known),
            (Found::Nothing, _) => Known::default(),
            (Found::Object(object), _) => Known {
                head: Head::decode(&object.contents)?,
                tag: Some(object.tag),
                bytes: object.contents.len(),
            },
        };
        let now = Arc::new(now);
        let mut current = self.current();
        // An answer that was long on its way must not hide what was seen since.
        let is_newer = |known: &Arc<Known>| known.head.generation < now.head.generation;
        if current.installs == installs || current.known.as_ref().is_none_or(is_newer) {
            current.install(Some(now.clone()));
        }
        Ok(now)
    }

    /// Replaces `base`, which was HEAD when it was last seen, with `head`.
    pub(crate) async fn publish(&self, base: &Known, mut head: Head) -> Published {
        let number = self.changes.fetch_add(1, Ordering::Relaxed) + 1;
        head.sign(self.session, number);
        let contents = match head.encode() {
            Ok(contents) => contents,
            Err(error) => return Published::Failed(error),
        };
        if contents.len() > MAX_HEAD_BYTES.max(base.bytes) {
            return Published::TooLong;
        }
        let mut attempts = self.store.attempts();
        let mut in_doubt = false;
        loop {
            let put = self
                .store
                .put_if(&self.key, contents.clone(), base.tag.as_ref());
            let (effect, error) = match put.await {
                Ok(tag) => {
                    self.installed(head, tag, contents.len());
                    return Published::Done;
                }
                Err(failed) => failed,
            };
            match effect {
                Effect::Refused if !in_doubt => return Published::Failed(error),
                Effect::NotSent => {}
                // Several attempts may have been made, the first with success. Where that
                // is not the client's way, it can still be that of a proxy.
                Effect::Conflict | Effect::Missing if self.store.makes_one_attempt() => {}
                _ => in_doubt = true,
            }
            if in_doubt || effect != Effect::NotSent {
                match self.now().await {
                    Ok(now) => match verdict(&now, base, self.session, number) {
                        Verdict::Made => return Published::Done,
                        Verdict::NotMade => return Published::Moved,
                        Verdict::Forgotten if in_doubt => return Published::InDoubt(forgotten()),
                        Verdict::Forgotten => return Published::Moved,
                        Verdict::NotYet => {}
                    },
                    Err(error) => return self.doubt(error),
                }
            }
            if !attempts.next().await {
                return match in_doubt {
                    true => self.doubt(error),
                    false => Published::Failed(error),
                };
            }
        }
    }

    /// What is known of HEAD is not what the next change can be made of.
    fn doubt(&self, error: io::Error) -> Published {
        self.current().install(None);
        Published::InDoubt(error)
    }

    fn installed(&self, head: Head, tag: Option<Tag>, bytes: usize) {
        // A store that does not tell the state of what it was given has to be asked.
        let known = tag.map(|tag| {
            Arc::new(Known {
                head,
                tag: Some(tag),
                bytes,
            })
        });
        self.current().install(known);
    }

    // Nothing in there can be left half-changed.
    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Current {
    fn install(&mut self, known: Option<Arc<Known>>) {
        self.known = known;
        self.installs += 1;
    }
}

/// What HEAD says of a change that was to replace another HEAD.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Made,
    /// And it never will be, for the HEAD that it was to replace is gone.
    NotMade,
    /// But it still can be: HEAD is as it was.
    NotYet,
    /// So many changes came after it that HEAD would not tell.
    Forgotten,
}

fn verdict(now: &Known, base: &Known, session: Uuid, number: u64) -> Verdict {
    let remembered = now.head.last_change_of(session);
    if remembered == Some(number) {
        return Verdict::Made;
    }
    if is_same(now, base) {
        return Verdict::NotYet;
    }
    let changes = now.head.generation.checked_sub(base.head.generation);
    // It may have been removed and made anew.
    let is_later = changes.is_some_and(|changes| changes > 0 && now.tag.is_some());
    let is_soon = changes.is_some_and(|changes| changes <= SESSIONS as u64);
    // As long as there is room for more, nobody was forgotten.
    let remembers = is_soon || remembered.is_some() || now.head.sessions.len() < SESSIONS;
    match is_later && remembers {
        true => Verdict::NotMade,
        false => Verdict::Forgotten,
    }
}

/// By who wrote it, for a store may tell the tag of one object in different ways.
fn is_same(one: &Known, other: &Known) -> bool {
    let identity = |known: &Known| {
        let writer = known.head.sessions.first().copied();
        (known.tag.is_some(), known.head.generation, writer)
    };
    identity(one) == identity(other)
}

fn forgotten() -> io::Error {
    io::Error::other("too much was changed since to tell")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime;
    use crate::testing::{Fault, FaultyStore, Network, unhurried};
    use std::time::Duration;

    fn known(head: Head, tag: &str) -> Known {
        Known {
            head,
            tag: Some(Tag {
                e_tag: Some(tag.to_owned()),
                version: None,
            }),
            bytes: 0,
        }
    }

    /// HEAD after so many changes of so many others, and what it says of a change that
    /// was to be made before them.
    fn after(changes: usize, sessions: usize, was_made: bool) -> Verdict {
        let session = Uuid::new_v4();
        let mut head = Head::default();
        head.sign(Uuid::new_v4(), 1);
        let base = known(head.clone(), "base");
        if was_made {
            head.sign(session, 7);
        }
        let others: Vec<Uuid> = (0..sessions).map(|_| Uuid::new_v4()).collect();
        for change in 0..changes {
            head.sign(others[change % sessions], change as u64);
        }
        let tag = if was_made || changes > 0 {
            "now"
        } else {
            "base"
        };
        verdict(&known(head, tag), &base, session, 7)
    }

    #[test]
    fn head_tells_what_became_of_a_change_as_long_as_it_can() {
        assert_eq!(after(0, 1, false), Verdict::NotYet);
        assert_eq!(after(0, 1, true), Verdict::Made);
        // Few sessions, however often they change it.
        assert_eq!(after(1_000, 20, true), Verdict::Made);
        assert_eq!(after(1_000, 20, false), Verdict::NotMade);
        // Many sessions.
        assert_eq!(after(SESSIONS - 1, 100, true), Verdict::Made);
        assert_eq!(after(SESSIONS, 100, false), Verdict::NotMade);
        assert_eq!(after(SESSIONS, 100, true), Verdict::Forgotten);
        assert_eq!(after(SESSIONS + 1, 100, false), Verdict::Forgotten);
    }

    #[test]
    fn a_head_that_was_made_anew_tells_nothing() {
        let session = Uuid::new_v4();
        let mut head = Head::default();
        for change in 0..5 {
            head.sign(Uuid::new_v4(), change);
        }
        let base = known(head, "base");
        let mut anew = Head::default();
        anew.sign(Uuid::new_v4(), 1);
        let now = known(anew, "now");
        assert_eq!(verdict(&now, &base, session, 1), Verdict::Forgotten);
        let none = Known::default();
        assert_eq!(verdict(&none, &base, session, 1), Verdict::Forgotten);
    }

    /// A client that makes one attempt for each request may still be behind a proxy that
    /// makes several.
    #[test]
    fn a_conflict_with_oneself_is_a_success_or_in_doubt() {
        let network = Arc::new(Network::default());
        let faulty = FaultyStore::new(&network);
        let patience = unhurried().give_up_after(Duration::from_millis(200));
        let store = Store::new(faulty.clone(), patience).with_single_attempts(faulty.clone());
        let heads = Arc::new(Heads::new(Arc::new(store), Path::from("root/HEAD")));
        let publish = || {
            let heads = heads.clone();
            let published = runtime::wait(async move {
                let base = heads.now().await.expect("read");
                heads.publish(&base, base.head.clone()).await
            });
            published.expect("it ended")
        };
        // Requests: to read HEAD, to replace it, to read it.
        faulty.fail_at(1, Fault::Repeated);
        assert!(matches!(publish(), Published::Done));
        faulty.fail_at(1, Fault::Repeated);
        faulty.fail_at(2, Fault::Cut);
        assert!(matches!(publish(), Published::InDoubt(_)));
    }
}
