//! Cars that are not VSS 6.0, and files that are no mappings.

use dashpoint_telematics::FORMER_PATHS;

use super::*;

fn number(number: f64) -> Value {
    Value::Number(number)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn turned(mapping: &Mapping, topic: &str, value: Value) -> (Signal, Value) {
    let route = mapping.route(topic).unwrap();
    (route.signal, route.conversion.apply(route.signal, value))
}

#[test]
fn without_a_file_each_signal_is_where_kuksa_publishes_it() {
    let mapping = Mapping::default();
    for signal in Signal::ALL {
        let route = mapping
            .route(&format!("vss/{}", signal.path().replace('.', "/")))
            .unwrap();
        assert_eq!(route.signal, *signal);
    }
    assert!(
        mapping
            .route("vss/Vehicle/CurrentLocation/Latitude")
            .is_none()
    );
    let speed = "vss/Vehicle/Speed";
    assert_eq!(turned(&mapping, speed, text("53.2")).1, number(53.2));
    assert_eq!(turned(&mapping, speed, text("fast")).1, text("fast"));
}

#[test]
fn an_older_tree_is_turned_into_the_newest() {
    let mapping = Mapping::parse(include_str!("../../../mapping/vss-5.1.toml")).unwrap();
    assert_eq!(mapping.problems(), []);
    assert_eq!(
        turned(&mapping, "vss/Vehicle/TraveledDistance", number(12_345.678)),
        (Signal::Odometer, number(12_345_678.0))
    );
    assert_eq!(
        turned(
            &mapping,
            "vss/Vehicle/Driver/Identifier/Subject",
            text("ann")
        ),
        (Signal::DriverSubject, text("ann"))
    );
}

#[test]
fn a_car_of_its_own_is_adapted() {
    let mapping = Mapping::parse(include_str!("../../../mapping/example.toml")).unwrap();
    assert_eq!(mapping.problems(), []);
    for (topic, value, expected) in [
        (
            "can/speed_over_ground",
            number(10.0),
            (Signal::Speed, number(36.0)),
        ),
        (
            "can/odometer_tenths",
            text("123456"),
            (Signal::Odometer, number(12_345_600.0)),
        ),
        (
            "car7/telemetry/Body/PowerMode",
            number(2.0),
            (Signal::Ignition, text("ON")),
        ),
        (
            "car7/telemetry/Body/PowerMode",
            text("1"),
            (Signal::Ignition, text("ACC")),
        ),
        (
            "car7/telemetry/Body/Lever",
            text("P"),
            (Signal::Gear, number(126.0)),
        ),
        (
            "car7/telemetry/Vehicle/IsMoving",
            text("true"),
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
    let mapping = Mapping::parse(&former.concat()).unwrap();
    assert_eq!(mapping.problems(), []);
    let used = mapping.routes().iter().map(|route| route.signal);
    assert!(used.eq(Signal::ALL.iter().copied()));
}

#[test]
fn each_wrong_place_is_named_with_what_is_expected() {
    let mapping = Mapping::parse(
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
    )
    .unwrap();
    let lines: Vec<String> = mapping.problems().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    prefix: expected a text without + and #
    signals."Vehicle.Acceleration.Longitudinal": unknown field `toppic`, expected one of `topic`, `alias`, `unit`, `scale`, `offset`, `values`, `absent`
    signals."Vehicle.CurrentLocation.Latitude": not a signal that Dashpoint uses; expected a VSS 6.0 path of `dashpoint check-mapping`
    speed: not a key of this file; expected prefix, signals
    signals."Vehicle.Speed": unit: "knots"; expected one of km/h, m/s, mph
    signals."Vehicle.IsMoving": scale, offset: the signal is no number
    signals."Vehicle.Acceleration.Lateral": topic "same" is another signal's already
    signals."Vehicle.Powertrain.TractionBattery.Charging.IsCharging": values: found "yes"; expected them to stand for true or false
    "#);
    assert_eq!(mapping.route("same").unwrap().signal, Signal::Odometer);
}
