//! The clock of the wall that guests see.

use std::time::{Duration, SystemTime};
use wasmtime_wasi::HostWallClock;

/// That of the system. WASI has no times before 1970, and the clock that `wasmtime-wasi` brings
/// panics where the system is set to one; there, it is 1970.
pub struct WallClock;

impl HostWallClock for WallClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        since_1970(SystemTime::now())
    }
}

fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_1970_it_is_1970() {
        let second = Duration::from_secs(1);
        assert_eq!(since_1970(SystemTime::UNIX_EPOCH + second), second);
        assert_eq!(since_1970(SystemTime::UNIX_EPOCH - second), Duration::ZERO);
    }
}
