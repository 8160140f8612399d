//! Cars that are not VSS 6.0, and files that are no mappings.

use dashpoint_telematics::{FORMER_PATHS, Value};

use super::*;
use crate::bus::BusInput;
use crate::bus::decode::{BusMessage, Decoder};

mod format_one;

fn number(number: f64) -> Value {
    Value::Number(number)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// The value that one message of a topic says.
fn turned(mapping: &Mapping, topic: &str, value: &str) -> (Signal, Value) {
    let message = BusMessage {
        topic,
        payload: value.as_bytes(),
        retained: false,
    };
    let mut said = Vec::new();
    Decoder::new(mapping).handle(mapping, message, || 0, &mut |input| said.push(input));
    match &said[..] {
        [BusInput::Sample { signal, value, .. }] => (*signal, value.clone()),
        other => panic!("{topic}: {other:?}"),
    }
}

fn of_text(text: &str) -> Mapping {
    Mapping::parse(text, None).unwrap()
}

fn lines(mapping: &Mapping) -> String {
    let lines: Vec<String> = mapping.problems().iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn without_a_file_each_signal_is_where_kuksa_publishes_it() {
    let mapping = Mapping::default();
    for signal in Signal::ALL {
        let topic = format!("vss/{}", signal.path().replace('.', "/"));
        assert_eq!(turned(&mapping, &topic, "1").0, *signal);
    }
    assert!(
        mapping
            .topic_use("vss/Vehicle/CurrentLocation/Latitude")
            .is_none()
    );
    let speed = "vss/Vehicle/Speed";
    assert_eq!(turned(&mapping, speed, "\"53.2\"").1, number(53.2));
    assert_eq!(turned(&mapping, speed, "fast").1, text("fast"));
}

#[test]
fn an_older_tree_is_turned_into_the_newest() {
    let mapping = of_text(include_str!("../../../mapping/vss-5.1.toml"));
    assert_eq!(mapping.problems(), []);
    assert_eq!(
        turned(&mapping, "vss/Vehicle/TraveledDistance", "12345.678"),
        (Signal::Odometer, number(12_345_678.0))
    );
    assert_eq!(
        turned(&mapping, "vss/Vehicle/Driver/Identifier/Subject", "ann"),
        (Signal::DriverSubject, text("ann"))
    );
}

#[test]
fn a_car_of_its_own_is_adapted() {
    let mapping = of_text(include_str!("../../../mapping/example.toml"));
    assert_eq!(mapping.problems(), []);
    for (topic, value, expected) in [
        (
            "can/speed_over_ground",
            "10.0",
            (Signal::Speed, number(36.0)),
        ),
        (
            "can/odometer_tenths",
            "\"123456\"",
            (Signal::Odometer, number(12_345_600.0)),
        ),
        (
            "car7/telemetry/Body/PowerMode",
            "2",
            (Signal::Ignition, text("ON")),
        ),
        (
            "car7/telemetry/Body/PowerMode",
            "\"1\"",
            (Signal::Ignition, text("ACC")),
        ),
        (
            "car7/telemetry/Body/Lever",
            "P",
            (Signal::Gear, number(126.0)),
        ),
        (
            "car7/telemetry/Vehicle/IsMoving",
            "\"true\"",
            (Signal::IsMoving, Value::Bool(true)),
        ),
    ] {
        assert_eq!(turned(&mapping, topic, value), expected, "{topic}");
    }
    let absent = mapping
        .routes()
        .iter()
        .filter(|route| route.topic.is_none())
        .map(|route| route.signal);
    assert_eq!(absent.collect::<Vec<_>>(), [Signal::FrontDistance]);
}

/// A file that was written for an earlier version starts the head unit still.
#[test]
fn signals_that_are_not_used_any_more_are_skipped() {
    let former = FORMER_PATHS.map(|path| format!("[signals.{path:?}]\nabsent = true\n"));
    let mapping = of_text(&former.concat());
    assert_eq!(mapping.problems(), []);
    let used = mapping.routes().iter().map(|route| route.signal);
    assert!(used.eq(Signal::ALL.iter().copied()));
}

#[test]
fn each_wrong_place_is_named_with_what_is_expected() {
    let mapping = of_text(
        r#"
        prefix = "car/#"
        speed = 3
        [signals."Vehicle.CurrentLocation.Latitude"]
        [signals."Vehicle.Speed"]
        unit = "knots"
        [signals."Vehicle.IsMoving"]
        scale = 2
        [signals."Vehicle.TraveledDistance"]
        topic = "same"
        [signals."Vehicle.Acceleration.Lateral"]
        topic = "same"
        [signals."Vehicle.Acceleration.Longitudinal"]
        toppic = "a"
        [signals."Vehicle.Powertrain.TractionBattery.Charging.IsCharging"]
        values = { up = "yes" }
        "#,
    );
    insta::assert_snapshot!(lines(&mapping), @r#"
    line 2: prefix: expected a text without + and #
    line 3: speed: not a key of this file; expected prefix, signals
    line 4: signals."Vehicle.CurrentLocation.Latitude": not a signal that Dashpoint uses; expected a VSS 6.0 path of `dashpoint check-mapping`
    line 6: signals."Vehicle.Speed": unit: "knots"; expected one of km/h, m/s, mph
    line 8: signals."Vehicle.IsMoving": scale, offset: the signal is no number
    line 11: signals."Vehicle.Acceleration.Lateral": topic "same" is another signal's already; one topic for several signals needs `format = 2`
    line 14: signals."Vehicle.Acceleration.Longitudinal": toppic: not a key of this table: did you mean `topic`?
    line 16: signals."Vehicle.Powertrain.TractionBattery.Charging.IsCharging": values: found "yes"; expected them to stand for true or false
    "#);
    assert_eq!(turned(&mapping, "same", "1").0, Signal::Odometer);
}

#[test]
fn newer_keys_need_the_format_number() {
    let mapping =
        of_text("vehicle = \"1\"\n[signals.\"Vehicle.Speed\"]\nunit = \"m/s\"\nvalue = \"/v\"\n");
    insta::assert_snapshot!(lines(&mapping), @r#"
    line 1: vehicle: a key of format 2; write `format = 2` in the first line of the file
    line 4: signals."Vehicle.Speed": value: a key of format 2; write `format = 2` in the first line of the file
    "#);
    insta::assert_snapshot!(lines(&of_text("format = 3")), @"line 1: format: found 3; this version reads formats 1 and 2: update it, or write `format = 2`");
}

#[test]
fn mistakes_say_what_to_write() {
    let mapping = of_text(
        r#"format = 2
        [signals."Vehicle.Spede"]
        [signals."Vehicle.Speed"]
        value = "data.x"
        [signals."Vehicle.IsMoving"]
        vallue = "/x"
        [signals."Vehicle.TraveledDistance"]
        time = "/t"
        [signals."Vehicle.LowVoltageSystemState"]
        values = { " an " = "ON" }
        [signals."Vehicle.Powertrain.Transmission.SelectedGear"]
        values = { "1" = 1, "1.0" = 2 }
        [signals."Vehicle.Acceleration.Lateral"]
        topic = "cars/+/lateral"
        [signals."Vehicle.Acceleration.Longitudinal"]
        value = "/a"
        time = "/t"
        time_form = "epoch"
        [signals."Vehicle.Powertrain.TractionBattery.StateOfCharge.Current"]
        constant = 50
        [signals."Vehicle.Powertrain.TractionBattery.CurrentPower"]
        product = [{ topic = "volts" }]
        [signals."Vehicle.Powertrain.TractionBattery.AccumulatedConsumedEnergy"]
        topic = "used"
        minus = { topic = "back", units = "Wh" }
        [signals."Vehicle.Powertrain.TractionBattery.Charging.IsCharging"]
        values = { null = false }
        [signals."Vehicle.Powertrain.TractionBattery.Charging.AveragePower"]
        value = "/a"
        zone = "Berlin"
        "#,
    );
    insta::assert_snapshot!(lines(&mapping), @r#"
    line 2: signals."Vehicle.Spede": not a signal that Dashpoint uses; did you mean "Vehicle.Speed"?
    line 4: signals."Vehicle.Speed": value: "data.x"; expected a JSON pointer such as "/data/value"
    line 6: signals."Vehicle.IsMoving": vallue: not a key of this table: did you mean `value`?
    line 8: signals."Vehicle.TraveledDistance": time: there is no value; write `value = "/..."` beside it
    line 10: signals."Vehicle.LowVoltageSystemState": values: " an ": can never match, since blanks around a value do not count; write "an"
    line 12: signals."Vehicle.Powertrain.Transmission.SelectedGear": values: "1.0": can never match, since "1" is the same number
    line 14: signals."Vehicle.Acceleration.Lateral": topic "cars/+/lateral": a + stands for the vehicle, and none is named; write `vehicle = "NAME"` under [bus] in the configuration, or in this file; for check-mapping, give --vehicle NAME
    line 18: signals."Vehicle.Acceleration.Longitudinal": time_form: "epoch"; expected one of rfc3339, unix-s, unix-ms, local
    line 20: signals."Vehicle.Powertrain.TractionBattery.StateOfCharge.Current": constant: only who says something can be constant (EnergyMix.Source, EvseId, Identifier.Issuer); a signal that a car measures must come from the car
    line 22: signals."Vehicle.Powertrain.TractionBattery.CurrentPower": product: expected two tables, such as [{ topic = "volts" }, { topic = "amperes" }]
    line 25: signals."Vehicle.Powertrain.TractionBattery.AccumulatedConsumedEnergy": units: not a key of this table: did you mean `unit`?
    line 27: signals."Vehicle.Powertrain.TractionBattery.Charging.IsCharging": values: null: write it as `null = ...`
    line 30: signals."Vehicle.Powertrain.TractionBattery.Charging.AveragePower": zone: "Berlin"; expected an IANA zone such as "Europe/Berlin"
    "#);
}

#[test]
fn a_constant_needs_somebody_beside_it() {
    let mapping = of_text(
        r#"format = 2
        others = "absent"
        [signals."Vehicle.Powertrain.TractionBattery.Charging.IsCharging"]
        topic = "charging"
        [signals."Vehicle.Powertrain.TractionBattery.Charging.EvseId"]
        constant = "DE*ABC*E1"
        [signals."Vehicle.Powertrain.TractionBattery.Charging.EnergyMix.Source"]
        constant = "SITE"
        [signals."Vehicle.Occupant.Row1.DriverSide.Identifier.Issuer"]
        constant = "me"
        beside = "Vehicle.Powertrain.TractionBattery.Charging.EvseId"
        "#,
    );
    insta::assert_snapshot!(lines(&mapping), @r#"
    line 8: signals."Vehicle.Powertrain.TractionBattery.Charging.EnergyMix.Source": constant: it would never be said, since nothing is published of Vehicle.Powertrain.TractionBattery.Charging.EnergyMix.RenewablePercentage; give that one a topic, or another `beside`
    line 10: signals."Vehicle.Occupant.Row1.DriverSide.Identifier.Issuer": constant: it would never be said, since nothing is published of Vehicle.Powertrain.TractionBattery.Charging.EvseId; give that one a topic, or another `beside`
    "#);
}

#[test]
fn two_signals_are_never_one_number() {
    let mapping = of_text(
        r#"format = 2
        others = "absent"
        [signals."Vehicle.TraveledDistance"]
        topic = "odo"
        [signals."Vehicle.Powertrain.TractionBattery.AccumulatedChargedEnergy"]
        topic = "odo"
        unit = "kWh"
        [signals."Vehicle.Speed"]
        topic = "car"
        value = "/v"
        [signals."Vehicle.Acceleration.Lateral"]
        topic = "car"
        value = "/v"
        time = "/t"
        [signals."Vehicle.Acceleration.Longitudinal"]
        topic = "car"
        value = "/v"
        only = { "/what" = "acceleration" }
        [signals."Vehicle.IsMoving"]
        topic = "car"
        value = "/v"
        values = { "0" = false }
        "#,
    );
    insta::assert_snapshot!(lines(&mapping), @r#"
    line 5: signals."Vehicle.Powertrain.TractionBattery.AccumulatedChargedEnergy": topic "odo": it is the number of Vehicle.TraveledDistance already; two signals are never one number
    line 11: signals."Vehicle.Acceleration.Lateral": topic "car" at /v, time /t (rfc3339): it is the number of Vehicle.Speed already; two signals are never one number
    "#);
}

#[test]
fn a_vehicle_stands_for_the_plus() {
    const FILE: &str = "format = 2\nvehicle = \"7\"\nothers = \"absent\"\n[signals.\"Vehicle.Speed\"]\ntopic = \"cars/+/speed\"\n";
    assert_eq!(of_text(FILE).topics(), ["cars/7/speed"]);
    let named = |vehicle| Mapping::parse(FILE, Some(vehicle)).unwrap();
    assert_eq!(named("8").topics(), ["cars/8/speed"]);
    insta::assert_snapshot!(lines(&named("a/b")), @r#"line 5: signals."Vehicle.Speed": topic "cars/+/speed": 1 places of + and 2 of the vehicle's name; expected as many, with / between them"#);
    insta::assert_snapshot!(lines(&named("#")), @r##"
    vehicle: found "#" under [bus] in the configuration, or with --vehicle; expected the name in the topics, such as "1" or "user/car", without + and #
    line 5: signals."Vehicle.Speed": topic "cars/+/speed": a + stands for the vehicle, and none is named; write `vehicle = "NAME"` under [bus] in the configuration, or in this file; for check-mapping, give --vehicle NAME
    "##);
    let teslamate = include_str!("../../../mapping/teslamate.toml");
    assert_eq!(of_text(teslamate).problems().len(), 1);
}

/// Whoever checks a mapping sees what is done: signs, units, forms of times and the messages that are left.
#[test]
fn a_report_says_all_that_is_done() {
    let mapping = of_text(
        r#"format = 2
        others = "absent"
        time_form = "unix-ms"
        [signals."Vehicle.Speed"]
        topic = "t"
        value = "/v"
        time = "/t"
        only = { "/path" = "Vehicle.Speed", "/vin" = "W1" }
        [signals."Vehicle.TraveledDistance"]
        topic = "t"
        value = "/odo"
        time = "/t"
        zone = "Europe/Berlin"
        [signals."Vehicle.Powertrain.TractionBattery.CurrentPower"]
        product = [{ topic = "t", value = "/volts" }, { topic = "amperes", scale = -1 }]
        within_s = 1
        [signals."Vehicle.Powertrain.TractionBattery.AccumulatedConsumedEnergy"]
        topic = "used"
        unit = "Wh"
        minus = { topic = "back", unit = "MJ" }
        "#,
    );
    assert_eq!(mapping.problems(), []);
    let shown = mapping.routes().iter().filter_map(|route| {
        let formula = route.conversion.formula(route.signal);
        let parts = [route.topic.as_deref()?, &route.place, &formula];
        Some(parts.join("; ").trim_end().to_owned())
    });
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"), @r#"
    t; at /v, time /t (unix-ms), only where /path is "Vehicle.Speed", only where /vin is "W1";
    t; at /odo, time /t (local Europe/Berlin);
    t; at /volts x amperes (x -1) within 1 s;
    used; - back (MJ -> kWh (x 0.2777777777777778)) within 1800 s; Wh -> kWh (x 0.001)
    "#);
}

/// The topics of another vehicle would be taken for those of the one that is named.
#[test]
fn a_name_that_nothing_has_is_refused() {
    let fixed = "[signals.\"Vehicle.Speed\"]\ntopic = \"cars/8/speed\"\n";
    let second = format!("format = 2\n{fixed}");
    for file in [fixed, &second] {
        let mapping = Mapping::parse(file, Some("7")).unwrap();
        assert_eq!(
            lines(&mapping),
            "vehicle: named under [bus] in the configuration, or with --vehicle, and no topic here has a +, so that it says nothing; \
             leave it out, or put a + in the topics"
        );
        assert_eq!(of_text(file).problems(), []);
    }
    let own = of_text(&format!("format = 2\nvehicle = \"7\"\n{fixed}"));
    insta::assert_snapshot!(lines(&own), @"line 2: vehicle: named in this file, and no topic here has a +, so that it says nothing; leave it out, or put a + in the topics");
    let only =
        "format = 2\n[signals.\"Vehicle.Speed\"]\nvalue = \"/v\"\nonly = { \"/vin\" = \"+\" }\n";
    assert_eq!(Mapping::parse(only, Some("7")).unwrap().problems(), []);
}

/// A lifetime counter that is multiplied, or that loses a part, would be paid for what nobody drove or charged.
#[test]
fn only_powers_multiply_and_consumption_subtracts() {
    for signal in Signal::ALL {
        let path = signal.path();
        let joined = |how: &str| {
            let problems = of_text(&format!("format = 2\n[signals.{path:?}]\n{how}\n"));
            problems.problems().is_empty()
        };
        assert_eq!(
            joined("product = [{ topic = \"volts\" }, { topic = \"amperes\" }]"),
            matches!(signal, Signal::BatteryPower | Signal::ChargingPower),
            "{path}"
        );
        assert_eq!(
            joined("topic = \"used\"\nminus = { topic = \"back\" }"),
            matches!(signal, Signal::ConsumedEnergy),
            "{path}"
        );
    }
    let mapping = of_text(
        r#"format = 2
        [signals."Vehicle.Powertrain.TractionBattery.AccumulatedChargedEnergy"]
        product = [{ topic = "ampere-hours" }, { topic = "volts", scale = 0.001 }]
        [signals."Vehicle.TraveledDistance"]
        topic = "odometer"
        minus = { topic = "trip" }
        "#,
    );
    insta::assert_snapshot!(lines(&mapping), @r#"
    line 3: signals."Vehicle.Powertrain.TractionBattery.AccumulatedChargedEnergy": product: only a power is volts x amperes (CurrentPower, Charging.AveragePower); a counter that is multiplied leaps with its other factor
    line 6: signals."Vehicle.TraveledDistance": minus: only used energy has a counter to take from it, that of the energy put back (AccumulatedConsumedEnergy)
    "#);
}
