//! Status of the connection to the cloud, for the screen and the logs.

use dashpoint_wire::message::RefusalCode;

/// Status of the connection, with the number of waiting entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncStatus {
    /// State of the connection.
    pub connection: ConnectionState,
    /// Entries without a receipt.
    pub waiting: u64,
}

/// State of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// The cloud answers, and nothing is on its way; what nobody waits for may still wait for its time.
    Online {
        /// Since when it answers without a break: the car's clock, in seconds since 1970.
        since_unix_s: i64,
    },
    /// The cloud answers, and entries are on their way.
    Syncing {
        /// Since when it answers without a break: the car's clock, in seconds since 1970.
        since_unix_s: i64,
    },
    /// The cloud does not answer as it should; the machine tries again by itself.
    Offline {
        /// Time of the last such answer: seconds since 1970. `None`: never yet.
        since_unix_s: Option<i64>,
        /// The reason.
        reason: OfflineReason,
    },
    /// The cloud refuses what this car sends: service has to look; the machine tries again once an hour.
    Fault {
        /// Time at which the cloud last accepted something: seconds since 1970. `None`: never yet.
        since_unix_s: Option<i64>,
        /// The refusal.
        reason: FaultReason,
    },
}

/// The reason that the cloud counts as out of reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OfflineReason {
    /// Not asked yet since start.
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
    ServerError {
        /// With this status.
        status: u16,
    },
    /// The cloud does not accept this car's request token, not even with its own nonce in it.
    NotAuthorised,
    /// An answer that nobody can use: unreadable, wrongly signed, or not to what was asked.
    BadAnswer,
    /// The car's own store or key store failed.
    Local,
}

/// A refusal that the cloud will repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultReason {
    /// Status code of the refusal.
    pub status: u16,
    /// Its code, if it was readable.
    pub code: Option<RefusalCode>,
}
