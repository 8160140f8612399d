//! What the head unit spends on taking signals, beside a client that only counts them.
//!
//! `cargo bench -p dashpoint-tests --bench ingest`. Both hang on one mosquitto and get the same messages in the same run;
//! what is compared is their CPU time, as the kernel counts it.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench that cannot go on stops, and says what it found"
)]

#[expect(
    dead_code,
    unused_imports,
    reason = "shared with the tests of the whole; each uses another part"
)]
#[path = "../tests/e2e/support/mod.rs"]
mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use dashpoint_telematics::Signal;
use jiff::Timestamp;
use rumqttc::{Client, Event, Incoming, MqttOptions, QoS, SubscribeFilter};
use serde_json::Value;

use crate::support::{Kind, PATIENCE, World, nonsense, now, until, wall};

/// Ten times a second each, and two counters once a second.
const SAMPLED: [&str; 5] = [
    "Vehicle.Speed",
    "Vehicle.Acceleration.Longitudinal",
    "Vehicle.Acceleration.Lateral",
    "Vehicle.Powertrain.TractionBattery.CurrentPower",
    "Vehicle.ADAS.ObstacleDetection.Front.Center.Distance",
];
const ODOMETER: &str = "Vehicle.TraveledDistance";
const CONSUMED: &str = "Vehicle.Powertrain.TractionBattery.AccumulatedConsumedEnergy";

/// Rounds of nonsense: ten seconds of 50,000 messages.
const NONSENSE_ROUNDS: usize = 20_000;
const FLAT_OUT: u64 = 300_000;
const A_MINUTE: u64 = 60_000;
/// How far the messages run ahead of what the head unit has taken, flat out, in milliseconds of their time.
const AHEAD_MS: i64 = 10_000;
/// How often the client that only counts says so; each time costs it a system call.
const COUNT_TOLD_EVERY: u64 = 10_000;
/// Ticks of a second in `/proc/*/stat`.
const TICKS_PER_S: f64 = 100.0;
const RATIO_FLAT_OUT: f64 = 1.3;
const RATIO_A_MINUTE: f64 = 1.5;
const GROWTH_KIB: u64 = 4 * 1_024;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).is_some_and(|arg| arg == "count") {
        return count(args[2].parse().unwrap(), args[3].parse().unwrap());
    }
    let Some(mut world) = World::new(Kind::Mosquitto) else {
        return ExitCode::SUCCESS;
    };
    world.car.start();
    world.cloud.stop();
    let mut drive = Drive::begin(&world);
    println!("what             messages  head unit  only counts  ratio  aim   refused  memory");
    let flat_out = drive.measure(&world, FLAT_OUT, None);
    flat_out.tell("a drive, at once", RATIO_FLAT_OUT);
    let a_minute = drive.measure(&world, A_MINUTE, Some(1_000));
    a_minute.tell("1,000/s, 60 s", RATIO_A_MINUTE);
    let flat = a_minute.kib_after <= a_minute.kib_before + GROWTH_KIB;
    println!("memory is {}", if flat { "flat" } else { "NOT flat" });
    assert!(world.car.status()["live"]["trip_open"] == true);
    drive.endure_nonsense(&world);
    assert!(world.car.stop().success());
    ExitCode::SUCCESS
}

/// What one measurement found.
struct Found {
    messages: u64,
    car_s: f64,
    bare_s: f64,
    refused: u64,
    kib_before: u64,
    kib_after: u64,
}

impl Found {
    fn tell(&self, what: &str, aim: f64) {
        let ratio = self.car_s / self.bare_s;
        println!(
            "{what:<16} {:>8}  {:>7.2} s  {:>9.2} s  {ratio:>5.2}  {aim:<4}  {:>7}  {} to {} KiB",
            self.messages, self.car_s, self.bare_s, self.refused, self.kib_before, self.kib_after
        );
    }
}

/// A drive that does not end: town and country, and never a value that is not plausible.
struct Drive {
    stream: TcpStream,
    /// What the head unit says that it has taken.
    seen_ms: Arc<AtomicI64>,
    at_ms: i64,
    tenth: u64,
    metres: f64,
}

