//! Openings of meters, worked out anew from the outside by the words of the protocol (section 7.14).

use std::collections::BTreeMap;

use dashpoint_membership::{
    ClockQuality, Entry, EntryHash, EntryRef, Meter, MeterNumber, MeterOpening, VehicleId,
};

use super::doubt::{ClaimedMeter, DoubtTimes, MeterClaim, WeighedClaim};

const DAY_S: i64 = 86_400;
/// Meters of a quantity that the policies of all seeds let a vehicle open in a year.
pub(super) const METERS_PER_YEAR: u16 = 2;

/// A meter that is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeenMeter {
    pub number: MeterNumber,
    /// Hash of the entry that said it first.
    pub origin: EntryHash,
    /// Its first reading.
    pub first: i64,
    /// The newest receipt that the car is known to have had: as it was seen, and with receipts that nobody saw.
    pub held: [i64; 2],
    arrived: i64,
}

/// An opening that waits for an operator.
#[derive(Debug, Clone)]
pub(super) struct WaitingOpening {
    pub vehicle: VehicleId,
    pub opening: MeterOpening,
    pub meter: SeenMeter,
}

/// A claim on a meter that was not open, with all that it is weighed by again.
#[derive(Debug, Clone)]
pub(super) struct WaitingClaim {
    pub vehicle: VehicleId,
    pub entry: Entry,
    pub times: [DoubtTimes; 2],
    pub claimed: WeighedClaim,
}

/// What is known of the meters of all vehicles.
#[derive(Debug, Clone, Default)]
pub(super) struct SeenMeters {
    open: BTreeMap<(VehicleId, Meter), Vec<SeenMeter>>,
    pub openings: BTreeMap<EntryRef, WaitingOpening>,
    pub claims: BTreeMap<EntryRef, WaitingClaim>,
}

impl SeenMeter {
    pub fn new(opening: &MeterOpening, origin: EntryHash, times: [DoubtTimes; 2]) -> Self {
        Self {
            number: opening.number,
            origin,
            first: units(opening.first),
            held: times.map(|times| times.held.as_unix_s()),
            arrived: times[0].now.as_unix_s(),
        }
    }
}

impl SeenMeters {
    fn of(&self, vehicle: VehicleId, meter: Meter) -> impl Iterator<Item = &SeenMeter> {
        self.open.get(&(vehicle, meter)).into_iter().flatten()
    }

    /// The meter with a number, if it was opened.
    pub fn opened(
        &self,
        vehicle: VehicleId,
        meter: Meter,
        number: MeterNumber,
    ) -> Option<&SeenMeter> {
        self.of(vehicle, meter).find(|known| known.number == number)
    }

    /// The meter of a claim, in one of both ways.
    pub fn claimed(
        &self,
        vehicle: VehicleId,
        meter: Meter,
        number: MeterNumber,
        way: usize,
    ) -> ClaimedMeter {
        let opened = self.opened(vehicle, meter, number);
        ClaimedMeter {
            is_open: number == MeterNumber::FIRST || opened.is_some(),
            first: opened.map(|opened| (opened.first, opened.held[way])),
            is_one_of_several: self.of(vehicle, meter).next().is_some(),
        }
    }

    /// Opens a meter; gives back the one that has its number already.
    pub fn open(
        &mut self,
        vehicle: VehicleId,
        opening: &MeterOpening,
        meter: SeenMeter,
    ) -> Option<SeenMeter> {
        let known = self.opened(vehicle, opening.meter, opening.number).copied();
        if known.is_none() {
            let all = self.open.entry((vehicle, opening.meter)).or_default();
            all.push(meter);
        }
        known
    }

    /// Returns whether an opening is in doubt beside the claims that hold a stretch of the vehicle's meters.
    pub fn is_in_doubt<'a>(
        &self,
        vehicle: VehicleId,
        entry: &Entry,
        opening: &MeterOpening,
        times: DoubtTimes,
        way: usize,
        holders: impl Iterator<Item = &'a MeterClaim> + Clone,
    ) -> bool {
        let now = times.now.as_unix_s();
        let enrolled = times.enrolled.as_unix_s();
        let passed_s = |since: i64| (now - since).max(0);
        let reach = |since: i64| match opening.meter {
            Meter::Odometer => 50_000 + passed_s(since) * 4_000_000 / DAY_S,
            Meter::Charged | Meter::Discharged => 250_000 + passed_s(since) * 1_000_000 / DAY_S,
        };
        let numbers = self
            .of(vehicle, opening.meter)
            .map(|open| open.number.get());
        let is_next = opening.number.get() == numbers.max().unwrap_or(1) + 1;
        let year_ago = now - 366 * DAY_S;
        let lately = self.of(vehicle, opening.meter);
        let lately = lately.filter(|open| open.arrived > year_ago).count();
        let since = opening.since.as_unix_s();
        let is_trusted = entry.time.quality != ClockQuality::Doubtful;
        let before = opening.number.before().unwrap_or_default();
        let on_before = holders.filter(move |claim| {
            (claim.interval.meter, claim.interval.number) == (opening.meter, before)
                && !claim.is_shut_out()
        });
        let highest = on_before
            .clone()
            .max_by_key(|claim| claim.interval.to)
            .map(|claim| (units(claim.interval.to), claim.held_at()));
        let known = highest.or_else(|| {
            let opened = self.opened(vehicle, opening.meter, before);
            opened.map(|opened| (opened.first, opened.held[way]))
        });
        let (last, first) = (units(opening.last), units(opening.first));
        let is_elsewhere = known.is_some_and(|(at, held)| {
            let held = if held > now { enrolled } else { held };
            last < at || last > at + reach(held)
        });
        let still_counts = on_before
            .filter_map(MeterClaim::sure_start)
            .any(|started| started > since + 300);
        !is_next
            || lately >= usize::from(METERS_PER_YEAR)
            || entry.time.at.as_unix_s() - since < DAY_S
            || (is_trusted && enrolled <= now && since + 11_100 < enrolled)
            || is_elsewhere
            || (last..=last + reach(times.held.as_unix_s())).contains(&first)
            || (is_trusted && still_counts)
    }
}

fn units(unsigned: u64) -> i64 {
    i64::try_from(unsigned).unwrap_or(i64::MAX)
}
