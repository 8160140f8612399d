//! Golden messages: one short day of a car, as each gateway publishes it.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::message::{Delivery, Garbage, Message};
use crate::meters::CarMeters;
use crate::vehicle::Vehicle;
use crate::vss::{VssSignal, VssValue};

const VIN: &str = "DASHP0NTSEM0R0001";

fn at(second: i64) -> Timestamp {
    let begin: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
    begin + SignedDuration::from_secs(second)
}

fn said(second: i64, signal: VssSignal, value: impl Into<VssValue>) -> Message {
    Message {
        path: signal.path().into(),
        value: value.into(),
        at: at(second),
        clock_ahead: SignedDuration::ZERO,
        delivery: signal.delivery(),
        garbage: None,
    }
}

/// Fifteen seconds of driving, the last of them braking; parked; a kilowatt-hour charged; asleep.
fn day() -> Vec<Message> {
    use VssSignal as Of;
    let mut day = vec![
        said(0, Of::Vin, VIN),
        said(0, Of::AirTemperature, 20.0),
        said(0, Of::Odometer, 12_345_600),
        said(0, Of::ChargedEnergy, 4_000.0),
        said(0, Of::ConsumedEnergy, 3_000.0),
        said(0, Of::StateOfCharge, 60.4),
        said(0, Of::IsMoving, false),
        said(0, Of::IsCharging, false),
        said(0, Of::SelectedGear, 126),
        said(0, Of::Ignition, "OFF"),
        said(10, Of::SelectedGear, 127),
        said(10, Of::Ignition, "ON"),
        said(10, Of::Speed, 0.0),
    ];
    for second in 11..=24 {
        let driven = second - 10;
        let is_last = second == 24;
        #[expect(clippy::cast_precision_loss, reason = "seconds of a minute")]
        let energy = 3_000.0 + 0.0025 * driven as f64 - if is_last { 0.005 } else { 0.0 };
        day.extend([
            said(second, Of::Speed, if is_last { 0.0 } else { 36.05 }),
            said(second, Of::IsMoving, !is_last),
            said(
                second,
                Of::BatteryPower,
                if is_last { 9_000.0 } else { -9_000.0 },
            ),
            said(second, Of::Odometer, 12_345_600 + 10 * driven),
            said(second, Of::ConsumedEnergy, energy),
        ]);
    }
    day.extend([
        said(25, Of::SelectedGear, 126),
        said(26, Of::BatteryPower, 0.0),
        said(26, Of::Ignition, "OFF"),
        said(60, Of::EvseId, "CNTSTE000001"),
        said(60, Of::RenewablePercentage, 80),
        said(61, Of::IsCharging, true),
        said(61, Of::ChargingAveragePower, 6.48),
        said(61, Of::ChargingPowerLoss, 720.0),
        said(61, Of::BatteryPower, 6_480.0),
        said(300, Of::ChargedEnergy, 4_000.5),
        said(300, Of::StateOfCharge, 61.2),
        said(600, Of::ChargedEnergy, 4_001.0),
        said(600, Of::StateOfCharge, 62.0),
        said(601, Of::BatteryPower, 0.0),
        said(601, Of::IsCharging, false),
        said(3_600, Of::DayNight, "DAY"),
    ]);
    day
}

fn translated(gateway: Gateway, messages: &[Message]) -> Vec<GatewayMessage> {
    let meters = CarMeters {
        regained_kwh: 100.0,
        wallbox_kwh: 4_000.0 / 0.9,
        ..CarMeters::new(&Vehicle::bolt())
    };
    Translator::new(gateway, VIN, 0.9, &meters).translate(messages)
}

/// A message a line: its second, its delivery, its topic and its payload.
fn lines(messages: &[GatewayMessage]) -> String {
    let mut text = String::new();
    for message in messages {
        let second = message.at.duration_since(at(0)).as_secs();
        let delivery = match message.delivery {
            Delivery::Sample => "0 ",
            Delivery::State => "1r",
            Delivery::Kept => "0r",
        };
        let (topic, payload) = (&message.topic, &message.payload);
        writeln!(text, "{second:4} {delivery} {topic} {payload}").unwrap();
    }
    text
}

/// Long hours of the same make no better golden: at most so many lines.
fn golden(gateway: Gateway, most: usize) -> String {
    let all = lines(&translated(gateway, &day()));
    let kept: Vec<&str> = all.lines().take(most).collect();
    kept.join("\n")
}

