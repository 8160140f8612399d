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
/// Watt-hours of a day that driving and giving back make room for: 4,000 km at 250 Wh/km.
pub(super) const DAY_WH_MAX: u64 = 1_000_000;
/// Seconds by which driving may exceed the time that passed: rounding of `driving_s` to minutes, of many short trips.
pub(super) const BUSY_SLACK_S: u64 = 10_800;
/// Seconds by which driving may exceed the time between its own beginning and end: both are rounded to five minutes, and driving to
/// a whole minute.
pub(super) const OWN_TIME_SLACK_S: u64 = 600;
/// Seconds before its enrolment at which a trip of a head unit may have begun: it is enrolled on the way.
pub(super) const ENROL_SLACK_S: u64 = 10_800;
/// Seconds by which all trips of a head unit may exceed the time since its enrolment: a recorded day that a tester replays to a
/// new one at once has some four hours.
pub(super) const ENROL_SUM_SLACK_S: u64 = 21_600;
/// Watt-hours that a metre of road takes or gives at most: 3.6 t on a slope of 10 %.
pub(super) const SLOPE_WH_PER_M: u64 = 1;
/// Watts of heating, cooling and everything else beside driving.
pub(super) const AUXILIARY_W: u64 = 10_000;
/// Watt-hours by which rounded counters may be off: one step of 1 kWh at each end, of one trip or of several.
pub(super) const COUNTER_WH: u64 = 2_000;
/// Driving time for each unit of what a factor saw that measures all of the driving: less than one in so many is no sample of
/// the trip.
pub(super) const SEEN_IN_MAX: u64 = 20_000;
/// Milliseconds of one sample: no signal of a vehicle's bus comes faster than at 100 Hz.
pub(super) const SAMPLE_MS: u64 = 10;
/// Seconds for which two trips or sessions of one vehicle may overlap by the car's own clock: it may be set in between.
pub(super) const OVERLAP_S_MAX: u64 = 3_600;
/// Milliseconds of late driving that may be missing: the times of an entry are rounded to five minutes.
pub(super) const LATE_MS_MAX: u64 = 300_000;
/// Seconds of a day.
pub(super) const DAY_S: u64 = 86_400;
