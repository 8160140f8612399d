//! What the commands publish, worked out without a broker.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod support;

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use support::{number, numbers, of, shared};
use vehicle_sim::{
    Command, Cycle, Delivery, Endpoint, EnergySource, Options, Plan, SimError, SimulatedCharge,
    Simulator, VssSignal, VssValue,
};

const G: f64 = 9.806_65;

fn simulator() -> Simulator {
    let now = "2026-11-22T03:00:00Z".parse().unwrap();
    let mut options = Options::new(Endpoint::local(1), now);
    options.zone = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap();
    Simulator::new(options).unwrap()
}

fn charge(kwh: f64) -> Command {
    let source = EnergySource::Iso15118;
    Command::Charge(SimulatedCharge {
        kwh,
        renewable_percent: 80,
        source,
        dc: false,
    })
}

fn replay(file: PathBuf) -> Command {
    Command::Replay {
        file,
        keep_time: false,
        with_position: false,
    }
}

fn km(plan: &Plan) -> f64 {
    let odometer = numbers(plan, VssSignal::Odometer);
    (odometer.last().unwrap() - odometer.first().unwrap()) / 1000.0
}

/// By how much a signal has risen from its first value to its last.
fn rise(plan: &Plan, signal: VssSignal) -> f64 {
    let values = numbers(plan, signal);
    values.last().unwrap() - values.first().unwrap()
}

/// Seconds of backward acceleration above 0.3 g and above 0.1 g.
fn braking(plan: &Plan) -> (usize, usize) {
    let accelerations = numbers(plan, VssSignal::LongitudinalAcceleration);
    let above = |g: f64| accelerations.iter().filter(|a| -**a > g * G).count();
    (above(0.3), above(0.1))
}

#[test]
fn cycles_have_their_distance_and_their_braking() {
    for (cycle, expected_km, hard, all) in [
        (Cycle::Udds, 11.990, 0, 121),
        (Cycle::Hwfet, 16.507, 0, 13),
        (Cycle::Us06, 12.888, 2, 72),
        (Cycle::Wltc3b, 23.266, 0, 94),
    ] {
        let plan = simulator().plan(&Command::Drive(cycle)).unwrap();
        assert!(
            (km(&plan) - expected_km).abs() < 0.002,
            "{}: {}",
            cycle.name(),
            km(&plan)
        );
        assert_eq!(braking(&plan), (hard, all), "{}", cycle.name());
        let by_speed: f64 = numbers(&plan, VssSignal::Speed)
            .iter()
            .map(|kmh| kmh / 3600.0)
            .sum();
        assert!(
            (by_speed - expected_km).abs() < 0.001,
            "{}: {by_speed}",
            cycle.name()
        );
    }
}

#[test]
fn energy_is_that_of_a_real_car() {
    let per_100_km = |celsius, cycle| {
        let mut simulator = simulator();
        simulator.options_mut().celsius = celsius;
        let plan = simulator.plan(&Command::Drive(cycle)).unwrap();
        rise(&plan, VssSignal::ConsumedEnergy) * 100.0 / km(&plan)
    };
    let wltc = per_100_km(20.0, Cycle::Wltc3b);
    assert!((12.0..=20.0).contains(&wltc), "WLTC {wltc} kWh/100 km");
    assert!(per_100_km(20.0, Cycle::Us06) > wltc);
    let frost = per_100_km(-10.0, Cycle::Wltc3b);
    assert!(
        (1.2..1.8).contains(&(frost / wltc)),
        "frost {frost}, {wltc}"
    );
}

#[test]
fn power_counters_and_state_of_charge_tell_one_story() {
    let drives = Cycle::ALL.into_iter().map(Command::Drive);
    for command in drives.chain([charge(7.0)]) {
        let plan = simulator().plan(&command).unwrap();
        // What is measured at a time has held since the time before.
        let power = of(&plan, VssSignal::BatteryPower);
        let joules = power.windows(2).map(|pair| {
            let seconds = pair[1].at.duration_since(pair[0].at).as_secs_f64();
            number(&pair[1].value) * seconds
        });
        let power_kwh = joules.sum::<f64>() / 3_600_000.0;
        let stored_kwh = rise(&plan, VssSignal::StateOfCharge) / 100.0 * 60.0;
        let counted_kwh =
            rise(&plan, VssSignal::ChargedEnergy) - rise(&plan, VssSignal::ConsumedEnergy);
        let agree = |a: f64, b: f64| (a - b).abs() <= 0.01 * b.abs();
        assert!(agree(power_kwh, stored_kwh), "{power_kwh} {stored_kwh}");
        assert!(agree(counted_kwh, stored_kwh), "{counted_kwh} {stored_kwh}");
    }
}

