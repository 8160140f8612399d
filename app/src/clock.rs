//! The clocks of the head unit: the one place, with the loggers, where the time is read.

use std::fmt;
use std::path::Path;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use std::time::Instant;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dashpoint_membership::{ClockQuality, ServerTime};

/// Distance from the cloud's clock within which the car's clock counts as synced, in seconds.
const SYNCED_S: i64 = 120;
/// Age up to which the time of a receipt is fresh, in seconds.
const FRESH_S: i64 = 24 * 3_600;
/// Folder in which `systemd-timesyncd` tells that it has set the clock since the machine started.
const TIMESYNCD: &str = "/run/systemd/timesync";

/// Source of `now`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockSource {
    /// The operating system.
    System,
    /// The newest event time on the bus: a week replays in a minute. Only with `--test`.
    Bus,
}

/// Values of the machine's clocks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Milliseconds of a clock that never goes back and goes on while the machine is suspended.
    pub monotonic_ms: u64,
    /// The wall clock, right or wrong, in milliseconds since 1970-01-01T00:00:00Z.
    pub unix_ms: i64,
}

/// The clocks of the machine: the system's, or those of a simulated one.
pub struct Machine {
    read: Box<dyn Fn() -> Reading + Send>,
    is_set: fn() -> bool,
}

impl Machine {
    /// Reads the system's clocks; the monotonic one counts from this call.
    #[must_use]
    pub fn system() -> Self {
        let since_start = uptime();
        let read = move || Reading {
            monotonic_ms: u64::try_from(since_start().as_millis()).unwrap_or(u64::MAX),
            unix_ms: system_unix_ms(),
        };
        Self {
            read: Box::new(read),
            is_set: || is_set_by(Path::new(TIMESYNCD)),
        }
    }

    /// Clocks that somebody else drives and has set.
    #[must_use]
    pub fn from_fn(read: impl Fn() -> Reading + Send + 'static) -> Self {
        Self {
            read: Box::new(read),
            is_set: || true,
        }
    }

    /// Reads the clocks.
    #[must_use]
    pub fn read(&self) -> Reading {
        (self.read)()
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Machine({:?})", self.read())
    }
}

/// Monotonic time since the start, and the wall clock by the configured source.
#[derive(Debug)]
pub struct Clock {
    source: ClockSource,
    machine: Machine,
    bus_ms: Option<i64>,
    floor: ServerTime,
}

impl Clock {
    /// A clock that has not heard of the bus yet; `floor` is the last server time that the car holds, which stands in
    /// for the bus until then.
    #[must_use]
    pub fn new(source: ClockSource, machine: Machine, floor: ServerTime) -> Self {
        Self {
            source,
            machine,
            bus_ms: None,
            floor,
        }
    }

    /// Takes the event time of a sample that was accepted.
    pub fn heard(&mut self, ts_ms: i64) {
        self.bus_ms = Some(self.bus_ms.map_or(ts_ms, |before| before.max(ts_ms)));
    }

    /// Reads the machine's clocks; `None` while the time comes from the bus, which goes as fast as it is played.
    pub(crate) fn reading(&self) -> Option<Reading> {
        (self.source == ClockSource::System).then(|| self.machine.read())
    }

    /// Returns whether nothing says that the machine's wall clock still waits to be set.
    pub(crate) fn is_set(&self) -> bool {
        (self.machine.is_set)()
    }

    /// Milliseconds since the program started; never goes back.
    #[must_use]
    pub fn monotonic_ms(&self) -> u64 {
        self.machine.read().monotonic_ms
    }

    /// The wall clock in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix_ms(&self) -> i64 {
        match self.source {
            ClockSource::System => self.machine.read().unix_ms,
            ClockSource::Bus => self
                .bus_ms
                .unwrap_or(0)
                .max(self.floor.as_unix_s().saturating_mul(1_000)),
        }
    }

    /// Returns the car's estimate of the cloud's time: its own clock, but never before the last time that the cloud
    /// has signed.
    #[must_use]
    pub fn now(&self) -> ServerTime {
        ServerTime::from_unix_s(self.unix_ms().div_euclid(1_000)).max(self.floor)
    }

    /// Takes the time of the newest signed receipt or grant in the order of the chain. It may be earlier than that of one
    /// before it, which a clock that was ahead has signed.
    pub const fn signed(&mut self, at: ServerTime) {
        self.floor = at;
    }
}

