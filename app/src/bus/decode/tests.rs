//! Messages of gateways, and of nobody's.

use proptest::prelude::*;

use super::*;

mod gateways;
mod simulated;
mod whole_day;

/// 2026-11-22T08:00:00Z.
const NOW_MS: i64 = 1_795_334_400_000;

fn mapping(signals: &str) -> Mapping {
    let text = format!("format = 2\nothers = \"absent\"\n{signals}");
    let vehicle = text.contains('+').then_some("7");
    let mapping = Mapping::parse(&text, vehicle).unwrap();
    assert_eq!(mapping.problems(), []);
    mapping
}

/// One connection to a car's bus.
struct Bus {
    mapping: Mapping,
    decoder: Decoder,
    now_ms: i64,
    retained: bool,
}

impl Bus {
    fn new(signals: &str) -> Self {
        Self::of(mapping(signals))
    }

    fn of(mapping: Mapping) -> Self {
        Self {
            decoder: Decoder::new(&mapping),
            mapping,
            now_ms: NOW_MS,
            retained: false,
        }
    }

    fn inputs(&mut self, topic: &str, payload: &[u8]) -> Vec<BusInput> {
        let message = BusMessage {
            topic,
            payload,
            retained: self.retained,
        };
        let (mut said, now_ms) = (Vec::new(), self.now_ms);
        self.decoder
            .handle(&self.mapping, message, || now_ms, &mut |input| {
                said.push(input);
            });
        said
    }

    /// Signals and values, with the time when it is not that of arrival, in milliseconds after [`NOW_MS`].
    fn said(&mut self, topic: &str, payload: &str) -> String {
        let inputs = self.inputs(topic, payload.as_bytes());
        let shown = inputs.iter().map(|input| match input {
            BusInput::Sample {
                signal,
                value,
                ts_ms,
                ..
            } => {
                let value = match value {
                    Value::Bool(flag) => flag.to_string(),
                    Value::Number(number) => number.to_string(),
                    Value::Text(text) => text.clone(),
                };
                let at = ts_ms.map_or_else(String::new, |ts_ms| format!("@{}", ts_ms - NOW_MS));
                format!("{signal:?}={value}{at}")
            }
            BusInput::Refused { signal, error } => format!("{signal:?}!{}", error.name()),
            BusInput::UnknownTopic => "unknown".to_owned(),
            BusInput::Connected | BusInput::Lost => unreachable!(),
        });
        shown.collect::<Vec<_>>().join(" ")
    }
}

/// Speed, odometer and ignition in one message, each with its own time.
const ONE_TOPIC: &str = r#"
[signals."Vehicle.Speed"]
topic = "car"
value = "/data/speed/value"
time = "/data/speed/t"
time_form = "unix-s"
unit = "m/s"
[signals."Vehicle.TraveledDistance"]
topic = "car"
value = "/data/odo/value"
time = "/data/odo/t"
unit = "km"
[signals."Vehicle.LowVoltageSystemState"]
topic = "car"
value = "/data/on"
values = { "true" = "ON", "Zündung an" = "ON", "0" = "OFF" }
null = "OFF"
ignore = ["unknown", ""]
"#;

