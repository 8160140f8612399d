//! State of the connection to the cloud, and its presentation to the screen.

use crate::now::Now;
use crate::status::{ConnectionState, FaultReason, OfflineReason, SyncStatus};

/// Pause between tries while the vehicle says that it has no network; the vehicle may be wrong.
const NO_NETWORK_MS: u64 = 5 * 60 * 1_000;
/// Turns off the straight way within one window before the machine pauses.
const RECOVERIES_MAX: u32 = 6;
/// The window in which they are counted.
const RECOVERY_WINDOW_MS: u64 = 60 * 60 * 1_000;

/// State of the connection to the cloud.
#[derive(Debug, Clone)]
pub struct ConnectionHealth {
    health: Health,
    /// The car's clock when the cloud last did its part.
    last_unix_s: Option<i64>,
    /// True while the vehicle says that it has a network.
    network: bool,
    /// Without a network, nothing is tried before.
    silent_until_ms: u64,
}

#[derive(Debug, Clone, Copy)]
enum Health {
    NotAsked,
    Good { since_unix_s: i64 },
    Bad(OfflineReason),
    Faulty(FaultReason),
}

impl ConnectionHealth {
    /// Nothing tried yet; `last_unix_s` is when the newest receipt held was made.
    pub const fn new(network: bool, last_unix_s: Option<i64>) -> Self {
        Self {
            health: Health::NotAsked,
            last_unix_s,
            network,
            silent_until_ms: 0,
        }
    }

    /// From when the network allows a request.
    pub const fn allows_at_ms(&self) -> u64 {
        if self.network {
            0
        } else {
            self.silent_until_ms
        }
    }

    /// The vehicle's word on the network; tells whether it came back.
    pub const fn network_is(&mut self, available: bool, now: Now) -> bool {
        let came_back = available && !self.network;
        if self.network && !available {
            self.silent_until_ms = now.monotonic_ms.saturating_add(NO_NETWORK_MS);
        }
        self.network = available;
        came_back
    }

    /// A request leaves.
    pub const fn tried(&mut self, now: Now) {
        self.silent_until_ms = now.monotonic_ms.saturating_add(NO_NETWORK_MS);
    }

    /// The cloud did its part, so there is a network, whatever the vehicle says.
    pub const fn good(&mut self, now: Now) {
        self.last_unix_s = Some(now.unix_s);
        self.network = true;
        if !matches!(self.health, Health::Good { .. }) {
            self.health = Health::Good {
                since_unix_s: now.unix_s,
            };
        }
    }

    /// The cloud did not answer as it should.
    pub const fn bad(&mut self, reason: OfflineReason) {
        self.health = Health::Bad(reason);
    }

    /// The cloud refuses what this car sends.
    pub const fn faulty(&mut self, reason: FaultReason) {
        self.health = Health::Faulty(reason);
    }

    /// Returns the status for the screen, with so many entries waiting; `sending` while some of them, or a recovery, are under
    /// way.
    pub fn status(&self, waiting: u64, sending: bool) -> SyncStatus {
        let since_unix_s = self.last_unix_s;
        let offline = |reason| ConnectionState::Offline {
            since_unix_s,
            reason,
        };
        let connection = match self.health {
            Health::Faulty(reason) => ConnectionState::Fault {
                since_unix_s,
                reason,
            },
            _ if !self.network => offline(OfflineReason::NoNetwork),
            Health::NotAsked => offline(OfflineReason::NotAskedYet),
            Health::Bad(reason) => offline(reason),
            Health::Good { since_unix_s } if sending => ConnectionState::Syncing { since_unix_s },
            Health::Good { since_unix_s } => ConnectionState::Online { since_unix_s },
        };
        SyncStatus {
            connection,
            waiting,
        }
    }
}

/// Counts how often the cloud sent the machine off the straight way, so that it never runs in circles.
#[derive(Debug, Clone, Copy, Default)]
pub struct RecoveryBudget {
    window_from_ms: u64,
    count: u32,
}

impl RecoveryBudget {
    /// Counts one; gives the seconds to wait when it was one too many.
    pub const fn count(&mut self, now: Now) -> Result<(), u64> {
        let window_ms = self.window_from_ms.saturating_add(RECOVERY_WINDOW_MS);
        if self.count == 0 || now.monotonic_ms >= window_ms {
            *self = Self {
                window_from_ms: now.monotonic_ms,
                count: 0,
            };
        }
        if self.count == RECOVERIES_MAX {
            return Err(window_ms.saturating_sub(now.monotonic_ms) / 1_000 + 1);
        }
        self.count += 1;
        Ok(())
    }
}
