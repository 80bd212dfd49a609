//! Descriptors that are kept open because they will be wanted again: of lock files
//! and of directories. Never more than a process can spare, however many volumes it
//! has open.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many are kept for all volumes of the process together. A process may have 1,024
/// files open by default.
const IN_PROCESS: usize = 256;

static KEPT: AtomicUsize = AtomicUsize::new(0);

/// Descriptors by what they are for. What was not used for a while is closed when
/// others need the room.
pub(crate) struct Kept<K, V> {
    /// The younger half and the older one.
    halves: [HashMap<K, Slot<V>>; 2],
    half: usize,
}

struct Slot<V> {
    value: V,
    _room: Room,
}

/// The right to keep one descriptor.
struct Room;

impl Room {
    fn take() -> Option<Self> {
        let room = Self;
        // Given back right away if there was none.
        (KEPT.fetch_add(1, Ordering::Relaxed) < IN_PROCESS).then_some(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        KEPT.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<K: Eq + Hash, V> Kept<K, V> {
    /// Keeps `most` at most.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            halves: [HashMap::new(), HashMap::new()],
            half: most / 2,
        }
    }

    /// Keeps a value, unless there is no room or one with this key.
    pub(crate) fn put(&mut self, key: K, value: V) {
        let [young, old] = &mut self.halves;
        if young.len() >= self.half {
            // Closed before there is a look for room.
            old.clear();
            std::mem::swap(young, old);
        }
        if let Some(room) = Room::take() {
            let _room = room;
            young.entry(key).or_insert(Slot { value, _room });
        }
    }

    /// Takes a value out.
    pub(crate) fn take<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let found = self.halves.iter_mut().find_map(|half| half.remove(key));
        found.map(|slot| slot.value)
    }

    /// Closes those that are no longer wanted.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&K) -> bool) {
        for half in &mut self.halves {
            half.retain(|key, _| wanted(key));
        }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Kept<K, V> {
    /// A copy of a value, which stays.
    pub(crate) fn get<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.halves
            .iter()
            .find_map(|half| half.get(key))
            .map(|slot| slot.value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_kept_than_there_is_room_for() {
        let mut kept = Kept::new(8);
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
        let mut many: Vec<_> = (0..IN_PROCESS).map(|_| Kept::new(8)).collect();
        for kept in &mut many {
            kept.put(0, 0);
            kept.put(1, 1);
        }
        let all: usize = many
            .iter()
            .flat_map(|kept| &kept.halves)
            .map(HashMap::len)
            .sum();
        assert!(all <= IN_PROCESS, "{all}");
    }
}
