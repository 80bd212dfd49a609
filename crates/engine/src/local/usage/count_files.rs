//! Counting all that a volume holds: its files, and what the log says of them.

use super::super::directory::Directory;
use super::super::log::LogReader;
use super::super::tree::Tree;
use super::plus;
use crate::{FilePath, Usage};
use std::io::{self, ErrorKind};
use std::sync::Arc;

/// All that is to be counted.
pub(crate) struct Inventory<'a, D: Directory> {
    pub(crate) tree: &'a Tree<D>,
    pub(crate) log: &'a Arc<LogReader<D>>,
}

impl<D: Directory> Inventory<'_, D> {
    /// Counts the files, as long as it `goes_on`.
    pub(super) fn count(&self, goes_on: &dyn Fn() -> bool) -> io::Result<Usage> {
        let files = |without: &dyn Fn(&FilePath) -> bool| self.count_files(without, goes_on);
        self.log.usage(files)
    }

    /// What the files on the disk come to, but for some of them.
    fn count_files(
        &self,
        without: &dyn Fn(&FilePath) -> bool,
        goes_on: &dyn Fn() -> bool,
    ) -> io::Result<Usage> {
        let mut usage = Usage::default();
        self.tree.visit(None, &mut |path, directory, name| {
            if !goes_on() {
                return Err(ErrorKind::Interrupted.into());
            }
            if without(&path) {
                return Ok(());
            }
            // What vanishes while it is counted does not count.
            if let Some(stat) = self.tree.look_at(&path, directory, name)? {
                let (files, bytes) = (1, stat.size);
                usage = plus(usage, Usage { files, bytes });
            }
            Ok(())
        })?;
        Ok(usage)
    }
}
