//! Limits of nature: a claim beyond one of them goes to review. Each has its reason, and leaves room for the honest.

/// Average speed of a trip, in km/h: the limit that makers of fast production cars agree on; no trip is driven at its
/// top speed from ignition on to ignition off.
pub(super) const SPEED_KMH_MAX: u64 = 250;
/// Metres of a day: the 24-hour record of a production electric car is 3,944 km (Xiaomi YU7, 2025).
pub(super) const DAY_M_MAX: u64 = 4_000_000;
/// Metres between two trips that nobody claims: a tow, a ferry, a head unit that was off.
pub(super) const GAP_M_MAX: u64 = 50_000;
/// Watt-hours that one car takes in one session: the largest battery of a production car holds 246 kWh (GMC Hummer EV).
pub(super) const BATTERY_WH_MAX: u64 = 250_000;
/// Watt-hours of a day by which a counter of energy may rise with nobody claiming it: 4,000 km at 250 Wh/km.
pub(super) const DAY_WH_MAX: u64 = 1_000_000;
/// Watt-hours of a day that a vehicle takes or gives beside what it says: 350 km of a driver who has no card, heating and cooling
/// while it stands, a tool or a house that it feeds without a meter.
pub(super) const UNTOLD_DAY_WH: u64 = 70_000;
/// Watt-hours that a kilometre takes over a day: a van of 3.5 t with a trailer, in winter.
pub(super) const ROAD_WH_PER_KM: u64 = 500;
/// Seconds of the longer stretch over which energy is summed: what a day's battery has room for, a week's has not each day.
pub(super) const WEEK_S: u64 = 7 * DAY_S;
/// Watt-hours of a day that a charge which nobody saw may be longer, and the most that it may: several charges become one when the
/// head unit was off, or its disk went back.
pub(super) const UNSEEN_DAY_WH: u64 = 20_000;
/// The most of it.
pub(super) const UNSEEN_WH_MAX: u64 = 70_000;
/// Watt-hours that going down gives back at most: 3.6 t from the highest road of the world to the sea, 5,500 m.
pub(super) const DESCENT_WH_MAX: u64 = 55_000;
/// Seconds by which driving may exceed the time that passed: rounding of `driving_s` to minutes, of many short trips.
pub(super) const BUSY_SLACK_S: u64 = 10_800;
/// Seconds by which driving may exceed the time between its own beginning and end: both are rounded to five minutes, and driving to
/// a whole minute.
pub(super) const OWN_TIME_SLACK_S: u64 = 600;
/// Seconds before its enrolment at which a trip of a head unit may have begun: it is enrolled on the way.
pub(super) const ENROL_SLACK_S: u64 = 10_800;
/// Seconds before its enrolment at which a session of a head unit may have begun: it is enrolled while it charges at a household
/// socket.
pub(super) const SESSION_ENROL_SLACK_S: u64 = 172_800;
/// Seconds by which all trips of a head unit may exceed the time since its enrolment: a recorded day that a tester replays to a
/// new one at once has some four hours.
pub(super) const ENROL_SUM_SLACK_S: u64 = 21_600;
/// Watt-hours that a metre of road takes or gives at most: 3.6 t on a slope of 10 %.
pub(super) const SLOPE_WH_PER_M: u64 = 1;
/// Watts of heating, cooling and everything else beside driving.
pub(super) const AUXILIARY_W: u64 = 10_000;
/// Watt-hours by which rounded counters may be off: one step of 1 kWh at each end, of one trip or of several.
pub(super) const COUNTER_WH: u64 = 2_000;
/// Milliseconds of a minute: times that are shares of the driving leave the car in whole minutes, rounded up.
pub(super) const MINUTE_MS: u64 = 60_000;
/// Milliseconds of driving in which no car does without braking, and of braking above the lower threshold that it has then at
/// least: the gentlest of the standard cycles and recorded drives has 61 s in an hour, on a motorway (HWFET).
pub(super) const BRAKES_IN_MS: u64 = 3_600_000;
/// The braking.
pub(super) const BRAKING_MS_MIN: u64 = 1_000;
/// The highest lower threshold of braking for which that was measured, in thousandths of g.
pub(super) const BRAKE_SOFT_MG_MAX: u16 = 100;
/// Milliseconds of one sample: no signal of a vehicle's bus comes faster than at 100 Hz.
pub(super) const SAMPLE_MS: u64 = 10;
/// Seconds for which two trips or sessions of one vehicle may overlap by the car's own clock: it may be set in between.
pub(super) const OVERLAP_S_MAX: u64 = 3_600;
/// Seconds by which an entry may end after its arrival by a clock that is nearly right: two minutes that a synced clock may be off,
/// and what it drifts between two receipts. Beyond it the clock is known to be wrong.
pub(super) const CLOCK_AHEAD_S_MAX: u64 = 900;
/// Seconds for which a session and a trip of one vehicle may overlap by the car's own clock, beyond what the trip stood still.
pub(super) const BESIDE_S_MAX: u64 = 1_800;
/// Milliseconds of late driving that may be missing: the times of an entry are rounded to five minutes.
pub(super) const LATE_MS_MAX: u64 = 300_000;
/// Seconds of a day.
pub(super) const DAY_S: u64 = 86_400;