/// Returns whether the service of this folder has set the clock; one that does not run has no folder, and no say.
fn is_set_by(folder: &Path) -> bool {
    !folder.exists() || folder.join("synchronized").exists()
}

/// Returns the trust in the date of an entry made at that time.
#[must_use]
pub fn quality(unix_s: i64, receipt_at: ServerTime) -> ClockQuality {
    let since = unix_s - receipt_at.as_unix_s();
    if since < -SYNCED_S {
        ClockQuality::Doubtful
    } else if since <= FRESH_S {
        ClockQuality::Synced
    } else {
        ClockQuality::Running
    }
}

/// Measures the time since this call by `CLOCK_BOOTTIME`: deadlines run while the head unit is suspended, which it is for
/// most of its life. `Instant` reads `CLOCK_MONOTONIC`, which stands still then (clock_gettime(2)).
#[cfg(any(target_os = "linux", target_os = "android"))]
fn uptime() -> impl Fn() -> Duration {
    let boot_time = || {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0))
    };
    let started = boot_time();
    move || boot_time().saturating_sub(started)
}

/// Measures the time since this call. On these systems it may stand still during suspend.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[expect(clippy::disallowed_methods, reason = "the clock itself")]
fn uptime() -> impl Fn() -> Duration {
    let started = Instant::now();
    move || started.elapsed()
}

/// The operating system's clock in milliseconds since 1970-01-01T00:00:00Z; negative before that.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the clock itself")]
pub fn system_unix_ms() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_clock_follows_the_newest_sample_and_the_cloud() {
        let mut clock = Clock::new(
            ClockSource::Bus,
            Machine::system(),
            ServerTime::from_unix_s(100),
        );
        assert_eq!(clock.now().as_unix_s(), 100);
        clock.heard(250_900);
        clock.heard(200_000);
        assert_eq!(clock.now().as_unix_s(), 250);
        clock.signed(ServerTime::from_unix_s(300));
        assert_eq!(clock.now().as_unix_s(), 300);
    }

    #[test]
    fn a_signed_time_that_was_ahead_ends_with_the_next_one() {
        let machine = || Reading {
            monotonic_ms: 7,
            unix_ms: 150_000,
        };
        for (source, expected_s) in [(ClockSource::System, 150), (ClockSource::Bus, 120)] {
            let floor = ServerTime::from_unix_s(100);
            let mut clock = Clock::new(source, Machine::from_fn(machine), floor);
            clock.signed(ServerTime::from_unix_s(9_000_000));
            assert_eq!(clock.now().as_unix_s(), 9_000_000, "{source:?}");
            clock.signed(ServerTime::from_unix_s(120));
            assert_eq!(clock.now().as_unix_s(), expected_s, "{source:?}");
        }
    }

    #[test]
    fn a_system_clock_is_right_or_wrong_as_the_machine_is() {
        let machine = || Reading {
            monotonic_ms: 7,
            unix_ms: -1_500,
        };
        let mut clock = Clock::new(
            ClockSource::System,
            Machine::from_fn(machine),
            ServerTime::from_unix_s(100),
        );
        clock.heard(250_000);
        assert_eq!((clock.monotonic_ms(), clock.unix_ms()), (7, -1_500));
        assert_eq!(clock.now().as_unix_s(), 100, "never before the cloud's");
    }

    #[test]
    fn a_clock_that_its_service_has_yet_to_set_is_not_set() {
        let run = tempfile::tempdir().unwrap();
        let folder = run.path().join("timesync");
        assert!(is_set_by(&folder), "no such service");
        std::fs::create_dir(&folder).unwrap();
        assert!(!is_set_by(&folder));
        std::fs::write(folder.join("synchronized"), "").unwrap();
        assert!(is_set_by(&folder));
    }

    #[test]
    fn a_clock_before_the_last_receipt_is_doubtful() {
        let receipt_at = ServerTime::from_unix_s(1_000_000);
        for (unix_s, expected) in [
            (0, ClockQuality::Doubtful),
            (999_900, ClockQuality::Synced),
            (1_086_400, ClockQuality::Synced),
            (1_086_401, ClockQuality::Running),
        ] {
            assert_eq!(quality(unix_s, receipt_at), expected, "{unix_s}");
        }
    }
}
