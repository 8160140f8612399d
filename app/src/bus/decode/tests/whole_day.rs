//! A day of the simulated car behind each gateway, heard by the shipped mapping and folded: what is found of it today.
//!
//! `--nocapture` prints a line for each gateway. What a gateway says on arrival is stamped in simulated time.

use dashpoint_membership::{DEFAULT_POLICY_TOML, Evidence, Policy};
use dashpoint_telematics::{DriveState, Marks, Outcome, Sample, Settings, Telematics};
use vehicle_sim::Gateway;

use super::simulated::{Said, play, shipped};
use super::*;

/// Fifty kilometres in one drive, ten minutes parked, two charges.
const DAY: &str = r#"
about = "a drive and two charges"

[[step]]
sleep = { for = "10m" }

[[step]]
drive = { cycle = "wltc-3b" }

[[step]]
drive = { cycle = "hwfet" }

[[step]]
drive = { cycle = "udds" }

[[step]]
sleep = { for = "10m" }

[[step]]
charge = { kwh = 20.24, renewable = 80 }

[[step]]
sleep = { for = "15m" }

[[step]]
charge = { kwh = 2.53, renewable = 80 }

[[step]]
sleep = { for = "2h" }
"#;

/// The engine tells of the quiet of the bus each second, for a quarter of an hour in a trip, and of all of it before the next word.
const QUIET_EVERY_MS: i64 = 1_000;

/// The findings of a day.
#[derive(Debug, Default)]
struct FoundDay {
    trips: usize,
    metres: u64,
    driving_min: u32,
    missed_s: u32,
    charges_wh: Vec<u64>,
    parked: bool,
}

struct Listener {
    telematics: Telematics,
    found: FoundDay,
}

impl Listener {
    fn new() -> Self {
        let policy: Policy = toml::from_str(DEFAULT_POLICY_TOML).unwrap();
        Self {
            telematics: Telematics::new(Settings::new(&policy, 480), Marks::default()),
            found: FoundDay::default(),
        }
    }

    fn quiet(&mut self, for_ms: i64) {
        let told = (QUIET_EVERY_MS..=for_ms.min(Telematics::QUIET_MS_MAX)).step_by(1_000);
        let whole = Some(for_ms).filter(|for_ms| *for_ms > Telematics::QUIET_MS_MAX);
        for quiet_ms in told.chain(whole) {
            let outcomes = self.telematics.quiet(quiet_ms);
            self.keep(outcomes);
        }
    }

    fn keep(&mut self, outcomes: Vec<Outcome>) {
        for outcome in outcomes {
            let Outcome::Finished(finished) = outcome else {
                continue;
            };
            match &finished.evidence {
                Evidence::Trip(trip) => {
                    self.found.trips += 1;
                    self.found.metres += trip.odometer.length();
                    self.found.driving_min += trip.driving.minutes();
                    self.found.missed_s += trip.missed_s;
                }
                Evidence::Charge(charge) => self.found.charges_wh.push(charge.charged.length()),
                Evidence::Discharge(_) => {}
            }
        }
    }
}

fn found(gateway: Gateway, said: &[Said]) -> FoundDay {
    let mut bus = Bus::of(shipped(gateway));
    let mut listener = Listener::new();
    let mut last_ms = None;
    for message in said {
        let at_ms = message.at.as_millisecond();
        listener.quiet(at_ms - last_ms.unwrap_or(at_ms));
        last_ms = Some(at_ms);
        bus.now_ms = at_ms;
        for input in bus.inputs(&message.topic, message.payload.as_bytes()) {
            if let BusInput::Sample {
                signal,
                value,
                ts_ms,
                retained,
            } = input
            {
                let outcomes = listener.telematics.observe(&Sample {
                    signal,
                    value,
                    ts_ms: ts_ms.unwrap_or(at_ms),
                    retained,
                });
                listener.keep(outcomes);
            }
        }
    }
    listener.quiet(Telematics::QUIET_MS_MAX);
    listener.found.parked = listener.telematics.drive_state() == DriveState::Parked;
    listener.found
}

/// Watt-hours of both charges in the battery, and at the meter of the charging point.
const BATTERY_WH: u64 = 22_770;
const GRID_WH: u64 = 25_300;

/// The least that is found of a day: its one trip or none, the seconds of it that nobody saw, and the energy by the counter that is
/// mapped. A gateway that says no speed tells nothing of the time.
const FOUND: [(Gateway, Option<u32>, Option<u64>); 13] = [
    (Gateway::Vss, Some(0), Some(BATTERY_WH)),
    (Gateway::TeslaMate, Some(10), None),
    (Gateway::Ovms, Some(10), None),
    (Gateway::OvmsSession, Some(10), None),
    (Gateway::FleetTelemetry, Some(10), None),
    (Gateway::BmwCardata, Some(3_960), Some(GRID_WH)),
    (Gateway::BmwMqttBridge, Some(3_960), Some(GRID_WH)),
    (Gateway::Wican, Some(10), None),
    (Gateway::Evcc, None, Some(GRID_WH)),
    (Gateway::OpenWb, None, Some(GRID_WH)),
    (Gateway::Viss, Some(0), Some(BATTERY_WH)),
    (Gateway::KuksaOnChange, Some(10), Some(BATTERY_WH)),
    // It is invented: the programs of its kind have no counter. The odometer of its first answer in a drive is read before the ignition
    // is known to be on, so that two of the kilometres are missing.
    (Gateway::SlowCloud, None, Some(BATTERY_WH)),
];

/// The coarsest steps of an odometer and of a counter of energy.
const STEP_M: f64 = 1_000.0;
const STEP_WH: u64 = 100;

#[test]
fn a_day_is_found_behind_each_gateway() {
    assert_eq!(FOUND.map(|(gateway, ..)| gateway), Gateway::ALL);
    for (gateway, missed_s, due_wh) in FOUND {
        let day = play(gateway, DAY);
        let found = found(gateway, &day.said);
        println!(
            "{:15} {} trips, {:5} of {:.0} m, {} min driven, {} s missed, {:?} Wh",
            gateway.name(),
            found.trips,
            found.metres,
            day.driven_m,
            found.driving_min,
            found.missed_s,
            found.charges_wh,
        );
        #[expect(clippy::cast_precision_loss, reason = "metres of a day")]
        let metres = found.metres as f64;
        assert!(metres <= day.driven_m + STEP_M, "{gateway:?}: {metres}");
        if let Some(missed_s) = missed_s {
            let apart_m = (metres - day.driven_m).abs();
            assert!(apart_m <= day.driven_m * 0.01, "{gateway:?}: {found:?}");
            assert_eq!(found.trips, 1, "{gateway:?}: {found:?}");
            assert!(found.missed_s <= missed_s, "{gateway:?}: {found:?}");
        }
        let charged_wh: u64 = found.charges_wh.iter().sum();
        let due_wh = due_wh.unwrap_or(0);
        assert!(charged_wh <= due_wh + STEP_WH, "{gateway:?}: {found:?}");
        assert!(charged_wh + STEP_WH >= due_wh, "{gateway:?}: {found:?}");
        // A charging point does not know whether the car moves.
        let is_car = !matches!(gateway, Gateway::Evcc | Gateway::OpenWb);
        assert_eq!(found.parked, is_car, "{gateway:?}");
    }
}
