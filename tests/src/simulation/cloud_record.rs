//! Records the cloud's answers and settlements from the outside.

use std::collections::{BTreeMap, BTreeSet};

use dashpoint_membership::{
    CapId, DeviceId, EntryHash, EntryRef, LedgerVersion, LocalDay, MemberId, Meter, Points,
    Settlement, VehicleId, Verdict,
};

use super::chain_times::SeenChain;
use super::doubt::{MeterClaim, WeighedClaim};
use super::meters::SeenMeters;
use super::violation::Violation;

#[derive(Debug, Clone)]
pub(super) struct RecordedLedger {
    pub version: u64,
    pub balance: Points,
    /// The balance that each version of the ledger had; more than one where the cloud went back and counted on.
    pub balances: BTreeMap<LedgerVersion, BTreeSet<Points>>,
    /// Settlements of entries: exactly one each.
    pub entries: BTreeMap<EntryRef, Settlement>,
}

impl RecordedLedger {
    pub const EMPTY: Self = Self {
        version: 0,
        balance: Points::ZERO,
        balances: BTreeMap::new(),
        entries: BTreeMap::new(),
    };
}

/// The cloud's answers and settlements in its present server epoch, recorded from the outside.
#[derive(Debug, Clone, Default)]
pub struct CloudRecord {
    pub answered: BTreeMap<EntryRef, (EntryHash, Verdict)>,
    pub settled: BTreeMap<EntryHash, EntryRef>,
    /// Entries that hold a stretch, by its meter; each as it was seen, and as it is when receipts that nobody saw were signed.
    pub claims: BTreeMap<(VehicleId, Meter), Vec<[MeterClaim; 2]>>,
    /// Entries that came second to a stretch of a meter.
    pub second: BTreeMap<EntryRef, WeighedClaim>,
    /// Claims that were paid no whole point, and are in doubt in one of both ways only or of a device that was shut out: whether they
    /// hold their stretch is not known.
    pub perhaps: BTreeMap<(VehicleId, Meter), Vec<MeterClaim>>,
    pub ledgers: BTreeMap<MemberId, RecordedLedger>,
    pub used: BTreeMap<(MemberId, CapId, LocalDay), i64>,
    /// Meters that were opened, and what waits for one.
    pub meters: SeenMeters,
    /// The times of each device's chain.
    pub chains: BTreeMap<DeviceId, SeenChain>,
}

impl CloudRecord {
    /// The times of a device's chain.
    pub(super) fn chain(&mut self, device: DeviceId) -> Result<&mut SeenChain, Violation> {
        let chain = self.chains.get_mut(&device);
        chain.ok_or_else(|| Violation::new(format!("{device} was never enrolled")))
    }
}
