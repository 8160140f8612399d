//! Openings of meters, held against what is known of the meter before and against the bound of the policy.

use dashpoint_membership::{
    ClockQuality, CoarseTime, Entry, Meter, MeterNumber, MeterOpening, ServerTime,
};

use super::doubt::{Doubt, MeterReading, passed_s, signed};
use super::limits::{BATTERY_WH_MAX, DAY_M_MAX, DAY_S, DAY_WH_MAX, ENROL_SLACK_S, GAP_M_MAX};

/// Facts about a quantity of the vehicle that an opening is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningHistory {
    /// Time at which the device was enrolled.
    pub enrolled: ServerTime,
    /// The newest receipt that the car is known to have held when it made the entry.
    pub receipt_at: ServerTime,
    /// The highest number that is open.
    pub highest: MeterNumber,
    /// Meters of the quantity that were opened in the last [`YEAR_S`] seconds.
    pub opened_lately: u64,
    /// The highest reading of the meter before.
    pub known: Option<MeterReading>,
    /// The beginning of the latest trip or session on the meter before, by the clock of a car that trusts it.
    pub counted_at: Option<ServerTime>,
}

/// Seconds of the year over which openings are counted: a leap year's, so that two are never in one calendar year.
pub const YEAR_S: i64 = 366 * 86_400;

/// Finds what an operator has to look at in the opening of a meter; `None` when it is opened at once.
///
/// To open a meter pays nothing, and what is claimed on it is summed with the other meters of its quantity: what is judged here is
/// only whether the counter is another one.
#[must_use]
pub fn opening_doubt(
    entry: &Entry,
    opening: &MeterOpening,
    meters_per_year: u16,
    history: &OpeningHistory,
    now: ServerTime,
) -> Option<Doubt> {
    let reach = |since: ServerTime| reach(opening.meter, passed_s(since, now));
    let is_skipping = opening.number != history.highest.next();
    let ended_s = entry.time.at.as_unix_s();
    let steady_s = ended_s.saturating_sub(opening.since.as_unix_s());
    let is_behind = history.known.is_some_and(|known| opening.last < known.at);
    let is_ahead = history
        .known
        .is_some_and(|known| opening.last > known.at.saturating_add(reach(known.since)));
    // The same counter, which nobody has listened to for a while.
    let goes_on = (opening.last..=opening.last.saturating_add(reach(history.receipt_at)))
        .contains(&opening.first);
    let grain_s = CoarseTime::GRAIN_MIN * 60;
    let began = ServerTime::from_unix_s(opening.since.as_unix_s());
    let is_trusted = entry.time.quality != ClockQuality::Doubtful;
    let is_before = is_trusted
        && history.enrolled <= now
        && began.plus_s(signed(ENROL_SLACK_S) + grain_s) < history.enrolled;
    let still_counts = is_trusted
        && history
            .counted_at
            .is_some_and(|counted| counted > began.plus_s(grain_s));
    [
        (is_skipping, Doubt::SkipsMeter),
        (
            history.opened_lately >= u64::from(meters_per_year),
            Doubt::ManyMeters,
        ),
        (steady_s < signed(DAY_S), Doubt::Unsteady),
        (is_before, Doubt::BeforeEnrolment),
        (is_behind, Doubt::Behind),
        (is_ahead, Doubt::Ahead),
        (goes_on, Doubt::GoesOn),
        (still_counts, Doubt::StillCounts),
    ]
    .into_iter()
    .find_map(|(is_found, doubt)| is_found.then_some(doubt))
}

/// Units by which a meter may rise in so many seconds with nobody claiming them.
fn reach(meter: Meter, passed_s: u64) -> u64 {
    match meter {
        Meter::Odometer => GAP_M_MAX + passed_s * DAY_M_MAX / DAY_S,
        Meter::Charged | Meter::Discharged => BATTERY_WH_MAX + passed_s * DAY_WH_MAX / DAY_S,
    }
}
