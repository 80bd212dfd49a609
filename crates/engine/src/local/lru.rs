//! A bounded memory of what was needed last.
//!
//! Values are in two halves. When the younger one is full, it becomes the older, and what
//! was there is forgotten: cheap, and what is used all the time stays.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

pub(crate) struct Lru<K, V> {
    /// The younger half and the older one.
    halves: [HashMap<K, V>; 2],
    half: usize,
}

impl<K: Eq + Hash, V> Lru<K, V> {
    /// Remembers `half` values at least, of those that were put last, and twice as many
    /// at most.
    pub(crate) fn new(half: usize) -> Self {
        Self {
            halves: [HashMap::new(), HashMap::new()],
            half,
        }
    }

    /// Forgets the older half if the younger one has no room for another value.
    pub(crate) fn make_room(&mut self) {
        let [young, old] = &mut self.halves;
        if young.len() >= self.half {
            old.clear();
            std::mem::swap(young, old);
        }
    }

    /// Puts a value in place of the one with this key, if there is one.
    pub(crate) fn put(&mut self, key: K, value: V) {
        let [young, old] = &mut self.halves;
        if !young.contains_key(&key) {
            old.remove(&key);
            self.make_room();
        }
        let [young, _] = &mut self.halves;
        young.insert(key, value);
    }

    pub(crate) fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.halves.iter().find_map(|half| half.get(key))
    }

    /// Takes a value out.
    pub(crate) fn take<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let [young, old] = &mut self.halves;
        let (young, old) = (young.remove(key), old.remove(key));
        young.or(old)
    }

    pub(crate) fn retain(&mut self, wanted: impl Fn(&K) -> bool) {
        for half in &mut self.halves {
            half.retain(|key, _| wanted(key));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.halves.iter().all(HashMap::is_empty)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.halves.iter().map(HashMap::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_are_remembered_and_no_more_than_twice_as_many() {
        let mut recent = Lru::new(4);
        for number in 0..100 {
            recent.put(number, number);
            recent.put(number, number + 1_000);
            assert!(recent.len() <= 8);
            for last in (0..=number).rev().take(4) {
                assert_eq!(recent.get(&last), Some(&(last + 1_000)));
            }
        }
        assert_eq!(recent.take(&99), Some(1_099));
        assert_eq!(recent.get(&99), None);
        recent.retain(|number| *number != 98);
        assert_eq!(recent.get(&98), None);
    }
}