#[test]
fn braking_charges_nothing_and_gives_back_what_was_consumed() {
    let plan = simulator().plan(&Command::Drive(Cycle::Udds)).unwrap();
    assert_eq!(numbers(&plan, VssSignal::ChargedEnergy), [0.0]);
    let consumed = numbers(&plan, VssSignal::ConsumedEnergy);
    let back: f64 = consumed
        .windows(2)
        .map(|pair| (pair[0] - pair[1]).max(0.0))
        .sum();
    let power = numbers(&plan, VssSignal::BatteryPower);
    let regained = power.iter().map(|watts| watts.max(0.0)).sum::<f64>() / 3_600_000.0;
    assert!(
        (back - regained).abs() < 1e-9 && back > 0.2,
        "{back} {regained}"
    );
}

#[test]
fn the_recorded_day_keeps_its_gaps() {
    let Some(file) = shared("drives/cmap-4107032_1-2007-05-25.csv") else {
        return;
    };
    let plan = simulator().plan(&replay(file)).unwrap();
    assert!((km(&plan) - 141.5).abs() < 0.005 * 141.5, "{}", km(&plan));
    assert_eq!(braking(&plan), (8, 745));
    let speeds = of(&plan, VssSignal::Speed);
    assert_eq!(speeds.len(), 10_330);
    let second = SignedDuration::from_secs(1);
    let mut gaps = 0;
    for pair in speeds.windows(2) {
        if pair[1].at.duration_since(pair[0].at) > second {
            gaps += 1;
            let across = |signal| {
                let standing = of(&plan, signal).into_iter();
                standing
                    .filter(|m| m.at > pair[0].at && m.at <= pair[1].at)
                    .count()
            };
            assert_eq!(across(VssSignal::Odometer), 0, "the odometer stands still");
            assert_eq!(
                across(VssSignal::LongitudinalAcceleration),
                0,
                "nobody measured it"
            );
        }
    }
    assert_eq!(gaps, 55);
    let silent = plan
        .messages
        .windows(2)
        .any(|pair| pair[1].at.duration_since(pair[0].at) > second * 10_000);
    assert!(silent, "the gap of 10,730 s is silence");
    assert_eq!(
        of(&plan, VssSignal::Ignition).len(),
        2,
        "on once, off once: the head unit must see the gaps"
    );
}

#[test]
fn a_replay_ends_now_unless_told_otherwise() {
    let Some(file) = shared("drives/cmap-4107032_1-2007-05-25.csv") else {
        return;
    };
    let mut simulator = simulator();
    // It parks after its last row, which is at 03:00.
    let (_, end) = simulator.plan(&replay(file.clone())).unwrap().span();
    assert_eq!(end.to_string(), "2026-11-22T03:00:02Z");
    let morning: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
    simulator.options_mut().start = Some(morning);
    let (begin, _) = simulator.plan(&replay(file.clone())).unwrap().span();
    assert_eq!(begin, morning);
    simulator.options_mut().start = None;
    simulator.options_mut().zone = jiff::tz::TimeZone::get("America/Chicago").unwrap();
    let kept = Command::Replay {
        file,
        keep_time: true,
        with_position: false,
    };
    assert_eq!(
        simulator.plan(&kept).unwrap().span().0.to_string(),
        "2007-05-25T14:05:16Z"
    );
}

#[test]
fn recorded_signals_become_a_drive_without_a_position() {
    let Some(file) = shared("drives/covesa-cv-recording.csv") else {
        return;
    };
    let plan = simulator().plan(&replay(file.clone())).unwrap();
    assert!(
        plan.messages
            .iter()
            .all(|message| !message.path.contains("Location"))
    );
    let speed = numbers(&plan, VssSignal::Speed);
    assert_eq!(speed.len(), 472 + 1, "and the stop");
    assert!((1.0..10.0).contains(&km(&plan)), "{}", km(&plan));
    let with = Command::Replay {
        file,
        keep_time: false,
        with_position: true,
    };
    let plan = simulator().plan(&with).unwrap();
    let latitudes = plan
        .messages
        .iter()
        .filter(|m| m.path == "Vehicle.CurrentLocation.Latitude")
        .count();
    assert_eq!(latitudes, 471);
}

#[test]
fn a_drive_begins_and_ends_as_a_drive_does() {
    let plan = simulator().plan(&Command::Drive(Cycle::Us06)).unwrap();
    let values = |signal| -> Vec<VssValue> {
        of(&plan, signal)
            .into_iter()
            .map(|message| message.value.clone())
            .collect()
    };
    assert_eq!(
        values(VssSignal::Ignition),
        [VssValue::from("ON"), VssValue::from("OFF")]
    );
    assert_eq!(
        values(VssSignal::SelectedGear),
        [VssValue::Int(127), VssValue::Int(126)]
    );
    assert_eq!(
        values(VssSignal::ParkingBrake),
        [VssValue::Bool(false), VssValue::Bool(true)]
    );
    assert_eq!(
        number(&of(&plan, VssSignal::Speed).last().unwrap().value),
        0.0
    );
    let (first, last) = plan.span();
    assert_eq!(last.duration_since(first), SignedDuration::from_secs(602));
    let ends = plan.messages.last().unwrap();
    assert_eq!(
        (ends.path.as_ref(), ends.delivery),
        (VssSignal::Ignition.path(), Delivery::State)
    );
    assert!(plan.messages.is_sorted_by_key(|message| message.at));
}

