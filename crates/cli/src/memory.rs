//! `MemoryLimit`: how much memory one guest may use in all.
//!
//! wasmtime's own `StoreLimits` counts each memory by itself, and a component
//! may have many.

use wasmtime::ResourceLimiter;

pub struct MemoryLimit {
    left: usize,
    refused: bool,
}

impl MemoryLimit {
    pub fn new(bytes: usize) -> Self {
        Self {
            left: bytes,
            refused: false,
        }
    }

    /// Whether the guest has ever asked for more than it may have.
    pub fn was_refused(&self) -> bool {
        self.refused
    }

    fn take(&mut self, bytes: usize) -> bool {
        let Some(left) = self.left.checked_sub(bytes) else {
            self.refused = true;
            return false;
        };
        self.left = left;
        true
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.take(desired.saturating_sub(current)))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let elements = desired.saturating_sub(current);
        Ok(self.take(elements.saturating_mul(size_of::<usize>())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_and_tables_count_together() {
        let page = 1 << 16;
        let mut limit = MemoryLimit::new(4 * page);
        let mut grow = |from: usize, to: usize| {
            limit
                .memory_growing(from * page, to * page, None)
                .expect("an answer")
        };
        assert!(grow(0, 2));
        assert!(grow(0, 1));
        assert!(!grow(2, 4));
        // A guest may ask for less when it was refused more.
        assert!(grow(2, 3));
        assert!(!limit.table_growing(0, 1, None).expect("an answer"));
        assert!(limit.was_refused());
    }
}