macro_rules! golden {
    ($($test:ident $gateway:ident $most:literal)*) => {
        $(
            #[test]
            fn $test() {
                insta::assert_snapshot!(golden(Gateway::$gateway, $most));
            }
        )*
    };
}

golden! {
    tesla_mate_speaks_as_it_does TeslaMate 120
    ovms_speaks_as_it_does Ovms 120
    ovms_with_a_session_counter OvmsSession 60
    fleet_telemetry_speaks_as_it_does FleetTelemetry 120
    bmw_cardata_speaks_as_it_does BmwCardata 40
    bmw_mqtt_bridge_speaks_as_it_does BmwMqttBridge 60
    wican_speaks_as_it_does Wican 12
    evcc_speaks_as_it_does Evcc 40
    openwb_speaks_as_it_does OpenWb 60
    viss_speaks_as_it_does Viss 30
    kuksa_speaks_as_it_did KuksaOnChange 40
    a_slow_cloud_speaks_seldom SlowCloud 30
}

/// The values of a topic that ends so, with their seconds.
fn values(gateway: Gateway, messages: &[Message], ends: &str) -> Vec<(i64, String)> {
    let all = translated(gateway, messages);
    let its = all.iter().filter(|message| message.topic.ends_with(ends));
    its.map(|message| {
        let second = message.at.duration_since(at(0)).as_secs();
        (second, message.payload.clone())
    })
    .collect()
}

#[test]
fn what_the_car_does_is_said_in_the_end() {
    for (gateway, ends, last) in [
        (Gateway::TeslaMate, "/state", "asleep"),
        (Gateway::TeslaMate, "/charge_energy_added", "1.0"),
        (Gateway::TeslaMate, "/odometer", "12345.74"),
        (Gateway::TeslaMate, "/speed", "0"),
        (Gateway::Ovms, "/v/e/on", "no"),
        (Gateway::Ovms, "/v/c/kwh", "1"),
        (Gateway::Ovms, "/v/c/kwh/grid/total", "4445.56"),
        (Gateway::FleetTelemetry, "/DriveRail", "false"),
        (Gateway::FleetTelemetry, "/VehicleSpeed", "null"),
        (Gateway::FleetTelemetry, "/ACChargingEnergyIn", "1"),
        (Gateway::Evcc, "/chargeTotalImport", "4445.556"),
        (Gateway::Evcc, "/chargedEnergy", "1111.111"),
        (Gateway::OpenWb, "/imported", "4445555.56"),
    ] {
        let said = values(gateway, &day(), ends);
        assert_eq!(said.last().unwrap().1, last, "{gateway:?} {ends}");
    }
    assert!(values(Gateway::OvmsSession, &day(), "/grid/total").is_empty());
}

#[test]
fn gross_less_regained_is_what_was_used() {
    let of = |field| -> f64 {
        let said = values(Gateway::FleetTelemetry, &day(), field);
        said.last().unwrap().1.parse().unwrap()
    };
    let (used, regained) = (of("/LifetimeEnergyUsed"), of("/LifetimeEnergyGainedRegen"));
    assert!(
        (used - regained - 3_000.03).abs() < 0.002,
        "{used} {regained}"
    );
    assert!((regained - 100.0025).abs() < 0.001, "{regained}");
}

#[test]
fn another_meter_gives_nothing_back() {
    let mut messages = day();
    let consumed = |second, kwh: f64| said(second, VssSignal::ConsumedEnergy, kwh);
    // The code for no value and the value again; then a meter that begins at 0.
    messages.push(consumed(3_610, 4_294_967_295.0));
    messages.push(consumed(3_620, 3_000.03));
    messages.push(consumed(3_630, 0.0));
    messages.push(said(3_700, VssSignal::DayNight, "NIGHT"));
    let of = |field| -> f64 {
        let said = values(Gateway::FleetTelemetry, &messages, field);
        said.last().unwrap().1.parse().unwrap()
    };
    let (used, regained) = (of("/LifetimeEnergyUsed"), of("/LifetimeEnergyGainedRegen"));
    assert!((regained - 100.0025).abs() < 0.001, "{regained}");
    assert!((used - regained).abs() < 0.001, "{used}");
}

