//! Records the cloud's answers and settlements from the outside.

use std::collections::{BTreeMap, BTreeSet};

use dashpoint_membership::{
    CapId, DeviceId, EntryHash, EntryRef, LedgerVersion, LocalDay, MemberId, Meter, Points,
    Settlement, VehicleId, Verdict,
};

use super::Violation;
use super::chain_times::SeenChain;

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
    /// The times of each device's chain.
    pub chains: BTreeMap<DeviceId, SeenChain>,
}

impl Books {
    /// The times of a device's chain.
    pub(super) fn chain(&mut self, device: DeviceId) -> Result<&mut SeenChain, Violation> {
        let chain = self.chains.get_mut(&device);
        chain.ok_or_else(|| Violation::new(format!("{device} was never enrolled")))
    }
}
