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

/// An onlooker hears the gateway, and nobody hears what he says himself: the head unit least of all.
pub fn assert_only_the_gateway_is_heard(car: &Car, mut onlooker: Speaker, mut gateway: Speaker) {
    let before = car.status()["live"].clone();
    onlooker.0.subscribe("vss/#", QoS::AtMostOnce).unwrap();
    wait_for(&mut onlooker.1, |packet| {
        matches!(packet, Incoming::SubAck(_))
    });
    let mut heard = publish(&mut onlooker, "Vehicle.TraveledDistance", "4000000000");
    heard.extend(publish(&mut onlooker, "Vehicle.Speed", "199"));
    let newest_ms = before["newest_ms"].as_i64().unwrap();
    let ts = Timestamp::from_millisecond(newest_ms + 1_000).unwrap();
    let due = format!("{{\"value\":true,\"ts\":\"{ts:.3}\"}}");
    publish(&mut gateway, SERVICE_DUE, &due);
    let is_due = |packet: &Incoming| matches!(packet, Incoming::Publish(said) if said.topic.ends_with(b"Service/IsServiceDue"));
    heard.extend(wait_for(&mut onlooker.1, is_due));
    let his = |packet: &Incoming| matches!(packet, Incoming::Publish(said) if said.payload == "4000000000" || said.payload == "199");
    assert!(!heard.iter().any(his), "{heard:?}");
    // The head unit has heard what the gateway said last, and nothing before it that was not the gateway's: what each signal
    // did and what was refused is told at once.
    let after = until("the head unit has taken the state", PATIENCE, || {
        let live = car.status()["live"].clone();
        let signals = live["signals"].as_array()?.iter();
        let is_taken = |last: &Value| last["last_ts_ms"] == newest_ms + 1_000;
        let mut due = signals.filter(|signal| signal["path"] == SERVICE_DUE);
        due.any(is_taken).then_some(live)
    });
    assert_eq!(
        after["taken"].as_u64(),
        before["taken"].as_u64().map(|taken| taken + 1)
    );
    assert_eq!(after["refused"], before["refused"]);
}