#[test]
fn one_message_says_several_signals() {
    let mut bus = Bus::new(ONE_TOPIC);
    assert_eq!(bus.mapping.topics(), ["car"]);
    let all = r#"{"more":[1,{"x":2}],"data":{"speed":{"value":10,"t":1795334401.5},"odo":{"value":"12.5","t":"2026-11-22T08:00:02Z"},"on":true}}"#;
    assert_eq!(
        bus.said("car", all),
        "Speed=36@1500 Odometer=12500@2000 Ignition=ON"
    );
    for (payload, said) in [
        (r#"{"data":{}}"#, ""),
        (r#"{"data":{"on":" Zündung an "}}"#, "Ignition=ON"),
        (r#"{"data":{"on":0.0}}"#, "Ignition=OFF"),
        (r#"{"data":{"on":null}}"#, "Ignition=OFF"),
        (r#"{"data":{"on":"unknown"}}"#, ""),
        (r#"{"data":{"on":""}}"#, ""),
        (r#"{"data":{"on":{}}}"#, "Ignition!not-a-data-point"),
        (r#"{"data":{"speed":{"value":10}}}"#, "Speed!bad-time"),
        (
            r#"{"data":{"speed":{"value":null,"t":1}}}"#,
            "Speed!not-a-data-point",
        ),
        ("12.5", ""),
        (
            "nonsense",
            "Speed!not-a-data-point Odometer!not-a-data-point Ignition!not-a-data-point",
        ),
        ("", "Speed!empty Odometer!empty Ignition!empty"),
    ] {
        assert_eq!(bus.said("car", payload), said, "{payload}");
    }
}

#[test]
fn one_topic_is_two_signals() {
    let mut bus = Bus::new(
        r#"
        [signals."Vehicle.IsMoving"]
        topic = "state"
        values = { driving = true, online = false, "zu Hause" = false }
        ignore = ["asleep"]
        [signals."Vehicle.LowVoltageSystemState"]
        topic = "state"
        values = { driving = "ON", online = "OFF" }
        "#,
    );
    assert_eq!(bus.said("state", "driving"), "IsMoving=true Ignition=ON");
    assert_eq!(bus.said("state", "asleep"), "Ignition=asleep");
    assert_eq!(
        bus.said("state", " zu Hause "),
        "IsMoving=false Ignition!not-a-data-point"
    );
}

#[test]
fn words_see_payloads_before_the_parser() {
    let mut bus = Bus::new(
        r#"
        [signals."Vehicle.Powertrain.TractionBattery.Charging.IsCharging"]
        topic = "charging"
        values = { "Not charging" = false, "Lädt" = true, "{}" = false, "2" = true }
        null = false
        empty = false
        [signals."Vehicle.Powertrain.Transmission.SelectedGear"]
        topic = "gear"
        values = { P = 126, D = 127 }
        empty = 126
        ignore = ["null"]
        "#,
    );
    for (topic, payload, said) in [
        ("charging", "Not charging", "IsCharging=false"),
        ("charging", "Lädt", "IsCharging=true"),
        ("charging", "{}", "IsCharging=false"),
        ("charging", "2.0", "IsCharging=true"),
        ("charging", "null", "IsCharging=false"),
        ("charging", "", "IsCharging=false"),
        ("charging", "  ", "IsCharging=false"),
        ("charging", r#"{"value":null}"#, "IsCharging=false"),
        (
            "charging",
            r#"{"value":"Lädt","ts":"2026-11-22T08:00:01Z"}"#,
            "IsCharging=true@1000",
        ),
        ("charging", "Laden", "IsCharging=Laden"),
        ("gear", "", "Gear=126"),
        ("gear", "D", "Gear=127"),
        ("gear", "null", ""),
        ("gear", "{\"value\":null}", ""),
    ] {
        assert_eq!(bus.said(topic, payload), said, "{payload}");
    }
}

#[test]
fn a_reply_about_something_else_is_left() {
    let mut bus = Bus::new(
        r#"
        [signals."Vehicle.Speed"]
        topic = "reply"
        value = "/data/dp/value"
        time = "/data/dp/ts"
        only = { "/data/path" = "Vehicle.Speed", "/vin" = "+" }
        "#,
    );
    let reply = |path: &str, vin: &str| {
        format!(
            r#"{{"vin":{vin},"data":{{"path":"{path}","dp":{{"value":"50","ts":"2026-11-22T08:00:01Z"}}}}}}"#
        )
    };
    let own = reply("Vehicle.Speed", "\"7\"");
    assert_eq!(bus.said("reply", &own), "Speed=50@1000");
    for other in [
        reply("Vehicle.IsMoving", "\"7\""),
        reply("Vehicle.Speed", "\"8\""),
        reply("Vehicle.Speed", "null"),
    ] {
        assert_eq!(bus.said("reply", &other), "", "{other}");
    }
}

/// Identifiers are no quantities: two that an `f64` has as one are two.
#[test]
fn an_identifier_is_compared_by_its_digits() {
    let said = |expected: &str, written: &str| {
        let mut bus = Bus::new(&format!(
            "[signals.\"Vehicle.Speed\"]\ntopic = \"t\"\nvalue = \"/v\"\nonly = {{ \"/id\" = {expected:?} }}\n"
        ));
        bus.said("t", &format!("{{\"id\":{written},\"v\":50}}"))
    };
    for (expected, written, is_same) in [
        ("12345678901234567", "12345678901234567", true),
        ("12345678901234567", "\"12345678901234567\"", true),
        ("12345678901234567", "12345678901234568", false),
        ("-12345678901234567", "-12345678901234567", true),
        ("9007199254740993", "9007199254740992", false),
        ("7", "7", true),
        ("007", "7", false),
        ("7", "\"007\"", false),
        ("7", "70", false),
        ("1.5", "1.5", true),
        ("true", "true", true),
        ("1", "true", false),
        // More digits than any whole number has here.
        ("123456789012345678901", "123456789012345678902", false),
        ("123456789012345680000", "123456789012345678901", false),
    ] {
        let speed = if is_same { "Speed=50" } else { "" };
        assert_eq!(said(expected, written), speed, "{expected} {written}");
    }
}

#[test]
fn a_constant_is_said_beside_another() {
    let mut bus = Bus::new(
        r#"
        [signals."Vehicle.Powertrain.TractionBattery.Charging.EnergyMix.RenewablePercentage"]
        topic = "solar"
        [signals."Vehicle.Powertrain.TractionBattery.Charging.EnergyMix.Source"]
        constant = "SITE"
        "#,
    );
    assert_eq!(
        bus.said("solar", "62.5"),
        "MixSource=SITE RenewablePercentage=62.5"
    );
    assert_eq!(
        bus.said("solar", "x y"),
        "RenewablePercentage!not-a-data-point"
    );
}

#[test]
fn a_constant_is_said_beside_a_join() {
    let mut bus = Bus::new(
        r#"
        [signals."Vehicle.Powertrain.TractionBattery.Charging.EvseId"]
        constant = "DE*ABC*E1"
        beside = "Vehicle.Powertrain.TractionBattery.Charging.AveragePower"
        [signals."Vehicle.Powertrain.TractionBattery.Charging.AveragePower"]
        product = [{ topic = "volts" }, { topic = "amperes" }]
        "#,
    );
    assert_eq!(bus.said("volts", "230"), "");
    assert_eq!(
        bus.said("amperes", "16"),
        "EvseId=DE*ABC*E1 ChargingPower=3680"
    );
}

/// Never two moments: volts of one burst are not joined with amperes of another.
#[test]
fn a_product_is_of_one_moment() {
    let mut bus = Bus::new(
        r#"
        [signals."Vehicle.Powertrain.TractionBattery.CurrentPower"]
        product = [{ topic = "cars/+/volts" }, { topic = "cars/+/amperes", scale = -1 }]
        "#,
    );
    assert_eq!(bus.mapping.topics(), ["cars/7/amperes", "cars/7/volts"]);
    assert_eq!(bus.said("cars/7/volts", "400"), "");
    bus.now_ms += 2_001;
    assert_eq!(bus.said("cars/7/amperes", "10"), "");
    bus.now_ms += 2_000;
    assert_eq!(bus.said("cars/7/volts", "401"), "BatteryPower=-4010");
    assert_eq!(bus.said("cars/8/amperes", "99"), "unknown");
    assert_eq!(
        bus.said("cars/7/volts", "full"),
        "BatteryPower!not-a-data-point"
    );
    // What the broker kept is of nobody knows when.
    bus.now_ms += 60_000;
    bus.retained = true;
    assert_eq!(bus.said("cars/7/volts", "390"), "");
    assert_eq!(bus.said("cars/7/amperes", "5"), "");
    // And another connection may be to another car.
    bus.retained = false;
    assert_eq!(bus.said("cars/7/volts", "400"), "");
    bus.decoder = Decoder::new(&bus.mapping);
    assert_eq!(bus.said("cars/7/amperes", "10"), "");
}

#[test]
fn energy_put_back_is_subtracted() {
    let mut bus = Bus::new(
        r#"
        [signals."Vehicle.Powertrain.TractionBattery.AccumulatedConsumedEnergy"]
        topic = "car"
        value = "/used"
        time = "/t"
        time_form = "unix-ms"
        unit = "Wh"
        minus = { topic = "car", value = "/back", time = "/t", time_form = "unix-ms", unit = "kWh" }
        "#,
    );
    let both = format!(r#"{{"used":5000,"back":1.5,"t":{NOW_MS}}}"#);
    assert_eq!(bus.said("car", &both), "ConsumedEnergy=3.5@0");
    // Never the one of this message with the other of the message before.
    let both = format!(r#"{{"used":5500,"back":2,"t":{}}}"#, NOW_MS + 1_000);
    assert_eq!(bus.said("car", &both), "ConsumedEnergy=3.5@1000");
    let later_ms = NOW_MS + 1_801_000;
    let used = format!(r#"{{"used":6000,"t":{later_ms}}}"#);
    assert_eq!(bus.said("car", &used), "ConsumedEnergy=4@1801000");
    let too_late = format!(r#"{{"used":6000,"t":{}}}"#, later_ms + 1);
    assert_eq!(bus.said("car", &too_late), "");
}

#[test]
fn the_second_counter_has_that_unit() {
    for (used, back, difference) in [
        ("unit = \"Wh\"", "", "3.5"),
        ("unit = \"kWh\"\nscale = 0.1", "", "350"),
        ("", "", "3500"),
        ("unit = \"Wh\"", "unit = \"kWh\"", "-1495"),
        ("", "unit = \"Wh\"", "4998.5"),
        (
            "unit = \"Wh\"\nscale = 10",
            "unit = \"Wh\", scale = 1",
            "48.5",
        ),
    ] {
        let comma = if back.is_empty() { "" } else { ", " };
        let mut bus = Bus::new(&format!(
            r#"
            [signals."Vehicle.Powertrain.TractionBattery.AccumulatedConsumedEnergy"]
            topic = "used"
            {used}
            minus = {{ topic = "back"{comma}{back} }}
            "#
        ));
        assert_eq!(bus.said("used", "5000"), "");
        assert_eq!(
            bus.said("back", "1500"),
            format!("ConsumedEnergy={difference}"),
            "{used} {back}"
        );
    }
}

proptest! {
    /// Whatever comes, it ends with inputs of the signals of its topic, and with no more of them than there are.
    #[test]
    fn no_payload_stops_the_decoder(payload in payloads(), retained: bool) {
        let mut bus = Bus::new(ONE_TOPIC);
        bus.retained = retained;
        let inputs = bus.inputs("car", &payload);
        prop_assert!(inputs.len() <= 3);
    }
}

/// Random bytes, random JSON and good messages that were cut or changed.
fn payloads() -> impl Strategy<Value = Vec<u8>> {
    let good = br#"{"data":{"speed":{"value":10,"t":1795334401.5},"odo":{"value":"12.5","t":"2026-11-22T08:00:02Z"},"on":true}}"#;
    let changed = (0..good.len(), any::<u8>(), 0..=good.len()).prop_map(|(at, byte, len)| {
        let mut bytes = good.to_vec();
        bytes[at] = byte;
        bytes.truncate(len);
        bytes
    });
    let parts = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(":"),
        Just(","),
        Just("\"data\""),
        Just("\"on\""),
        Just("\"speed\""),
        Just("\"value\""),
        Just("null"),
        Just("1e308"),
        Just("-0"),
        Just("\"\\ud800\""),
        Just("9999999999999999999"),
    ];
    let text = prop::collection::vec(parts, 0..200).prop_map(|parts| parts.concat().into_bytes());
    prop_oneof![prop::collection::vec(any::<u8>(), 0..300), changed, text]
}
