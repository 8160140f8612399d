//! The drivers of a car, the signals that name them, and the check that no metre is paid to anybody but its driver.

use std::collections::BTreeMap;

use dashpoint::books::driver_tag;
use dashpoint_membership::{BindingId, DriverTag, Evidence, MemberId, Transaction, Trip};
use dashpoint_telematics::{Signal, Value};

use super::random::SeededRandom;

const ISSUER: &str = "https://id.example";
/// Metres of one step at the coarse rate: between two samples nobody knows where one driver gave way to the other.
const STEP_M_MAX: u64 = 510;

/// The driver at the wheel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wheel {
    /// The only one whom this car can have; its bus names nobody.
    Only,
    /// One of those whom the bus names, by the place in the crew.
    Named(usize),
    /// Somebody whom the bus does not know.
    Guest,
}

/// The drivers of a car: one member, or several whom its bus tells apart.
#[derive(Debug, Clone)]
pub struct Crew {
    members: Vec<MemberId>,
    /// Of the head unit's present enrolment.
    bindings: Vec<BindingId>,
    /// The number of those who have said yes to the head unit: the first ones.
    enrolled: usize,
}

impl Crew {
    /// The members who share a car.
    pub fn new(members: Vec<MemberId>, number: u8) -> Self {
        let mut crew = Self {
            members,
            bindings: Vec::new(),
            enrolled: 0,
        };
        crew.bind_anew(number);
        crew
    }

    /// New bindings for a head unit that is enrolled anew.
    pub fn bind_anew(&mut self, number: u8) {
        let place = |place: usize| u8::try_from(place).unwrap_or(u8::MAX);
        let binding = |nth: usize| {
            let mut bytes = [number; 16];
            bytes[15] = place(nth);
            BindingId::from_bytes(bytes)
        };
        self.bindings = (0..self.members.len()).map(binding).collect();
        self.enrolled = 0;
    }

    /// The next one says yes to the head unit; `None` when all have.
    pub fn next_enrolled(&mut self) -> Option<(MemberId, BindingId, Option<DriverTag>)> {
        let next = self.bindings().nth(self.enrolled)?;
        self.enrolled += 1;
        Some(next)
    }

    /// The members who have said yes to the head unit.
    pub fn enrolled(&self) -> &[MemberId] {
        &self.members[..self.enrolled]
    }

    /// Returns whether somebody who drives the car has yet to say yes.
    pub const fn lacks_somebody(&self) -> bool {
        self.enrolled < self.members.len()
    }

    /// Returns whether the bus tells drivers apart.
    pub const fn is_shared(&self) -> bool {
        self.members.len() > 1
    }

    /// The members.
    pub fn members(&self) -> &[MemberId] {
        &self.members
    }

    /// Everybody with his binding, and as the bus names him.
    pub fn bindings(&self) -> impl Iterator<Item = (MemberId, BindingId, Option<DriverTag>)> {
        let named = |nth: usize| self.is_shared().then(|| driver_tag(ISSUER, &subject(nth)));
        let all = self.members.iter().zip(&self.bindings).enumerate();
        all.map(move |(nth, (member, binding))| (*member, *binding, named(nth)))
    }

    /// Returns the member of a binding.
    pub fn member_of(&self, binding: BindingId) -> Option<MemberId> {
        let mut all = self.bindings();
        all.find_map(|(member, of, _)| (of == binding).then_some(member))
    }

    /// The member at the wheel.
    pub fn member_at(&self, wheel: Wheel) -> Option<MemberId> {
        match wheel {
            Wheel::Only => self.members.first().copied(),
            Wheel::Named(nth) => self.members.get(nth).copied(),
            Wheel::Guest => None,
        }
    }

    /// Somebody takes the wheel.
    pub fn somebody(&self, random: &mut SeededRandom) -> Wheel {
        if !self.is_shared() {
            Wheel::Only
        } else if random.one_in(10) {
            Wheel::Guest
        } else {
            let nth = random.range(0, self.members.len() as u64);
            Wheel::Named(usize::try_from(nth).unwrap_or(0))
        }
    }
}

impl Wheel {
    /// Returns the signals with which the bus names the driver.
    pub fn signals(self) -> Vec<(Signal, Value)> {
        let subject = match self {
            Self::Only => return Vec::new(),
            Self::Named(nth) => subject(nth),
            Self::Guest => String::new(),
        };
        vec![
            (Signal::DriverIssuer, Value::Text(ISSUER.to_owned())),
            (Signal::DriverSubject, Value::Text(subject)),
        ]
    }
}

fn subject(nth: usize) -> String {
    format!("driver-{nth}")
}

/// The driver of each metre of a vehicle: from each odometer reading on.
#[derive(Debug, Clone, Default)]
pub struct Log(BTreeMap<u64, Wheel>);

impl Log {
    /// From this reading on he drives.
    pub fn takes_over(&mut self, odometer_m: u64, wheel: Wheel) {
        self.0.insert(odometer_m, wheel);
    }

    /// Returns the metres of a trip that others drove than the one who is paid for them.
    pub fn foreign_m(&self, trip: &Trip, crew: &Crew, payee: MemberId) -> u64 {
        let (from, to) = (trip.odometer.from, trip.odometer.to);
        let before = self.0.range(..from).next_back();
        let mut at = from;
        let mut wheel = before.map_or(Wheel::Only, |(_, wheel)| *wheel);
        let mut foreign = 0;
        let mut add = |wheel: Wheel, metres: u64| {
            if crew.member_at(wheel) != Some(payee) {
                foreign += metres;
            }
        };
        for (odometer_m, next) in self.0.range(from..to) {
            add(wheel, odometer_m - at);
            (at, wheel) = (*odometer_m, *next);
        }
        add(wheel, to - at);
        foreign
    }
}

/// Describes a payment to the wrong member, if it is one: for a clone the vehicle of an entry is not known.
pub fn misdirected(
    transaction: &Transaction,
    payee: MemberId,
    crew: &Crew,
    logs: &[Log],
) -> Option<String> {
    let Transaction::Earn {
        evidence: Evidence::Trip(trip),
        ..
    } = transaction
    else {
        return None;
    };
    let foreign_m = logs.iter().map(|log| log.foreign_m(trip, crew, payee));
    let foreign_m = foreign_m.min()?;
    (foreign_m > STEP_M_MAX).then(|| {
        format!(
            "{foreign_m} m of {:?} were driven by somebody else than {payee}",
            trip.odometer
        )
    })
}
