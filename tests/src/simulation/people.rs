//! The actions of people in a car: they drive it, hand it over, charge it, check in, and have its head unit revoked.

use dashpoint::engine::CheckIn;

use super::drivers::Wheel;
use super::vehicle::ScriptStep;
use super::violation::Violation;
use super::world::SimulatedWorld;

impl SimulatedWorld {
    /// Makes the signals of one session of a car.
    pub(super) fn script(&mut self, number: usize) -> Vec<ScriptStep> {
        let mut random = self.random.branch();
        match random.range(0, 10) {
            0..=5 => self.drive(number),
            6..=8 => self.cars[number].vehicle.charge(&mut random),
            _ => Vec::new(),
        }
    }

    fn drive(&mut self, number: usize) -> Vec<ScriptStep> {
        let mut random = self.random.branch();
        let car = &mut self.cars[number];
        let wheel = car.crew.somebody(&mut random);
        let mut said = car.vehicle.drive(&mut random, wheel);
        if !car.crew.is_shared() {
            return said;
        }
        if car
            .wheel
            .replace(wheel)
            .is_some_and(|before| before != wheel)
        {
            self.tally.event("driver changed between drives");
        }
        if random.one_in(5) {
            let next = car.crew.somebody(&mut random);
            car.vehicle.hand_over(&mut said, &mut random, next);
            if car.wheel.replace(next) != Some(next) {
                self.tally.event("driver changed in a drive");
            }
        }
        if wheel == Wheel::Guest {
            self.tally.event("guest drove");
        }
        said
    }

    /// Somebody touches the daily check-in, now and then twice.
    pub(super) fn check_in(&mut self, number: usize) -> Result<(), Violation> {
        let mut touches = if self.random.permille(400) { 1 } else { 0 };
        touches += u64::from(touches > 0 && self.random.one_in(4));
        for _ in 0..touches {
            if !self.cars[number].is_running() {
                return Ok(());
            }
            let mut answer = None;
            self.step(number, |engine| answer = Some(engine.check_in()))?;
            let car = &self.cars[number];
            let (shared, wheel) = (car.crew.is_shared(), car.wheel);
            match answer {
                Some(CheckIn::Done { .. }) if shared => {
                    self.tally.event("checked in by one of two drivers");
                }
                Some(CheckIn::Done { .. }) => self.tally.event("checked in"),
                Some(CheckIn::NothingMore { .. }) => self.tally.event("checked in twice a day"),
                Some(CheckIn::Guest | CheckIn::GuestByCar) => {
                    self.tally.event("check-in of a guest refused");
                }
                Some(CheckIn::OtherVehicle | CheckIn::Refused { .. } | CheckIn::NotNow) | None => {}
            }
            if let (Some(CheckIn::Done { .. }), Some(Wheel::Guest)) = (answer, wheel) {
                // A trip that a crash left open is still its driver's until a live signal ends it.
                self.tally
                    .event("checked in by a guest for who drove before");
            }
        }
        Ok(())
    }

    /// Returns whether a clone has the disk of a car: it does not learn of a driver who is enrolled later.
    fn is_copied(&self, number: usize) -> bool {
        let device = self.cars[number].device;
        let clones = self.cars.iter().filter(|car| car.is_clone);
        clones.into_iter().any(|clone| clone.device == device)
    }

    /// Now and then a head unit is shut out; later its owner enrols it anew.
    pub(super) fn what_the_owner_does(&mut self, number: usize) -> Result<(), Violation> {
        if self.cars[number].is_clone {
            return Ok(());
        }
        if self.cars[number].shut_out {
            if self.random.one_in(3) {
                self.enrol_anew(number)?;
            }
        } else if self.random.permille(8) {
            self.shut_out(number)?;
        } else if self.cars[number].crew.lacks_somebody()
            && !self.cars[number].is_running()
            && !self.is_copied(number)
            && self.mischief.one_in(4)
        {
            self.enrol_late(number)?;
        }
        Ok(())
    }
}