impl Drive {
    fn begin(world: &World) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", world.bus.port())).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
            .write_all(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05drive")
            .unwrap();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).unwrap();
        let seen_ms = Arc::new(AtomicI64::new(0));
        listen(world.bus.port(), Arc::clone(&seen_ms));
        let at_ms = wall().as_millisecond() - 86_400_000;
        let mut drive = Self {
            stream,
            seen_ms,
            at_ms,
            tenth: 0,
            metres: 1_000.0,
        };
        let opening = [
            ("Vehicle.LowVoltageSystemState", "\"ON\""),
            ("Vehicle.Powertrain.Transmission.SelectedGear", "127"),
            (ODOMETER, "1000"),
            (CONSUMED, "1.0"),
            ("Vehicle.Speed", "50.0"),
        ];
        let packets = opening.map(|(path, value)| packet(path, value, at_ms));
        drive.stream.write_all(&packets.concat()).unwrap();
        drive.wait_until_seen(at_ms);
        drive
    }

    fn wait_until_seen(&self, at_ms: i64) {
        until("the head unit has taken it", PATIENCE * 5, || {
            (self.seen_ms.load(Ordering::SeqCst) >= at_ms).then_some(())
        });
    }

    /// Drives for so many messages, so many a second or as fast as they are taken.
    fn measure(&mut self, world: &World, messages: u64, per_s: Option<u64>) -> Found {
        let bare = Bare::start(world.bus.port(), messages);
        let process = world.car.process();
        let before = live(world);
        let (car_before, bare_before) = (cpu_s(process), cpu_s(bare.child.id()));
        let kib_before = resident_kib(process);
        let (began, mut sent) = (now(), 0);
        let mut told = 0;
        while sent < messages {
            if sent * 10 / messages > told {
                told = sent * 10 / messages;
                eprintln!("  {sent} of {messages}");
            }
            let mut tenth = self.tenth();
            tenth.truncate(usize::try_from(messages - sent).unwrap());
            sent += tenth.len() as u64;
            self.stream.write_all(&tenth.concat()).unwrap();
            match per_s {
                Some(per_s) => {
                    let due = Duration::from_secs_f64(sent as f64 / per_s as f64);
                    thread::sleep(due.saturating_sub(began.elapsed()));
                }
                None => {
                    while self.at_ms - self.seen_ms.load(Ordering::SeqCst) > AHEAD_MS {
                        thread::sleep(Duration::from_micros(200));
                    }
                }
            }
        }
        self.wait_until_seen(self.at_ms);
        bare.wait_for_all(messages);
        let (car_s, bare_s) = (cpu_s(process), cpu_s(bare.child.id()));
        let kib_after = resident_kib(process);
        let after = until("the head unit tells what it took", PATIENCE, || {
            let after = live(world);
            (taken(&after) >= taken(&before) + messages).then_some(after)
        });
        let refused = refused(&after) - refused(&before);
        assert_eq!(taken(&after) - taken(&before), messages);
        assert_eq!(refused, 0, "{after:#}");
        Found {
            messages,
            car_s: car_s - car_before,
            bare_s: bare_s - bare_before,
            refused,
            kib_before,
            kib_after,
        }
    }

    /// Nonsense as fast as the broker takes it, and then a drive that goes on.
    fn endure_nonsense(&mut self, world: &World) {
        let before = live(world);
        let kib_before = resident_kib(world.car.process());
        let cpu_before = cpu_s(world.car.process());
        let round = nonsense::round(self.at_ms);
        let began = now();
        nonsense::say(world.bus.port(), (0..NONSENSE_ROUNDS).map(|_| &round));
        let took_s = began.elapsed().as_secs_f64();
        // Behind all of it on the way to the head unit.
        self.at_ms += nonsense::EVENT_ROUND_MS;
        until("a drive goes on", PATIENCE, || {
            let tenth = self.tenth();
            self.stream.write_all(&tenth.concat()).unwrap();
            (self.seen_ms.load(Ordering::SeqCst) >= self.at_ms - 1_000).then_some(())
        });
        let after = live(world);
        let sent = NONSENSE_ROUNDS * nonsense::EVERY_ROUND;
        let refused = refused(&after) - refused(&before);
        println!(
            "nonsense: {sent} messages in {took_s:.1} s, {:.0} a second; the broker passed on and the head unit refused \
             {refused}, with {:.2} s of CPU, {kib_before} to {} KiB",
            sent as f64 / took_s,
            cpu_s(world.car.process()) - cpu_before,
            resident_kib(world.car.process())
        );
    }

    /// What the car says in a tenth of a second.
    fn tenth(&mut self) -> Vec<Vec<u8>> {
        self.tenth += 1;
        self.at_ms += 100;
        let t = self.tenth as f64 / 10.0;
        let speed = 60.0 + 25.0 * (t / 20.0).sin();
        let pull = 25.0 / 3.6 / 20.0 * (t / 20.0).cos();
        self.metres += speed / 36.0;
        let values = [
            speed,
            pull,
            (t / 7.0).sin(),
            -9_000.0 - 12_000.0 * pull,
            35.0 + 5.0 * (t / 11.0).sin(),
        ];
        let mut packets: Vec<_> = SAMPLED
            .into_iter()
            .zip(values)
            .map(|(path, value)| packet(path, &format!("{value:.3}"), self.at_ms))
            .collect();
        if self.tenth.is_multiple_of(10) {
            let kwh = 1.0 + self.metres / 1_000.0 * 0.15;
            packets.push(packet(ODOMETER, &format!("{:.0}", self.metres), self.at_ms));
            packets.push(packet(CONSUMED, &format!("{kwh:.4}"), self.at_ms));
        }
        packets
    }
}

