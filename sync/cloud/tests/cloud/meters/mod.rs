//! Meters with identity: a battery or an instrument cluster that is replaced brings the next meter of its quantity.

mod bounds;
mod decisions;
mod openings;
mod restored;

use dashpoint_cloud::{OpenedMeter, OpeningState};
use dashpoint_membership::*;
use dashpoint_wire::Signed;

use crate::doubts::{is_in_doubt, send, session};
use crate::support::*;

pub const VEHICLE: VehicleId = VehicleId::from_bytes([3; 16]);
/// The counter of the old battery.
pub const OLD_WH: u64 = 9_000_000;
/// The counter of the new one, as it is first read.
pub const NEW_WH: u64 = 50_000;

pub fn second() -> MeterNumber {
    MeterNumber::FIRST.next()
}

/// The opening of the counter of a new battery, steady for a day and an hour.
pub fn opening(world: &World) -> MeterOpening {
    MeterOpening {
        meter: Meter::Charged,
        number: second(),
        last: OLD_WH + 10_000,
        first: NEW_WH,
        since: CoarseTime::containing_unix_s(world.now.as_unix_s() - 90_000),
    }
}

pub fn open_meter(world: &World, change: impl FnOnce(&mut MeterOpening)) -> Subject {
    let mut said = opening(world);
    change(&mut said);
    Subject::OpenMeter(said)
}

/// A session on a meter that ends now and lasted an hour.
pub fn session_on(world: &World, number: MeterNumber, from_wh: u64, energy_wh: u64) -> Subject {
    let mut session = session(world, from_wh, energy_wh, HOUR);
    session.charged.number = number;
    charged(session)
}

/// A world in which a car has charged on its old battery, and four days have passed since it was enrolled.
pub fn world() -> (World, Car) {
    let (mut world, mut car) = crate::doubts::world();
    let before = session_on(&world, MeterNumber::FIRST, OLD_WH, 10_000);
    let verdict = send(&mut world, &mut car, before);
    assert!(matches!(verdict, Verdict::Accepted { .. }), "{verdict:?}");
    crate::doubts::go_on(&mut world, 2);
    (world, car)
}

/// The same with the new counter open.
pub fn opened_world() -> (World, Car) {
    let (mut world, mut car) = world();
    let opening = open_meter(&world, |_| {});
    let verdict = send(&mut world, &mut car, opening);
    assert!(matches!(verdict, Verdict::Accepted { .. }), "{verdict:?}");
    (world, car)
}

/// The same with an opening that waits for an operator, and a session on the meter that waits with it.
pub fn waiting_world() -> (World, Car, [EntryRef; 2]) {
    let (mut world, mut car) = world();
    let unsteady = open_meter(&world, |said| {
        said.since = CoarseTime::containing_unix_s(world.now.as_unix_s() - HOUR);
    });
    let opening = car.mint(unsteady, world.now);
    let session = car.mint(session_on(&world, second(), NEW_WH, 10_000), world.now);
    let entries = [opening, session];
    all_wait(&mut world, &mut car, &entries);
    let places = entries.map(|entry| place(&car, &entry));
    (world, car, places)
}

/// Sends entries together; each waits for an operator.
pub fn all_wait(world: &mut World, car: &mut Car, entries: &[Signed<Entry>]) {
    for said in world.settled(car, entries).verdicts {
        assert!(is_in_doubt(&said.verdict), "{:?}", said.verdict);
    }
}

pub fn place(car: &Car, entry: &Signed<Entry>) -> EntryRef {
    entry.body().reference(car.device)
}

pub fn meters(world: &World) -> Vec<OpenedMeter> {
    let lines = world.core.opening_lines(Some(VEHICLE)).unwrap();
    lines.into_iter().map(|line| line.opened).collect()
}

pub fn states(world: &World) -> Vec<OpeningState> {
    meters(world)
        .into_iter()
        .map(|opened| opened.state)
        .collect()
}
