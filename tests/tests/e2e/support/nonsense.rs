//! What makes no sense on the bus, as bytes of MQTT.

use std::io::{Read, Write};
use std::net::TcpStream;

use jiff::Timestamp;

/// Messages of [`round`].
pub const EVERY_ROUND: usize = 25;
/// More than the head unit waits for what comes late.
pub const EVENT_ROUND_MS: i64 = 3_000;

/// A connection of its own that the broker has taken.
pub fn connected(bus: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", bus)).unwrap();
    stream
        .write_all(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05flood")
        .unwrap();
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [0x20, 2, 0, 0], "the broker takes the connection");
    stream
}

/// Says these packets on a connection of its own; the broker has them when it returns.
pub fn say(bus: u16, packets: impl IntoIterator<Item = impl AsRef<[u8]>>) {
    let mut stream = connected(bus);
    for packet in packets {
        stream.write_all(packet.as_ref()).unwrap();
    }
    // A broker answers in the order of what it is told: with the answer it has taken everything.
    stream.write_all(b"\xc0\x00").unwrap();
    let mut pong = [0; 2];
    stream.read_exact(&mut pong).unwrap();
    assert_eq!(pong, [0xd0, 0], "the broker has taken everything");
    stream.write_all(b"\xe0\x00").unwrap();
}

/// One of each, each with another time where it has one.
pub fn round(now_ms: i64) -> Vec<u8> {
    let at = |ms: i64| Timestamp::from_millisecond(now_ms + ms).unwrap();
    let point = |value: &str, ts: Timestamp| format!("{{\"value\":{value},\"ts\":\"{ts:.3}\"}}");
    let (speed, odometer) = ("Vehicle.Speed", "Vehicle.TraveledDistance");
    let mut messages = vec![
        publish(speed, b"hello world"),
        publish(speed, b"{\"value\": [1, 2]}"),
        publish(speed, b"{\"value\": 5, \"ts\": \"yesterday\"}"),
        publish(speed, b"{\"value\": 5, \"ts\""),
        publish(speed, &[0xff, 0xfe, 0]),
        publish(speed, b""),
        publish(speed, &[b'['; 5_000]),
        publish("Vehicle.No.Such.Signal", b"1"),
    ];
    let points = [
        (speed, "\"NaN\"", at(500)),
        (speed, "900", at(500)),
        (speed, "-inf", at(500)),
        (speed, "true", at(500)),
        (odometer, "\"far\"", at(500)),
        (odometer, "1", at(500)),
        (odometer, "4000000000", at(1_000)),
        (speed, "50", Timestamp::UNIX_EPOCH),
        (speed, "50", "2099-01-01T00:00:00Z".parse().unwrap()),
        (odometer, "7", "2099-01-01T00:00:00Z".parse().unwrap()),
    ];
    messages.extend(
        points
            .into_iter()
            .map(|(path, value, ts)| publish(path, point(value, ts).as_bytes())),
    );
    // Backwards in time.
    messages.extend((1..=7).map(|step| publish(speed, point("0", at(-step * 3_000)).as_bytes())));
    assert_eq!(messages.len(), EVERY_ROUND);
    messages.concat()
}

/// A PUBLISH of MQTT 3.1.1 with QoS 0.
pub fn publish(path: &str, payload: &[u8]) -> Vec<u8> {
    let topic = format!("vss/{}", path.replace('.', "/"));
    let mut length = 2 + topic.len() + payload.len();
    let mut packet = vec![0x30];
    loop {
        let more = length > 127;
        packet.push((length % 128) as u8 | if more { 128 } else { 0 });
        length /= 128;
        if !more {
            break;
        }
    }
    packet.extend((topic.len() as u16).to_be_bytes());
    packet.extend(topic.as_bytes());
    packet.extend(payload);
    packet
}
