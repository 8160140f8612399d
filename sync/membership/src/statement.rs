//! The statement: everything that the cloud knows of one member, for the car to fold its own entries on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::{Account, Settlement};
use crate::chain::Chain;
use crate::ids::{DeviceId, EntryHash, Epoch, LedgerVersion, MemberId, Seq, ServerEpoch};
use crate::time::ServerTime;

/// One member's state at the cloud; an older one than the one held is ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The member.
    pub member: MemberId,
    /// Server epoch of the cloud.
    pub server_epoch: ServerEpoch,
    /// Time at which it was made.
    pub issued: ServerTime,
    /// The member's profile.
    pub profile: Profile,
    /// Balance, lots, tier, caps used.
    pub account: Account,
    /// The entries of each device that it contains.
    pub covers: BTreeMap<DeviceId, Cover>,
    /// The version after which `settlements` leaves nothing out.
    pub since: LedgerVersion,
    /// Changes of the account after `since`, oldest first; before them what became of older entries of the device that asked.
    pub settlements: Vec<Settlement>,
}

impl Statement {
    /// Settlements in one statement: the newest ones, about a month of daily driving.
    pub const SETTLEMENTS_MAX: u32 = 200;
    /// Allocations in the settlements of one statement, beyond the newest settlement's own: a spending takes from as many lots as
    /// it has to.
    pub const ALLOCATIONS_MAX: u32 = 2_000;

    /// Returns whether it is newer than another of the same member.
    #[must_use]
    pub fn supersedes(&self, other: &Self) -> bool {
        (self.server_epoch, self.account.version, self.issued)
            > (other.server_epoch, other.account.version, other.issued)
    }
}

/// The member's profile on the card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Name as the member writes it.
    pub name: String,
    /// Since when a member.
    pub joined: ServerTime,
    /// IANA zone in which the member's days are counted, such as `Asia/Shanghai`.
    pub zone: String,
}

/// Up to where a statement contains one device's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cover {
    /// The life of the chain.
    pub epoch: Epoch,
    /// The last entry contained; 0 for none of this epoch.
    pub through: Seq,
    /// Its hash; for 0, of the epoch's grant.
    pub head: EntryHash,
    /// State of the chain after that entry.
    pub chain: Chain,
}