#[test]
fn a_recording_cut_off_at_speed_is_brought_to_a_gentle_stop() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cut.csv");
    std::fs::write(&file, "second,m/s\n0,20\n1,20\n").unwrap();
    let plan = simulator().plan(&replay(file)).unwrap();
    assert_eq!(*numbers(&plan, VssSignal::Speed).last().unwrap(), 0.0);
    assert_eq!(braking(&plan), (0, 0));
}

#[test]
fn a_charge_ends_at_exactly_its_energy() {
    let plan = simulator().plan(&charge(18.0)).unwrap();
    let charged = numbers(&plan, VssSignal::ChargedEnergy);
    assert_eq!((charged[0], *charged.last().unwrap()), (0.0, 18.0));
    assert!(charged.is_sorted());
    assert_eq!(
        *numbers(&plan, VssSignal::RenewableEnergy).last().unwrap(),
        14.4
    );
    assert_eq!(
        *numbers(&plan, VssSignal::StateOfCharge).last().unwrap(),
        90.0
    );
    // 18 kWh at 7.2 kW less a tenth are 10,000 s, every ten seconds.
    assert_eq!(charged.len(), 1 + 1_000);
    let charging: Vec<&VssValue> = of(&plan, VssSignal::IsCharging)
        .into_iter()
        .map(|message| &message.value)
        .collect();
    assert_eq!(
        charging,
        [
            &VssValue::Bool(false),
            &VssValue::Bool(true),
            &VssValue::Bool(false)
        ]
    );
    let (first, last) = plan.span();
    assert_eq!(
        last.duration_since(first),
        SignedDuration::from_secs(10_002)
    );
    let power = numbers(&plan, VssSignal::BatteryPower);
    assert!(
        power[..power.len() - 1]
            .iter()
            .all(|watts| (*watts - 6_480.0).abs() < 1e-6)
    );
    assert_eq!(*power.last().unwrap(), 0.0);
    let position = |signal: VssSignal| {
        plan.messages
            .iter()
            .position(|m| m.path == signal.path())
            .unwrap()
    };
    let begins = plan
        .messages
        .iter()
        .position(|m| m.path == VssSignal::IsCharging.path() && m.value == VssValue::Bool(true));
    for told_before in [
        VssSignal::EvseId,
        VssSignal::RenewablePercentage,
        VssSignal::EnergyMixSource,
        VssSignal::CarbonIntensity,
    ] {
        assert!(
            Some(position(told_before)) < begins,
            "{}",
            told_before.path()
        );
    }
}

#[test]
fn what_comes_back_as_seen_is_what_was_sent() {
    let odd = Command::Charge(SimulatedCharge {
        kwh: 17.123_456,
        renewable_percent: 33,
        source: EnergySource::Site,
        dc: true,
    });
    for message in simulator().plan(&odd).unwrap().messages {
        let json: serde_json::Value = serde_json::from_str(&message.payload()).unwrap();
        let ts: Timestamp = json["ts"].as_str().unwrap().parse().unwrap();
        assert_eq!(ts, message.at, "no more than milliseconds");
    }
}

#[test]
fn the_same_arguments_give_the_same_messages() {
    for command in [Command::Drive(Cycle::Udds), charge(7.0)] {
        assert_eq!(
            simulator().plan(&command).unwrap(),
            simulator().plan(&command).unwrap()
        );
    }
}

#[test]
fn an_omitted_signal_is_not_published_and_a_misspelt_one_is_refused() {
    let mut simulator = simulator();
    let acceleration = VssSignal::LongitudinalAcceleration;
    simulator.options_mut().omit = [acceleration.path().to_owned()].into();
    let plan = simulator.plan(&Command::Drive(Cycle::Us06)).unwrap();
    assert!(of(&plan, acceleration).is_empty());
    simulator.options_mut().omit = ["Vehicle.Sped".to_owned()].into();
    let error = simulator.plan(&Command::Drive(Cycle::Us06)).unwrap_err();
    assert!(matches!(error, SimError::OmitsNothing { .. }) && error.is_usage());
}

#[test]
fn the_battery_has_bounds() {
    let mut simulator = simulator();
    assert!(matches!(
        simulator.plan(&charge(24.1)),
        Err(SimError::BatteryFull { .. })
    ));
    simulator.options_mut().charge_percent = Some(1.0);
    assert!(
        matches!(simulator.plan(&Command::Drive(Cycle::Us06)), Err(SimError::BatteryEmpty { km }) if km > 1.0)
    );
    assert!(simulator.plan(&charge(59.0)).is_ok());
    for kwh in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(
            simulator.plan(&charge(kwh)).unwrap_err().is_usage(),
            "{kwh}"
        );
    }
}

#[test]
fn speed_tables_have_no_time_to_keep() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("table.csv");
    std::fs::write(&file, "second,m/s\n0,0\n1,1\n").unwrap();
    let command = Command::Replay {
        file,
        keep_time: true,
        with_position: false,
    };
    assert!(simulator().plan(&command).unwrap_err().is_usage());
}