#[test]
fn a_wallbox_counts_what_it_gives() {
    let mut messages = day();
    let charged = |second, kwh: f64| said(second, VssSignal::ChargedEnergy, kwh);
    let charging = |second, is_on: bool| said(second, VssSignal::IsCharging, is_on);
    messages.extend([
        // Asleep at some other place, another meter, and a charge at DC, which has no losses.
        charged(3_700, 4_011.0),
        charged(3_800, 12.5),
        charging(3_900, true),
        said(3_900, VssSignal::ChargingPowerLoss, 0.0),
        charged(4_000, 22.5),
        charging(4_001, false),
        charging(4_100, true),
        said(4_100, VssSignal::ChargingPowerLoss, 720.0),
        charged(4_150, 4_294_967_295.0),
        charged(4_160, 22.5),
        charged(4_200, 24.3),
        charging(4_201, false),
        said(4_300, VssSignal::DayNight, "NIGHT"),
    ]);
    // 4,000 kWh before, 1 kWh of the day and 1.8 kWh at the end, each by 0.9.
    for (gateway, ends, last) in [
        (Gateway::Evcc, "/chargeTotalImport", "4447.556"),
        (Gateway::OpenWb, "/imported", "4447555.56"),
    ] {
        let said = values(gateway, &messages, ends);
        assert_eq!(said.last().unwrap().1, last, "{gateway:?} {ends}");
        let numbers: Vec<f64> = said.iter().map(|(_, text)| text.parse().unwrap()).collect();
        assert!(numbers.is_sorted(), "{gateway:?} {numbers:?}");
    }
}

#[test]
fn a_look_takes_its_time() {
    let driving = values(Gateway::TeslaMate, &day(), "/state");
    // Looked at each 15 s while it stands, each 20 s while it charges with 7.2 kW, and 15 min later it sleeps.
    let expected = [
        (0, "online"),
        (15, "driving"),
        (27, "online"),
        (72, "charging"),
        (612, "online"),
        (1512, "asleep"),
    ];
    let said: Vec<(i64, &str)> = driving
        .iter()
        .map(|(at, word)| (*at, word.as_str()))
        .collect();
    assert_eq!(said, expected);
    let speeds = values(Gateway::Ovms, &day(), "/v/p/speed");
    let seconds: Vec<i64> = speeds.iter().map(|(second, _)| *second).collect();
    assert!(seconds.starts_with(&[10, 16]), "{seconds:?}");
}

#[test]
fn nonsense_does_not_get_through() {
    let mut messages = day();
    for message in &mut messages {
        if message.path == VssSignal::Speed.path() {
            message.garbage = Some(Garbage::Text);
        }
    }
    for gateway in Gateway::ALL {
        let said = translated(gateway, &messages);
        let has = |part: &str| said.iter().any(|message| message.payload.contains(part));
        assert!(!has("no data point"), "{gateway:?}");
        assert!(!has("36.05") && !has("Vehicle.Speed"), "{gateway:?}");
    }
}

#[test]
fn a_wrong_clock_is_said_and_nothing_else_moves() {
    let mut messages = day();
    for message in &mut messages {
        message.clock_ahead = SignedDuration::from_hours(1);
    }
    for gateway in Gateway::ALL {
        let (right, wrong) = (translated(gateway, &day()), translated(gateway, &messages));
        assert_eq!(right.len(), wrong.len());
        for (right, wrong) in right.iter().zip(&wrong) {
            assert_eq!((right.at, &right.topic), (wrong.at, &wrong.topic));
            let ahead = wrong.stamp.duration_since(right.stamp);
            let expected = if gateway.says_times() { 1 } else { 0 };
            assert_eq!(ahead, SignedDuration::from_hours(expected), "{gateway:?}");
        }
    }
}

#[test]
fn stamps_are_the_times_of_payloads() {
    let mut messages = day();
    for message in &mut messages {
        message.at += SignedDuration::from_millis(472);
    }
    let with_times = Gateway::ALL.into_iter().filter(|of| of.says_times());
    for gateway in with_times.filter(|of| *of != Gateway::Vss) {
        for said in translated(gateway, &messages) {
            let stamp = said.stamp;
            assert_eq!(stamp.subsec_nanosecond(), 0, "{gateway:?} {stamp}");
            assert!(said.payload.contains(&format!("{stamp:.0}")), "{said:?}");
        }
    }
}

#[test]
fn names_are_found_again() {
    for gateway in Gateway::ALL {
        let name = gateway.name();
        let same: Vec<_> = Gateway::ALL
            .iter()
            .filter(|other| other.name() == name)
            .collect();
        assert_eq!(same, [&gateway]);
        assert!(!gateway.about().is_empty());
    }
}
