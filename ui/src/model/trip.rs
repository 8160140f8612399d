//! A trip that has ended.

use dashpoint_membership::{Factor, Points, ServerTime, Text, Trip};

use super::ledger::{LimitData, RowOutcome, UnpaidRule};

/// A trip that has just ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TripData {
    /// Time at which the trip began.
    pub started: ServerTime,
    /// Time at which the trip ended.
    pub ended: ServerTime,
    /// The evidence of the trip.
    pub trip: Trip,
    /// The result of the trip's entry.
    pub outcome: RowOutcome,
    /// The cap that cut it, when it was paid in part.
    pub cut: Option<LimitData>,
    /// The rules that pay nothing for it.
    pub unpaid: Vec<UnpaidRule>,
    /// Points of each rule, with its title.
    pub awards: Vec<(Text, Points)>,
    /// The factors that lowered the score, the costliest first.
    pub causes: Vec<CauseData>,
    /// Factors that the score model looks at.
    pub factors: usize,
    /// Avoided CO2, in grams; `None` when the car does not tell the energy that it uses.
    pub co2_avoided_g: Option<i64>,
    /// True when the car has charged, or given back to the grid, since.
    pub charged_since: bool,
    /// Share of renewable energy in what was used, in permille, when it is known.
    pub renewable_permille: Option<u16>,
}

/// Something that cost score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CauseData {
    /// The factor.
    pub factor: Factor,
    /// Time of its first occurrence.
    pub at: ServerTime,
    /// For how long in all, in seconds.
    pub seconds: u32,
}
