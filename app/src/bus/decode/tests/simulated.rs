//! The shipped mappings understand the simulated car as each gateway publishes it: nothing is refused, and each mapped
//! signal is heard.

use std::collections::BTreeMap;

use jiff::Timestamp;
use vehicle_sim::{
    Command, Endpoint, Gateway, GatewayMapping, Options, Scenario, Simulator, Vin, VssSignal,
};

use super::*;

/// A drive, a charge and a sleep.
const DAY: &str = r#"
about = "a drive, a charge and a sleep"

[[step]]
drive = { cycle = "udds", for = "10m" }

[[step]]
charge = { kwh = 1.5, renewable = 80 }

[[step]]
sleep = { for = "1h" }
"#;

/// A car of some years: the digits of its counters are those that gateways cut off.
const USED_CAR: &str = r#"{"format":2,"clock":null,"meters":{"odometer_m":12345600.0,"charged_kwh":4000.0,
    "renewable_kwh":1000.0,"consumed_kwh":3000.0,"regained_kwh":500.0,"wallbox_kwh":4444.444444444444,
    "stored_kwh":36.0}}"#;

fn simulator(gateway: Gateway) -> Simulator {
    let now = "2026-11-22T03:00:00Z".parse().unwrap();
    let mut options = Options::new(Endpoint::local(1), now);
    options.gateway = gateway;
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("car.json");
    std::fs::write(&state, USED_CAR).unwrap();
    options.state = Some(state);
    Simulator::new(options).unwrap()
}

/// A message as it arrives.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) topic: String,
    pub(super) payload: String,
    pub(super) at: Timestamp,
}

/// A scenario behind a gateway.
pub(super) struct PlayedDay {
    pub(super) said: Vec<Said>,
    pub(super) driven_m: f64,
}

/// Plays the steps of a scenario behind a gateway.
pub(super) fn play(gateway: Gateway, steps: &str) -> PlayedDay {
    let day = Command::Scenario(Scenario::parse("day", steps).unwrap());
    let plan = simulator(gateway).plan(&day).unwrap();
    let odometer = plan.messages.iter().filter_map(|message| {
        let is_odometer = message.path == VssSignal::Odometer.path();
        is_odometer.then(|| serde_json::to_value(&message.value).unwrap())
    });
    let metres: Vec<f64> = odometer.filter_map(|value| value.as_f64()).collect();
    let said = if gateway == Gateway::Vss {
        let all = plan.messages.iter();
        all.map(|message| Said {
            topic: message.topic(),
            payload: message.payload(),
            at: message.at,
        })
        .collect()
    } else {
        let all = simulator(gateway).translate(&day).unwrap();
        all.into_iter()
            .map(|message| Said {
                topic: message.topic,
                payload: message.payload,
                at: message.at,
            })
            .collect()
    };
    PlayedDay {
        said,
        driven_m: metres.last().unwrap() - metres[0],
    }
}

/// The file of a gateway, which must be right for the vehicle that the simulator is.
pub(super) fn shipped(gateway: Gateway) -> Mapping {
    let Some(GatewayMapping { file, vehicle }) = gateway.mapping(Vin::FAKE) else {
        return Mapping::default();
    };
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/mapping");
    let text = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
    let mapping = Mapping::parse(&text, Some(&vehicle)).unwrap();
    assert_eq!(mapping.problems(), []);
    mapping
}

/// The values of each signal that is heard of the day. Nothing is refused.
fn heard(gateway: Gateway) -> BTreeMap<Signal, Vec<Value>> {
    let mut bus = Bus::of(shipped(gateway));
    let mut heard: BTreeMap<Signal, Vec<Value>> = BTreeMap::new();
    for message in play(gateway, DAY).said {
        bus.now_ms = message.at.as_millisecond();
        for input in bus.inputs(&message.topic, message.payload.as_bytes()) {
            match input {
                BusInput::Sample { signal, value, .. } => {
                    heard.entry(signal).or_default().push(value);
                }
                BusInput::Refused { signal, error } => {
                    panic!("{gateway:?}: {signal:?} {error}: {message:?}")
                }
                // Nobody subscribes to it.
                BusInput::UnknownTopic => {}
                BusInput::Connected | BusInput::Lost => unreachable!(),
            }
        }
    }
    heard
}

#[test]
fn each_mapped_signal_is_heard() {
    for gateway in Gateway::ALL {
        if gateway.mapping(Vin::FAKE).is_none() {
            continue;
        }
        let heard = heard(gateway);
        for signal in shipped(gateway).said().signals {
            // The simulated car has no lateral acceleration.
            if VssSignal::from_path(signal.path()).is_some() {
                assert!(heard.contains_key(&signal), "{gateway:?}: {signal:?}");
            }
        }
    }
}

#[test]
fn without_a_mapping_vss_is_heard() {
    for (gateway, signals) in [(Gateway::KuksaOnChange, 10), (Gateway::SlowCloud, 5)] {
        let heard = heard(gateway);
        assert!(heard.len() >= signals, "{gateway:?}: {:?}", heard.keys());
    }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Number(number) => *number,
        Value::Bool(_) | Value::Text(_) => panic!("{value:?}"),
    }
}

#[test]
fn kilometres_and_the_state_at_rest_come_through() {
    for gateway in Gateway::ALL {
        let heard = heard(gateway);
        let last = |signal| heard.get(&signal).and_then(|values| values.last());
        if let Some(odometer) = heard.get(&Signal::Odometer) {
            let driven_m = number(odometer.last().unwrap()) - number(&odometer[0]);
            // What the gateway cuts off: of a kilometre at the most.
            let apart_m = (driven_m - play(gateway, DAY).driven_m).abs();
            assert!(apart_m < 1_000.0, "{gateway:?}: {apart_m}");
        }
        if let Some(ignition) = last(Signal::Ignition) {
            assert_eq!(ignition, &Value::Text("OFF".to_owned()), "{gateway:?}");
        }
        if let Some(gear) = last(Signal::Gear) {
            assert_eq!(number(gear), 126.0, "{gateway:?}");
        }
        if let Some(is_charging) = last(Signal::IsCharging) {
            assert_eq!(is_charging, &Value::Bool(false), "{gateway:?}");
        }
    }
}
