//! Records the cloud's answers and settlements from the outside.

use std::collections::{BTreeMap, BTreeSet};

use dashpoint_membership::{
    CapId, DeviceId, EntryHash, EntryRef, LedgerVersion, LocalDay, MemberId, Meter, Points,
    ServerTime, Settlement, VehicleId, Verdict,
};

#[derive(Debug, Clone)]
pub(super) struct Ledger {
    pub version: u64,
    pub balance: Points,
    /// The balance that each version of the ledger had; more than one where the cloud went back and counted on.
    pub balances: BTreeMap<LedgerVersion, BTreeSet<Points>>,
    /// Settlements of entries: exactly one each.
    pub entries: BTreeMap<EntryRef, Settlement>,
}

impl Ledger {
    pub const EMPTY: Self = Self {
        version: 0,
        balance: Points::ZERO,
        balances: BTreeMap::new(),
        entries: BTreeMap::new(),
    };
}

/// Paid intervals of one meter: first unit to first unit after it.
pub(super) type Stretches = BTreeMap<u64, (u64, EntryRef)>;

/// The cloud's answers and settlements in its present server epoch, recorded from the outside.
#[derive(Debug, Clone, Default)]
pub struct Books {
    pub answered: BTreeMap<EntryRef, (EntryHash, Verdict)>,
    pub settled: BTreeMap<EntryHash, EntryRef>,
    pub paid: BTreeMap<(VehicleId, Meter), Stretches>,
    pub ledgers: BTreeMap<MemberId, Ledger>,
    pub used: BTreeMap<(MemberId, CapId, LocalDay), i64>,
    pub cap_times: BTreeMap<DeviceId, ServerTime>,
    /// Times of the receipts that each device was sent.
    pub receipts: BTreeMap<DeviceId, BTreeSet<ServerTime>>,
}
