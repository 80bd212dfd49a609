//! How large the parts of the log may get.

/// How large the parts of the log are, in bytes. Tests want them to be full soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// A log file as it is made: some hundred small records.
    pub(crate) log_bytes: u64,
    /// To this size a log file grows if it is full too soon.
    pub(crate) max_log_bytes: u64,
    /// The longest new contents of one file that go into a record. An append to a file that
    /// is there always does.
    pub(crate) inline_bytes: u64,
    /// The longest contents of all files that go into one record.
    pub(crate) record_bytes: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            log_bytes: 64 << 10,
            max_log_bytes: 4 << 20,
            inline_bytes: 256 << 10,
            record_bytes: 1 << 20,
        }
    }
}
