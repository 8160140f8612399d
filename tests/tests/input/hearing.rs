//! Who is heard on a bus on which not everybody may say everything.

use jiff::Timestamp;
use rumqttc::{Client, Connection, Event, Incoming, PublishOptions, QoS};
use serde_json::Value;

use crate::support::{Car, PATIENCE, until};

const SERVICE_DUE: &str = "Vehicle.Service.IsServiceDue";

/// Somebody on the bus.
type Speaker = (Client, Connection);

/// Waits for a packet, and gives everything that came up to it.
pub fn wait_for(connection: &mut Connection, awaited: impl Fn(&Incoming) -> bool) -> Vec<Incoming> {
    let mut came = Vec::new();
    loop {
        let event = connection
            .recv_timeout(PATIENCE)
            .expect("the broker answers");
        if let Event::Incoming(packet) = event.unwrap() {
            let is_awaited = awaited(&packet);
            came.push(packet);
            if is_awaited {
                return came;
            }
        }
    }
}

/// Publishes a state; gives what came until the broker had dealt with it.
fn publish(who: &mut Speaker, path: &str, value: &str) -> Vec<Incoming> {
    let (client, connection) = who;
    let topic = format!("vss/{}", path.replace('.', "/"));
    client
        .publish(topic, value, PublishOptions::at_least_once().retained())
        .unwrap();
    wait_for(connection, |packet| matches!(packet, Incoming::PubAck(_)))
}

/// The gateway says whether a service is due; gives what the head unit tells once it has taken that.
fn taken_from(car: &Car, gateway: &mut Speaker, due: &str, at_ms: i64) -> Value {
    let ts = Timestamp::from_millisecond(at_ms).unwrap();
    let point = format!("{{\"value\":{due},\"ts\":\"{ts:.3}\"}}");
    publish(gateway, SERVICE_DUE, &point);
    until("the head unit has taken the state", PATIENCE, || {
        let live = car.status()["live"].clone();
        let mut signals = live["signals"].as_array()?.iter();
        let due = signals.find(|signal| signal["path"] == SERVICE_DUE)?;
        (due["last_ts_ms"] == at_ms).then_some(live)
    })
}

/// An onlooker hears the gateway, and nobody hears what he says himself: the head unit least of all.
pub fn assert_only_the_gateway_is_heard(car: &Car, mut onlooker: Speaker, mut gateway: Speaker) {
    let newest_ms = car.status()["live"]["newest_ms"].as_i64().unwrap();
    // With this everything that the gateway said before has been taken.
    let before = taken_from(car, &mut gateway, "false", newest_ms + 1_000);
    onlooker.0.subscribe("vss/#", QoS::AtMostOnce).unwrap();
    wait_for(&mut onlooker.1, |packet| {
        matches!(packet, Incoming::SubAck(_))
    });
    let mut heard = publish(&mut onlooker, "Vehicle.TraveledDistance", "4000000000");
    heard.extend(publish(&mut onlooker, "Vehicle.Speed", "199"));
    // The head unit hears what the gateway says last, and nothing before it that was not the gateway's: what each signal did
    // and what was refused is told at once.
    let after = taken_from(car, &mut gateway, "true", newest_ms + 2_000);
    let is_due = |packet: &Incoming| matches!(packet, Incoming::Publish(said) if said.topic.ends_with(b"Service/IsServiceDue"));
    heard.extend(wait_for(&mut onlooker.1, is_due));
    let his = |packet: &Incoming| matches!(packet, Incoming::Publish(said) if said.payload == "4000000000" || said.payload == "199");
    assert!(!heard.iter().any(his), "{heard:?}");
    assert_eq!(
        after["taken"].as_u64(),
        before["taken"].as_u64().map(|taken| taken + 1)
    );
    assert_eq!(after["refused"], before["refused"]);
}
