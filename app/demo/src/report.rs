//! The result of a play, for machines.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The result of a play.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlayReport {
    /// Signals of the car.
    pub signals: Signals,
    /// Trips of the ledger, in their order.
    pub trips: Vec<ReportedTrip>,
    /// Charging sessions of the ledger, in their order.
    pub charges: Vec<ReportedCharge>,
    /// The entries by their state.
    pub entries: Entries,
    /// The member's points on both sides.
    pub points: Points,
    /// True when `dashpoint ledger --verify` passes: chain, signatures, intervals, receipts and sums.
    pub chain_verified: bool,
    /// The number of kills of the head unit.
    pub kills: u32,
}

/// Signals of the car.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signals {
    /// Messages that the simulated car sent of signals that the head unit uses.
    pub sent: u64,
    /// Those that the head unit told to have taken, without the state that the broker keeps and hands over again at each
    /// start: all that was sent, but for what it refused, what was on its way when it was killed, and what it took in the
    /// moment before, of which nobody can tell.
    pub taken: u64,
    /// Those that it told to have refused: late, implausible or no data point. What leaps by more than a day is held back
    /// until three signals agree, and taken then: it is none of them.
    pub rejected: u64,
    /// The number of rejected messages of each signal, by VSS path and by kind; a topic that nobody asked for is of none.
    pub rejected_of: BTreeMap<String, BTreeMap<String, u64>>,
}

/// A trip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportedTrip {
    /// The drive cycle.
    pub cycle: String,
    /// Distance that the entry claims.
    pub km: f64,
    /// Driving score, 0 to 100.
    pub score: f64,
    /// CO2 avoided, in grams.
    pub co2_avoided_g: i64,
    /// Points that the car predicted.
    pub predicted: i64,
    /// Points paid; none while the cloud has not spoken.
    pub points: Option<i64>,
}

/// A charging session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportedCharge {
    /// Energy that the entry claims.
    pub kwh: f64,
    /// Share of it that is renewable.
    pub renewable_percent: f64,
    /// Grade of the share: metered, declared or estimated.
    pub grade: String,
    /// Points that the car predicted.
    pub predicted: i64,
    /// Points paid; none while the cloud has not spoken.
    pub points: Option<i64>,
}

/// The entries by their state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entries {
    /// In the car's ledger.
    pub signed: u64,
    /// Paid as the car expected.
    pub accepted: u64,
    /// Paid otherwise, or held back, for a reason.
    pub adjusted: u64,
    /// Not paid.
    pub rejected: u64,
    /// In the cloud's log once more, or claiming a stretch of a meter that another one claims.
    pub duplicate: u64,
}

/// The member's points.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Points {
    /// Confirmed, as the car shows it.
    pub confirmed: i64,
    /// Not confirmed yet, as the car shows it.
    pub pending: i64,
    /// Balance at the cloud.
    pub cloud: i64,
}
