//! Generated histories of a car.

use dashpoint_telematics::{Sample, Signal};
use proptest::prelude::*;

use super::Car;

/// Something that happens to a car, or to its head unit.
#[derive(Debug, Clone)]
pub enum Event {
    /// Ignition on, drive, ignition off when `parks`.
    Drive {
        seconds: u16,
        mps: u8,
        parks: bool,
    },
    Charge {
        wh: u32,
        steps: u8,
        ends: bool,
    },
    /// The car is charged or driven while the head unit is off.
    Asleep {
        wh: u32,
        metres: u32,
    },
    Wait {
        seconds: u16,
    },
    Odometer {
        metres: i32,
    },
    Driver {
        who: u8,
    },
    /// Energy is given back at 6 kW, a step each ten seconds.
    GiveBack {
        steps: u8,
    },
    /// The head unit dies and comes back with its last checkpoint.
    Crash,
}

pub fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1_u16..300, 0_u8..40, any::<bool>()).prop_map(|(seconds, mps, parks)| Event::Drive { seconds, mps, parks }),
        3 => (0_u32..20_000, 1_u8..20, any::<bool>()).prop_map(|(wh, steps, ends)| Event::Charge { wh, steps, ends }),
        1 => (0_u32..30_000, 0_u32..50_000).prop_map(|(wh, metres)| Event::Asleep { wh, metres }),
        2 => (0_u16..400).prop_map(|seconds| Event::Wait { seconds }),
        1 => (-20_000_i32..20_000).prop_map(|metres| Event::Odometer { metres }),
        1 => (0_u8..3).prop_map(|who| Event::Driver { who }),
        2 => Just(Event::Crash),
    ]
}

/// Lets an event happen. `Asleep` says nothing on the bus.
pub fn happen(car: &mut Car, event: &Event) {
    match *event {
        Event::Drive {
            seconds,
            mps,
            parks,
        } => {
            car.switch_on();
            let speed = |second: u16| f64::from(mps.min(u8::try_from(second.min(250)).unwrap()));
            let rows: Vec<_> = (0..seconds)
                .map(|second| (f64::from(second), speed(second)))
                .collect();
            car.follow(&rows);
            if parks {
                car.wait(1_000);
                car.number(Signal::Speed, 0.0);
                car.switch_off();
            }
        }
        Event::Charge { wh, steps, ends } => {
            car.charge(f64::from(wh) / 1_000.0, steps.into());
            if !ends {
                car.samples.pop();
            }
        }
        Event::Asleep { wh, metres } => {
            car.wait(7_200_000);
            car.charged_kwh += f64::from(wh) / 1_000.0;
            car.odometer_m += f64::from(metres);
            car.wait(7_200_000);
            car.meters();
        }
        Event::Wait { seconds } => car.wait(i64::from(seconds) * 1_000),
        Event::Odometer { metres } => car.odometer_m += f64::from(metres),
        Event::Driver { who } => {
            car.text(Signal::DriverSubject, ["", "lin", "wang"][usize::from(who)]);
        }
        Event::GiveBack { steps } => {
            car.flag(Signal::IsDischarging, true);
            for _ in 0..steps {
                car.number(Signal::BatteryPower, -6_000.0);
                car.wait(10_000);
            }
            car.number(Signal::BatteryPower, 0.0);
            car.flag(Signal::IsDischarging, false);
        }
        Event::Crash => {}
    }
    car.wait(1_000);
}

pub fn history(events: &[Event]) -> Vec<Sample> {
    let mut car = Car::new();
    car.meters();
    car.wait(1_000);
    for event in events {
        happen(&mut car, event);
    }
    // One value of a signal at a time: which of two would count, nobody could say.
    car.samples
        .sort_by_key(|sample| (sample.ts_ms, sample.signal));
    car.samples
        .dedup_by_key(|sample| (sample.ts_ms, sample.signal));
    car.samples
}
