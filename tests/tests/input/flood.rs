//! Nonsense, faster than anybody can read it.

use std::fs;

use jiff::Timestamp;
use serde_json::Value;
use vehicle_sim::{Command, Cycle};

use crate::support::nonsense::{EVENT_ROUND_MS, EVERY_ROUND, publish, round, say};
use crate::support::{Kind, PATIENCE, World, until, until_progress_ends};

/// Five seconds of 50,000 messages. How fast they are is measured by the bench, and asserted by nobody.
const MESSAGES: usize = 250_000;
const ROUNDS: usize = MESSAGES / EVERY_ROUND;
/// Of a round: signals that the head unit does not use.
const UNHEARD: usize = 1;
/// Of a mebibyte each, among them.
const HUGE: usize = 20;
/// Each kind of refusal that the messages are worth.
const KINDS: [&str; 11] = [
    "bad-time",
    "empty",
    "jumped",
    "late",
    "not-a-data-point",
    "not-a-number",
    "out-of-range",
    "quarantined",
    "too-long",
    "went-back",
    "wrong-type",
];
/// Rounds of which the broker drops nothing.
const LITTLE_ROUNDS: i64 = 3;
/// A head unit at work has about 40 MiB in a debug build.
const RESIDENT_KIB_MAX: u64 = 200 * 1_024;
const GROWTH_KIB_MAX: u64 = 64 * 1_024;
const US06_M: u64 = 12_888;

#[test]
fn a_flood_of_nonsense_is_counted_by_kind_and_stops_nothing() {
    let Some(mut world) = World::after_a_drive_offline(Kind::Mosquitto) else {
        return;
    };
    let before = told(&world);
    let kib_before = resident_kib(world.car.process(), "VmRSS:");

    let newest_ms = before["newest_ms"].as_i64().unwrap();
    let dropped_before = world.bus.dropped();
    flood(world.bus.port(), newest_ms);
    // Each message was refused, taken, or had no room in the broker: none is lost without a word.
    let handed_over = (ROUNDS * (EVERY_ROUND - UNHEARD) + HUGE) as u64;
    until_progress_ends("every message is accounted for", PATIENCE, || {
        let heard = heard(&live(&world)) - heard(&before);
        let known = heard + world.bus.dropped() - dropped_before;
        (known, (known == handed_over).then_some(()))
    });
    // However many of them came through the broker: no speed was one.
    let flooded = told(&world);
    assert_eq!(speeds(&flooded), speeds(&before), "{flooded:#}");
    // Of a flood the broker drops what it likes; of a little it drops nothing, so that there is one of each kind.
    for again in 1..=LITTLE_ROUNDS {
        let at_ms = newest_ms + again * EVENT_ROUND_MS;
        until("a round of nonsense is taken", PATIENCE, || {
            say(world.bus.port(), [parked(at_ms), round(at_ms)]);
            let newest_ms = live(&world)["newest_ms"].as_i64()?;
            (newest_ms >= at_ms).then_some(())
        });
    }
    let after = until("each kind is counted", PATIENCE, || {
        let live = told(&world);
        let counted = |kind: &str| live["refused"][kind].as_u64() > Some(0);
        let taken = speeds(&live) - speeds(&flooded);
        // The first one of a little round that runs backwards is late for the bus, and newer than the one before it.
        let is_all = taken >= LITTLE_ROUNDS.unsigned_abs();
        (is_all && KINDS.into_iter().all(counted)).then_some(live)
    });
    let taken = speeds(&after) - speeds(&flooded);
    assert_eq!(taken, LITTLE_ROUNDS.unsigned_abs(), "{after:#}");

    // And then a drive as it should be.
    world.vehicle.run(&Command::Drive(Cycle::Us06));
    world.car.wait_for_entries(2);
    let kib = resident_kib(world.car.process(), "VmRSS:");
    let most = resident_kib(world.car.process(), "VmHWM:");
    assert!(most < RESIDENT_KIB_MAX, "{most} KiB");
    assert!(
        kib < kib_before + GROWTH_KIB_MAX,
        "{kib_before} to {kib} KiB"
    );
    let trips = world.car.trips();
    assert_eq!((trips.len(), world.car.entries().len()), (2, 2));
    for trip in &trips {
        let off = trip.odometer.length().abs_diff(US06_M) * 1_000;
        assert!(off <= US06_M * 5, "{trip:?}");
        assert_eq!((trip.missed_s, trip.score_x100), (0, 8_225), "{trip:?}");
    }
    assert_logged_once_a_minute(&world.car.said());
    assert!(world.car.stop().success());
}

