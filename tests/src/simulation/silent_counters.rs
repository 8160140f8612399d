//! Counters that say that they have no reading, and the marks that must not be raised by it.

use dashpoint_membership::{Meter, MeterNumber};
use dashpoint_telematics::{Signal, Value};

use super::planted::Planted;
use super::vehicle::ScriptStep;
use super::violation::Violation;
use super::world::SimulatedWorld;

/// All ones in the width of a counter: 32 bits of metres, and 16 bits of a tenth of a kilowatt-hour.
const NO_METRES: u32 = u32::MAX;
const NO_WATT_HOURS: u32 = 6_553_500;
/// Time between two words, in milliseconds.
const EVERY_MS: u64 = 150;

impl SimulatedWorld {
    /// At times the counters of a car that has woken up are not available for a second.
    pub(super) fn what_counters_do_not_say(&mut self, number: usize) -> Result<(), Violation> {
        let is_planted = self.planted == Some(Planted::MarkOfNothing);
        if !self.plays(&[Planted::MarkOfNothing]) || !(is_planted || self.silence.permille(80)) {
            return Ok(());
        }
        let times = self.silence.range(1, 9);
        for ago in (1..=times).rev() {
            if !self.cars[number].is_running() {
                return Ok(());
            }
            let said = ScriptStep {
                after_ms: 0,
                signals: vec![
                    (Signal::Odometer, Value::Number(NO_METRES.into())),
                    (
                        Signal::ChargedEnergy,
                        Value::Number(f64::from(NO_WATT_HOURS) / 1_000.0),
                    ),
                ],
            };
            let at_ms = self.now_ms - ago * EVERY_MS;
            let inputs = self.cars[number].vehicle.say(&said, at_ms);
            self.step(number, |engine| engine.take(inputs.into_iter()))?;
        }
        self.tally.fault("counters not available");
        self.tell(&format!("car {number}: its counters are not available"));
        if is_planted && self.cars[number].is_running() {
            let raised = self.cars[number].raise_first_odometer(NO_METRES.into());
            raised.map_err(|e| Violation::new(format!("the plant failed: {e}")))?;
        }
        self.check_marks(number)
    }

    /// No meter is settled up to a value that stands for none.
    fn check_marks(&mut self, number: usize) -> Result<(), Violation> {
        let car = &mut self.cars[number];
        // The look is the harness's own.
        car.spare(true);
        let marks = car.engine().map(|engine| engine.reader().marks());
        car.spare(false);
        let marks = marks.unwrap_or_else(|| Ok(Default::default()));
        let marks = marks.map_err(|e| Violation::new(format!("unreadable: {e}")))?;
        let vehicle = &car.vehicle;
        for (meter, none, reading) in [
            (Meter::Odometer, NO_METRES, vehicle.odometer_m),
            (Meter::Charged, NO_WATT_HOURS, vehicle.charged_kwh * 1_000.0),
        ] {
            let mark = marks.get(&(meter, MeterNumber::FIRST));
            let is_raised = mark.is_some_and(|mark| *mark >= none.into());
            if is_raised && reading < none.into() {
                return Err(Violation::new(format!(
                    "{} is settled up to {mark:?}, and was read up to {reading}",
                    meter.name()
                )));
            }
        }
        Ok(())
    }
}