/// Keeps an eye on what the head unit says on `dashpoint/seen`; returns when it hears it, since it is said only once.
fn listen(bus: u16, seen_ms: Arc<AtomicI64>) {
    let (client, mut connection) = Client::builder(MqttOptions::new("pace", ("127.0.0.1", bus)))
        .capacity(10)
        .build();
    client.subscribe("dashpoint/seen", QoS::AtMostOnce).unwrap();
    let (subscribed, hears) = mpsc::channel();
    thread::spawn(move || {
        let _client = client;
        for event in connection.iter() {
            // The broker ends before this thread does.
            let Ok(event) = event else { return };
            match event {
                Event::Incoming(Incoming::SubAck(_)) => subscribed.send(()).unwrap(),
                Event::Incoming(Incoming::Publish(publish)) => {
                    let said: Value = serde_json::from_slice(&publish.payload).unwrap();
                    let ts: Timestamp = said["ts"].as_str().unwrap().parse().unwrap();
                    seen_ms.store(ts.as_millisecond(), Ordering::SeqCst);
                }
                Event::Incoming(_) | Event::Outgoing(_) => {}
            }
        }
    });
    hears.recv_timeout(PATIENCE).unwrap();
}

/// What a vehicle says of one signal.
fn packet(path: &str, value: &str, at_ms: i64) -> Vec<u8> {
    let ts = Timestamp::from_millisecond(at_ms).unwrap();
    let payload = format!("{{\"value\":{value},\"ts\":\"{ts:.3}\"}}");
    nonsense::publish(path, payload.as_bytes())
}

/// This program again, as the client that only counts.
struct Bare {
    child: Child,
    counted: Arc<AtomicU64>,
}

impl Bare {
    /// Starts it, and returns when it is subscribed.
    fn start(bus: u16, messages: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["count", &bus.to_string(), &messages.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "subscribed");
        let counted = Arc::new(AtomicU64::new(0));
        let told = Arc::clone(&counted);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                told.store(line.parse().unwrap(), Ordering::SeqCst);
            }
        });
        Self { child, counted }
    }

    fn wait_for_all(&self, messages: u64) {
        until("the bare client has counted everything", PATIENCE, || {
            (self.counted.load(Ordering::SeqCst) >= messages).then_some(())
        });
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The client that only counts: the subscriptions of the head unit, and nothing done with what comes.
fn count(bus: u16, messages: u64) -> ExitCode {
    let (client, mut connection) = Client::builder(MqttOptions::new("counts", ("127.0.0.1", bus)))
        .capacity(64)
        .build();
    let filters = Signal::ALL.iter().map(|signal| {
        let topic = format!("vss/{}", signal.path().replace('.', "/"));
        SubscribeFilter::new(topic, QoS::AtLeastOnce)
    });
    client.subscribe_many(filters).unwrap();
    let mut counted = 0;
    for event in connection.iter() {
        match event.unwrap() {
            Event::Incoming(Incoming::SubAck(_)) => println!("subscribed"),
            Event::Incoming(Incoming::Publish(_)) => {
                counted += 1;
                if counted % COUNT_TOLD_EVERY == 0 || counted == messages {
                    println!("{counted}");
                }
            }
            Event::Incoming(_) | Event::Outgoing(_) => {}
        }
    }
    ExitCode::SUCCESS
}

fn live(world: &World) -> Value {
    world.car.status()["live"].clone()
}

fn taken(live: &Value) -> u64 {
    live["taken"].as_u64().unwrap()
}

fn refused(live: &Value) -> u64 {
    let kinds = live["refused"].as_object().unwrap();
    kinds.values().filter_map(Value::as_u64).sum()
}

/// User and system time of a process, in seconds.
fn cpu_s(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let after_name = &stat[stat.rfind(')').unwrap() + 2..];
    let fields: Vec<_> = after_name.split(' ').collect();
    let ticks = |field: usize| fields[field].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / TICKS_PER_S
}

fn resident_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse().unwrap()
}