fn live(world: &World) -> Value {
    world.car.status()["live"].clone()
}

/// The live state when the signals, which are told each second, are told as they stand.
fn told(world: &World) -> Value {
    until("each signal is told as it stands", PATIENCE, || {
        let live = live(world);
        let signals = live["signals"].as_array()?.iter();
        let taken: u64 = signals.filter_map(|signal| signal["taken"].as_u64()).sum();
        (live["taken"] == taken).then_some(live)
    })
}

/// Two signals that move the time of the bus.
fn parked(at_ms: i64) -> Vec<u8> {
    let at = Timestamp::from_millisecond(at_ms).unwrap();
    let point = |path, value: &str| {
        let point = format!("{{\"value\":{value},\"ts\":\"{at:.3}\"}}");
        publish(path, point.as_bytes())
    };
    [
        point("Vehicle.LowVoltageSystemState", "\"OFF\""),
        point("Vehicle.Powertrain.Transmission.SelectedGear", "126"),
    ]
    .concat()
}

/// Says everything that makes no sense, over and over, as fast as the broker takes it.
fn flood(bus: u16, now_ms: i64) {
    let round = round(now_ms);
    let huge = publish("Vehicle.Speed", &vec![b'7'; 1 << 20]);
    let with_huge = [&round[..], &huge].concat();
    let rounds = (0..ROUNDS).map(|number| {
        if number % (ROUNDS / HUGE) == 0 {
            &with_huge
        } else {
            &round
        }
    });
    say(bus, rounds);
}

/// Messages that came to the head unit: each was taken or refused.
fn heard(live: &Value) -> u64 {
    let refused = live["refused"].as_object().unwrap().values();
    let refused: u64 = refused.map(|times| times.as_u64().unwrap()).sum();
    live["taken"].as_u64().unwrap() + refused
}

/// Speeds that were taken.
fn speeds(live: &Value) -> u64 {
    let mut signals = live["signals"].as_array().unwrap().iter();
    let speed = signals.find(|signal| signal["path"] == "Vehicle.Speed");
    speed.unwrap()["taken"].as_u64().unwrap()
}

/// Memory of a process, in KiB.
fn resident_kib(process: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// However many there were, the log says each kind once, and again after a minute at the earliest.
fn assert_logged_once_a_minute(log: &str) {
    for kind in KINDS {
        let said: Vec<Timestamp> = log
            .lines()
            .filter(|line| line.contains("refused") && line.contains(&format!("{kind:?}")))
            .map(when)
            .collect();
        assert!(!said.is_empty(), "{kind} is in no log");
        for pair in said.windows(2) {
            let apart_s = pair[1].duration_since(pair[0]).as_secs();
            assert!(apart_s >= 59, "{kind} twice within {apart_s} s");
        }
    }
}

fn when(line: &str) -> Timestamp {
    let begin = line.find("20").unwrap();
    let end = begin + line[begin..].find('Z').unwrap();
    line[begin..=end].parse().unwrap()
}

#[test]
fn a_message_is_what_the_standard_says() {
    let short = publish("Vehicle.Speed", b"1");
    assert_eq!(&short[..4], [0x30, 20, 0, 17]);
    assert_eq!(&short[4..], b"vss/Vehicle/Speed1");
    let long = publish("Vehicle.Speed", &[b'x'; 321 - 19]);
    assert_eq!(&long[..3], [0x30, 0xc1, 0x02], "321 in two bytes");
}
