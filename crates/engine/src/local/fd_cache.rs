//! Descriptors that are kept open because they will be wanted again: of lock files
//! and of directories. Never more than a process can spare, however many volumes it
//! has open.

use super::lru::Lru;
use super::process_fds::most_kept;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};

static KEPT: AtomicUsize = AtomicUsize::new(0);

/// Descriptors by what they are for. What was not used for a while is closed when
/// others need the room.
pub(crate) struct FdCache<K, V> {
    slots: Lru<K, Slot<V>>,
}

struct Slot<V> {
    value: V,
    _room: FdPermit,
}

/// The right to keep one descriptor.
struct FdPermit;

impl FdPermit {
    fn take() -> Option<Self> {
        let room = Self;
        // Given back right away if there was none.
        (KEPT.fetch_add(1, Ordering::Relaxed) < most_kept()).then_some(room)
    }
}

impl Drop for FdPermit {
    fn drop(&mut self) {
        KEPT.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<K: Eq + Hash, V> FdCache<K, V> {
    /// Keeps `most` at most.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            slots: Lru::new(most / 2),
        }
    }

    /// Keeps a value, unless there is no room or one with this key.
    pub(crate) fn put(&mut self, key: K, value: V) {
        // Closed before there is a look for room.
        self.slots.make_room();
        if self.slots.get(&key).is_none()
            && let Some(_room) = FdPermit::take()
        {
            self.slots.put(key, Slot { value, _room });
        }
    }

    /// Takes a value out.
    pub(crate) fn take<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.slots.take(key).map(|slot| slot.value)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Closes those that are no longer wanted.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&K) -> bool) {
        self.slots.retain(wanted);
    }
}

impl<K: Eq + Hash + Clone, V: Clone> FdCache<K, V> {
    /// A copy of a value, which stays.
    pub(crate) fn get<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.slots.get(key).map(|slot| slot.value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_kept_than_there_is_room_for() {
        let mut kept = FdCache::new(8);
        for number in 0..100 {
            kept.put(number, number);
            assert_eq!(kept.get(&number), Some(number));
        }
        let all = (0..100).filter(|number| kept.get(number).is_some());
        assert!((4..=8).contains(&all.count()));
        kept.retain(|number| *number != 99);
        assert_eq!(kept.take(&99), None);
        assert_eq!(kept.take(&98), Some(98));
        assert_eq!(kept.take(&98), None);

        // Other tests of this process keep some, too.
        let mut many: Vec<_> = (0..most_kept()).map(|_| FdCache::new(8)).collect();
        for kept in &mut many {
            kept.put(0, 0);
            kept.put(1, 1);
        }
        let all: usize = many.iter().map(|kept| kept.slots.len()).sum();
        assert!(all <= most_kept(), "{all}");
    }
}
