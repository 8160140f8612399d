//! Live state of a running head unit, beyond the content of its files.

mod attempts;
mod car;
mod integrity;
mod last_seen;
mod screen;
mod signals;

use std::collections::BTreeMap;

use dashpoint_membership::{RuleId, ServerTime};
use dashpoint_store::StoreError;
use dashpoint_sync::{ConnectionState, FaultReason, OfflineReason, SyncStatus};
use dashpoint_telematics::DriveState;
use serde::{Deserialize, Serialize};

pub use attempts::Attempts;
pub use car::CarState;
pub use integrity::IntegrityStatus;
pub use last_seen::LastSeen;
pub use screen::{ScreenLive, ShownPage};
pub use signals::SignalLive;

use crate::cloud_clock::CloudClock;

/// Live state of a running head unit. Unknown values are left out of its JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// State of the connection to the cloud.
    pub connection: Connection,
    /// Entries without a receipt.
    #[serde(rename = "entries_without_receipt")]
    pub waiting: u64,
    /// Attempts to reconcile that people asked for.
    #[serde(default, skip_serializing_if = "Attempts::is_none")]
    pub attempts: Attempts,
    /// True while the in-vehicle broker is connected.
    pub bus: bool,
    /// Drive state of the car.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drive_state: Option<DriveState>,
    /// True while a trip is open.
    pub trip_open: bool,
    /// Newest event time taken, in milliseconds since 1970-01-01T00:00:00Z.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_ms: Option<i64>,
    /// Samples taken.
    pub taken: u64,
    /// The number of them that were state that the broker had retained from before this head unit listened.
    #[serde(default)]
    pub kept: u64,
    /// Messages refused, by kind.
    pub refused: BTreeMap<String, u64>,
    /// Each signal that is used, also those that were never seen; told once a second.
    #[serde(default)]
    pub signals: Vec<SignalLive>,
    /// Trips and sessions that earned nothing because nobody's membership was driving.
    pub guest: u64,
    /// The last of them in a row: since a member's trip or session, and also before the start.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub guest_in_a_row: u64,
    /// Evidence that is kept and could not be signed yet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub awaiting: u64,
    /// Evidence that could not be written to the disk yet.
    pub unsaved: u64,
    /// The reason that the disk refused the last write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<DiskTrouble>,
    /// The contradiction between the cloud's signed times and the car's clocks, until they agree again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_clock: Option<CloudClock>,
    /// Status with which the cloud refused this car, or what it sent, when it answered last; also before the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_refusal: Option<u16>,
    /// True when the bus names another car than the one that this head unit was enrolled in.
    #[serde(default, skip_serializing_if = "is_false")]
    pub other_vehicle: bool,
    /// True once the configuration or the bus has named a car since the start.
    #[serde(default)]
    pub vehicle_named: bool,
    /// True while the bus names a guest at the wheel, or somebody whose membership is not in this car.
    #[serde(default, skip_serializing_if = "is_false")]
    pub guest_by_car: bool,
    /// True once a driver, or a guest, was named since the start.
    #[serde(default)]
    pub driver_named: bool,
    /// Time of the reconciler's next try, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_try_unix_s: Option<i64>,
    /// State of the car beyond driving and charging.
    #[serde(default)]
    pub car: CarState,
    /// True when the newest policy was refused and the one before it stays in force.
    #[serde(default)]
    pub policy_refused: bool,
    /// Rules of the newest policy that this program cannot evaluate; the cloud evaluates them.
    #[serde(default)]
    pub skipped_rules: Vec<RuleId>,
    /// True when a file of the data folder was damaged and set aside at the start.
    #[serde(default)]
    pub salvaged: bool,
    /// Result of the check of the whole ledger.
    #[serde(default)]
    pub ledger: IntegrityStatus,
    /// State of the window; `None` without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screen: Option<ScreenLive>,
}

/// The reason that a disk refuses writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskTrouble {
    /// There is no room.
    Full,
    /// It may only be read.
    ReadOnly,
    /// It fails.
    Failing,
}

impl DiskTrouble {
    /// Classifies a refusal of the store.
    pub(crate) fn of(error: &StoreError) -> Self {
        if error.is_disk_full() {
            Self::Full
        } else if error.is_read_only() {
            Self::ReadOnly
        } else {
            Self::Failing
        }
    }
}

/// State of the connection to the cloud.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Connection {
    /// Nothing was tried yet.
    #[default]
    Starting,
    /// The cloud answers, and nothing waits.
    Online {
        /// Since when, in seconds since 1970.
        since_unix_s: i64,
    },
    /// The cloud answers, and entries are on their way.
    Syncing {
        /// Since when, in seconds since 1970.
        since_unix_s: i64,
    },
    /// The cloud does not answer as it should.
    Offline {
        /// Time of its last good answer, in seconds since 1970.
        #[serde(skip_serializing_if = "Option::is_none")]
        since_unix_s: Option<i64>,
        /// The reason.
        reason: Reason,
    },
    /// The cloud refuses what this car sends.
    Fault {
        /// Time at which it last accepted something, in seconds since 1970.
        #[serde(skip_serializing_if = "Option::is_none")]
        since_unix_s: Option<i64>,
        /// Status of the refusal.
        status: u16,
    },
}

