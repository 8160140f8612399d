//! What a running head unit tells about itself, beyond what its files say.

use std::collections::BTreeMap;

use dashpoint_store::StoreError;
use dashpoint_sync::{ConnectionState, FaultReason, OfflineReason, Status};
use dashpoint_telematics::DriveState;
use serde::{Deserialize, Serialize};

use super::signals::SignalLive;
use crate::screen::CarState;
use crate::window::ScreenLive;

/// What a running head unit tells about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// How the connection to the cloud stands.
    pub connection: Connection,
    /// Entries without a receipt.
    pub waiting: u64,
    /// Whether the in-vehicle broker is connected.
    pub bus: bool,
    /// Whether the car moves.
    pub drive_state: Option<DriveState>,
    /// Whether a trip is open.
    pub trip_open: bool,
    /// Newest event time taken, in milliseconds since 1970-01-01T00:00:00Z.
    pub newest_ms: Option<i64>,
    /// Samples taken.
    pub taken: u64,
    /// How many of them were state that the broker had kept from before this head unit listened.
    #[serde(default)]
    pub kept: u64,
    /// Messages refused, by kind.
    pub refused: BTreeMap<String, u64>,
    /// Each signal that is used, also those that were never seen; told once a second.
    #[serde(default)]
    pub signals: Vec<SignalLive>,
    /// Trips and sessions that earned nothing because nobody's membership was driving.
    pub guest: u64,
    /// Evidence that is kept and could not be signed yet.
    pub awaiting: u64,
    /// Evidence that could not be written to the disk yet.
    pub unsaved: u64,
    /// Why the disk refused what was last to be written.
    #[serde(default)]
    pub disk: Option<DiskTrouble>,
    /// Whether the bus names another car than the one that this head unit was enrolled in.
    pub other_vehicle: bool,
    /// When the reconciler looks at the cloud again, in seconds since 1970.
    #[serde(default)]
    pub next_try_unix_s: Option<i64>,
    /// What the car tells of itself beyond driving and charging.
    #[serde(default)]
    pub car: CarState,
    /// Whether the newest policy was refused and the one before it stays in force.
    #[serde(default)]
    pub policy_refused: bool,
    /// Whether a file of the data folder was damaged and set aside at the start.
    #[serde(default)]
    pub salvaged: bool,
    /// What a look at the whole ledger found.
    #[serde(default)]
    pub ledger: LedgerLook,
    /// What the window tells about itself; nothing without one.
    #[serde(default)]
    pub screen: Option<ScreenLive>,
}

/// What a look at the whole ledger found. A damaged one is not listed: the head unit salvages it and begins again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LedgerLook {
    /// It is not over.
    #[default]
    NotYet,
    /// Every page and every link is as it should be.
    Whole,
    /// The device did not give all of it.
    Unread,
}

/// Why a disk refuses to be written.
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
    /// What a refusal of the store says of the disk.
    pub(super) fn of(error: &StoreError) -> Self {
        if error.is_disk_full() {
            Self::Full
        } else if error.is_read_only() {
            Self::ReadOnly
        } else {
            Self::Failing
        }
    }
}

/// How the connection to the cloud stands.
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
        /// When it last did, in seconds since 1970.
        since_unix_s: Option<i64>,
        /// Why.
        reason: Reason,
    },
    /// The cloud refuses what this car sends.
    Fault {
        /// When it last took something, in seconds since 1970.
        since_unix_s: Option<i64>,
        /// Status of the refusal.
        status: u16,
    },
}

/// Why the cloud counts as out of reach.
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

impl Live {
    /// Takes the reconciler's word.
    pub fn take_status(&mut self, status: Status) {
        self.waiting = status.waiting;
        self.connection = status.connection.into();
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
