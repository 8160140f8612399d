//! Limits on the number of connections and on their time.

use std::time::Duration;

use super::table::ConnectionCounts;
use crate::core::ENTRIES_A_DAY;

/// Bounds of connections, and of what a device stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the head of a request, from the first moment or the answer before it: an idle connection is closed after it.
    pub head: Duration,
    /// For the body of a request, 64 KiB at most.
    pub body: Duration,
    /// For each step of taking an answer.
    pub write: Duration,
    /// For all requests of a connection; then it is ended after the one in progress.
    pub life: Duration,
    /// For the one in progress then.
    pub last: Duration,
    /// For requests in flight once the cloud is told to stop; then their connections are cut off.
    pub drain: Duration,
    /// Connections in all; fewer when the system lets the program open fewer files.
    pub connections: usize,
    /// Connections of one address.
    pub connections_each: usize,
    /// Entries that one device may have recorded in a day.
    pub entries_a_day: u32,
}

impl Limits {
    /// The limits of `dashpoint-cloud serve`: a car on a slow link sends 64 KiB in the time for a body at 20 kbit/s.
    pub const DEFAULT: Self = Self {
        head: Duration::from_secs(15),
        body: Duration::from_secs(30),
        write: Duration::from_secs(20),
        life: Duration::from_secs(120),
        last: Duration::from_secs(60),
        drain: Duration::from_secs(5),
        connections: 4_096,
        connections_each: 1_024,
        entries_a_day: ENTRIES_A_DAY,
    };

    /// ConnectionCounts that leave the program room for its own files.
    pub(super) fn counts(&self, files: Option<u64>) -> ConnectionCounts {
        let files = files.and_then(|files| usize::try_from(files).ok());
        let room = files.map_or(usize::MAX, |files| files.saturating_sub(OWN_FILES).max(1));
        let all = self.connections.min(room).max(1);
        // One address leaves a quarter to the others.
        let each = self.connections_each.min(all - all / 4).max(1);
        ConnectionCounts { all, each }
    }
}

/// Files that the program itself may have open: database, its journal, log, sockets on their way.
const OWN_FILES: usize = 64;

/// Returns the number of files that the system lets the program open, if the system reports it.
#[cfg(unix)]
pub(super) fn files() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(unix))]
pub(super) const fn files() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_leave_room_for_own_files_and_for_other_addresses() {
        let counts = |files| {
            let ConnectionCounts { all, each } = Limits::DEFAULT.counts(files);
            (all, each)
        };
        assert_eq!(counts(None), (4_096, 1_024));
        assert_eq!(counts(Some(1 << 20)), (4_096, 1_024));
        assert_eq!(counts(Some(1_024)), (960, 720));
        assert_eq!(counts(Some(10)), (1, 1));
    }
}
