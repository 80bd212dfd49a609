//! Which system call a process is about to make, and whether it could concern files.
//!
//! Calls are told apart by what they certainly are not, so that one that nobody
//! thought of is counted. The list here must never hold a call that could change or
//! look at a file.

use nix::libc;

/// A system call that a process is about to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    number: i64,
}

/// Calls about memory, threads, time, signals, chance and waiting.
const OTHERS: &[libc::c_long] = &[
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_ppoll,
    libc::SYS_prctl,
    libc::SYS_prlimit64,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
    libc::SYS_sysinfo,
    libc::SYS_tgkill,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_arch_prctl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
];

/// The calls that change what is on a disk, for messages and for choosing among them.
const NAMES: &[(libc::c_long, &str)] = &[
    (libc::SYS_close, "close"),
    (libc::SYS_copy_file_range, "copy_file_range"),
    (libc::SYS_fallocate, "fallocate"),
    (libc::SYS_fchmod, "fchmod"),
    (libc::SYS_fcntl, "fcntl"),
    (libc::SYS_fdatasync, "fdatasync"),
    (libc::SYS_flock, "flock"),
    (libc::SYS_fstat, "fstat"),
    (libc::SYS_fsync, "fsync"),
    (libc::SYS_ftruncate, "ftruncate"),
    (libc::SYS_getdents64, "getdents64"),
    (libc::SYS_linkat, "linkat"),
    (libc::SYS_lseek, "lseek"),
    (libc::SYS_mkdirat, "mkdirat"),
    (libc::SYS_openat, "openat"),
    (libc::SYS_openat2, "openat2"),
    (libc::SYS_pread64, "pread64"),
    (libc::SYS_pwrite64, "pwrite64"),
    (libc::SYS_read, "read"),
    (libc::SYS_readlinkat, "readlinkat"),
    (libc::SYS_renameat, "renameat"),
    (libc::SYS_renameat2, "renameat2"),
    (libc::SYS_statx, "statx"),
    (libc::SYS_syncfs, "syncfs"),
    (libc::SYS_unlinkat, "unlinkat"),
    (libc::SYS_write, "write"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mkdir, "mkdir"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, "open"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_rename, "rename"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_unlink, "unlink"),
];

impl Call {
    pub(crate) fn new(number: i64) -> Self {
        Self { number }
    }

    /// Whether the call could look at a file or change one. Calls that work on files
    /// and on others alike, such as writing to a pipe, are among them.
    pub fn may_concern_files(&self) -> bool {
        !OTHERS.contains(&self.number)
    }

    /// The name of the call if it is one that file storage makes, else its number.
    pub fn name(&self) -> String {
        let known = NAMES.iter().find(|(number, _)| *number == self.number);
        known.map_or_else(
            || format!("call {}", self.number),
            |(_, name)| (*name).to_owned(),
        )
    }
}
