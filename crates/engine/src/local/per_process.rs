//! What a process has to itself: a child of `fork` begins with one of its own.
//!
//! The child has a copy of all that its parent had, with locks that exclude nobody, and with
//! mutexes that are held by threads which it does not have. So it uses none of that, and does
//! not drop it either.

use std::sync::{Arc, OnceLock};

pub(super) struct PerProcess<T> {
    process: u32,
    value: T,
    /// That of the child whose memory this is a copy in.
    in_child: OnceLock<Box<PerProcess<T>>>,
}

impl<T> PerProcess<T> {
    pub(super) fn new(value: T) -> Self {
        Self {
            process: std::process::id(),
            value,
            in_child: OnceLock::new(),
        }
    }

    /// The value of this process. In a child of `fork`, `make` makes it from that of the
    /// parent.
    pub(super) fn get(&self, make: impl Fn(&T) -> T) -> &T {
        if self.process == std::process::id() {
            return &self.value;
        }
        let in_child = || Box::new(Self::new(make(&self.value)));
        self.in_child.get_or_init(in_child).get(make)
    }

    /// The value of this process, if it has one.
    pub(super) fn if_made(&self) -> Option<&T> {
        match self.process == std::process::id() {
            true => Some(&self.value),
            false => self.in_child.get()?.if_made(),
        }
    }
}

impl<T> PerProcess<Arc<T>> {
    /// Lets what is of the parent outlive this, for it is not to be dropped here.
    pub(super) fn keep_parents(&self) {
        if self.process != std::process::id() {
            std::mem::forget(self.value.clone());
            if let Some(in_child) = self.in_child.get() {
                in_child.keep_parents();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value that is of another process.
    fn of_parent<T>(value: T) -> PerProcess<T> {
        PerProcess {
            process: 0,
            ..PerProcess::new(value)
        }
    }

    #[test]
    fn a_child_makes_its_own_once() {
        let values = PerProcess::new(1);
        assert_eq!((values.if_made(), values.get(|_| 2)), (Some(&1), &1));
        let values = of_parent(1);
        assert_eq!(values.if_made(), None);
        assert_eq!(values.get(|parents| parents + 1), &2);
        assert_eq!(values.get(|_| 9), &2);
        assert_eq!(values.if_made(), Some(&2));
    }

    #[test]
    fn what_is_of_the_parent_is_not_dropped() {
        for (make, left) in [(PerProcess::new as fn(_) -> _, 1), (of_parent, 2)] {
            let value = Arc::new(());
            let values = make(value.clone());
            values.keep_parents();
            drop(values);
            assert_eq!(Arc::strong_count(&value), left);
        }
    }

    #[test]
    fn a_child_of_a_child_makes_its_own_too() {
        let values = of_parent(1);
        let _ = values.in_child.set(Box::new(of_parent(2)));
        assert_eq!(values.if_made(), None);
        assert_eq!(values.get(|parents| parents + 1), &3);
    }
}