/// The reason that the cloud counts as out of reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Not asked yet since the start.
    NotAskedYet,
    /// The vehicle says that it has no network.
    NoNetwork,
    /// No connection.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// The other end could not prove to be the cloud.
    NotTheCloud,
    /// The cloud asked to be left alone for a while.
    Busy,
    /// The cloud failed.
    ServerError,
    /// The cloud does not accept this car's tokens.
    NotAuthorised,
    /// An answer that nobody can use.
    BadAnswer,
    /// The car's own store or keys failed.
    Local,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
pub(crate) const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Live {
    /// Returns it without what `status` says beside it, also of a head unit that does not run: what was seen, the evidence
    /// that waits, and the attempts, of which `sync` tells.
    #[must_use]
    pub fn without_what_is_seen(&self) -> Self {
        Self {
            attempts: Attempts::default(),
            guest_in_a_row: 0,
            awaiting: 0,
            last_refusal: None,
            other_vehicle: false,
            guest_by_car: false,
            ..self.clone()
        }
    }

    /// Takes the status of the reconciler.
    pub fn take_status(&mut self, status: SyncStatus) {
        self.waiting = status.waiting;
        self.connection = status.connection.into();
    }

    /// Returns the refusal of the cloud that stands; a cloud that cannot be reached takes none back.
    #[must_use]
    pub fn refusal(&self) -> Option<CloudRefusal> {
        self.connection
            .refusal_after(self.last_refusal)
            .map(CloudRefusal::of)
    }

    /// Returns whether the cloud refuses this car itself: then nothing that waits is paid.
    #[must_use]
    pub fn refuses_car(&self) -> bool {
        self.refusal().and_then(CloudRefusal::of_car).is_some()
    }

    /// Returns the time of the reconciler's next try.
    #[must_use]
    pub fn next_try(&self, now: ServerTime) -> ServerTime {
        self.next_try_unix_s
            .map_or(now, |at| ServerTime::from_unix_s(at).max(now))
    }
}

impl Connection {
    /// Returns the status of the refusal that stands after one that came before; `None` when the cloud refuses nothing.
    #[must_use]
    pub const fn refusal_after(&self, before: Option<u16>) -> Option<u16> {
        match self {
            Self::Fault { status, .. } => Some(*status),
            Self::Online { .. } | Self::Syncing { .. } => None,
            Self::Starting | Self::Offline { .. } => before,
        }
    }
}

/// A refusal of the cloud that stays until somebody does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloudRefusal {
    /// Of the head unit itself: it is not enrolled, or no longer.
    OfCar {
        /// HTTP status.
        status: u16,
    },
    /// Of what it sent; the head unit is let in.
    OfEntries {
        /// HTTP status.
        status: u16,
    },
}

impl CloudRefusal {
    /// Tells by the status what is refused.
    #[must_use]
    pub const fn of(status: u16) -> Self {
        if status == 403 {
            Self::OfCar { status }
        } else {
            Self::OfEntries { status }
        }
    }

    /// Returns the status where the head unit itself is refused: then nothing that waits is paid.
    #[must_use]
    pub const fn of_car(self) -> Option<u16> {
        match self {
            Self::OfCar { status } => Some(status),
            Self::OfEntries { .. } => None,
        }
    }
}

impl From<ConnectionState> for Connection {
    fn from(state: ConnectionState) -> Self {
        match state {
            ConnectionState::Online { since_unix_s } => Self::Online { since_unix_s },
            ConnectionState::Syncing { since_unix_s } => Self::Syncing { since_unix_s },
            ConnectionState::Offline {
                since_unix_s,
                reason,
            } => Self::Offline {
                since_unix_s,
                reason: reason.into(),
            },
            ConnectionState::Fault {
                since_unix_s,
                reason: FaultReason { status, .. },
            } => Self::Fault {
                since_unix_s,
                status,
            },
        }
    }
}

impl From<OfflineReason> for Reason {
    fn from(reason: OfflineReason) -> Self {
        match reason {
            OfflineReason::NotAskedYet => Self::NotAskedYet,
            OfflineReason::NoNetwork => Self::NoNetwork,
            OfflineReason::Unreachable => Self::Unreachable,
            OfflineReason::TimedOut => Self::TimedOut,
            OfflineReason::NotTheCloud => Self::NotTheCloud,
            OfflineReason::Busy => Self::Busy,
            OfflineReason::ServerError { .. } => Self::ServerError,
            OfflineReason::NotAuthorised => Self::NotAuthorised,
            OfflineReason::BadAnswer => Self::BadAnswer,
            OfflineReason::Local => Self::Local,
        }
    }
}
