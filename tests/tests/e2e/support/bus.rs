//! The bus in the vehicle, and the vehicle on it.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Command as Process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rumqttc::{Client, Event, Incoming, MqttOptions, PublishOptions, QoS};
use tokio::runtime;
use vehicle_sim::{
    Broker, Command, Endpoint, EnergySource, Identity, Options, Plan, Progress, SimulatedCharge,
    Simulator, Summary,
};

use super::privacy::{LATITUDE, LONGITUDE};
use super::program::Program;
use super::{PATIENCE, VIN, free_port, is_there, until, wall};

/// Which broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// In this process.
    Rumqttd,
    /// A real one beside it.
    Mosquitto,
}

/// A broker; it listens.
pub struct Bus {
    kind: Kind,
    port: u16,
    mosquitto: Option<Mosquitto>,
}

/// A mosquitto, and what it takes to start it again.
struct Mosquitto {
    program: &'static str,
    folder: PathBuf,
    running: Option<Program>,
}

impl Bus {
    /// Starts one; `None` when it is not installed.
    pub fn start(kind: Kind, folder: &Path) -> Option<Self> {
        match kind {
            Kind::Rumqttd => Some(Self {
                kind,
                port: Broker::start(0).unwrap().port(),
                mosquitto: None,
            }),
            Kind::Mosquitto => Self::mosquitto(folder),
        }
    }

    fn mosquitto(folder: &Path) -> Option<Self> {
        let port = free_port();
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nsys_interval 1\n"
        );
        fs::write(folder.join("mosquitto.conf"), text).unwrap();
        Self::configured(folder, port)
    }

    /// Starts mosquitto on the `mosquitto.conf` of a folder, which listens on that port.
    pub fn configured(folder: &Path, port: u16) -> Option<Self> {
        let program = [
            "/usr/sbin/mosquitto",
            "/usr/bin/mosquitto",
            "/usr/local/sbin/mosquitto",
        ]
        .into_iter()
        .find(|path| Path::new(path).exists());
        if !is_there("mosquitto", program.is_some()) {
            return None;
        }
        let mut bus = Self {
            kind: Kind::Mosquitto,
            port,
            mosquitto: Some(Mosquitto {
                program: program?,
                folder: folder.to_owned(),
                running: None,
            }),
        };
        bus.start_again();
        Some(bus)
    }

    /// SIGKILL for mosquitto: it takes with it what was on its way and what it retained.
    pub fn kill(&mut self) {
        let mosquitto = self.mosquitto.as_mut().unwrap();
        mosquitto.running.take().unwrap().kill();
    }

    /// Starts mosquitto on the same port, with nothing in it.
    pub fn start_again(&mut self) {
        let port = self.port;
        let mosquitto = self.mosquitto.as_mut().unwrap();
        let mut command = Process::new(mosquitto.program);
        command
            .args(["-c", "mosquitto.conf"])
            .current_dir(&mosquitto.folder);
        let log = mosquitto.folder.join("mosquitto.log");
        mosquitto.running = Some(Program::start(&mut command, &log));
        until("mosquitto listens", PATIENCE, || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
    }

    /// Its port on this machine.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether somebody whose name begins so is, or was, connected to mosquitto.
    pub fn has_met(&self, name: &str) -> bool {
        let mosquitto = self.mosquitto.as_ref().unwrap();
        let log = fs::read_to_string(mosquitto.folder.join("mosquitto.log")).unwrap();
        let mut connected = log.lines().filter(|line| line.contains("New client"));
        connected.any(|line| line.contains(&format!(" as {name}")))
    }

    /// What mosquitto said last of how many messages it had no room for.
    pub fn dropped(&self) -> u64 {
        let options = MqttOptions::new("bookkeeper", ("127.0.0.1", self.port));
        let (client, mut connection) = Client::builder(options).capacity(10).build();
        let topic = "$SYS/broker/publish/messages/dropped";
        client.subscribe(topic, QoS::AtMostOnce).unwrap();
        let mut said = connection.iter().filter_map(|event| match event.unwrap() {
            Event::Incoming(Incoming::Publish(said)) => String::from_utf8(said.payload.into()).ok(),
            Event::Incoming(_) | Event::Outgoing(_) => None,
        });
        said.next().unwrap().parse().unwrap()
    }

    /// Publishes a position, as a navigation system does: no business of the head unit's.
    pub fn tell_position(&self) {
        let options = MqttOptions::new("navigation", ("127.0.0.1", self.port));
        let (client, mut connection) = Client::builder(options).capacity(10).build();
        for (axis, degrees) in [("Latitude", LATITUDE), ("Longitude", LONGITUDE)] {
            let topic = format!("vss/Vehicle/CurrentLocation/{axis}");
            let point = format!("{{\"value\":{degrees},\"ts\":\"{}\"}}", wall());
            client
                .publish(topic, point, PublishOptions::at_least_once().retained())
                .unwrap();
        }
        let acknowledged = connection
            .iter()
            .filter(|event| matches!(event, Ok(Event::Incoming(Incoming::PubAck(_)))));
        assert_eq!(acknowledged.take(2).count(), 2);
    }
}

/// Without progress the simulator waits for the head unit twice as long as its patience is, and for a broker.
const STANDS_STILL_MAX: Duration = Duration::from_secs(300);

/// Early enough for the longest day of driving to end before the hours that count as late.
const FIRST_HOUR: i8 = 6;

/// The simulated vehicle; its clock and meters go on from command to command.
#[derive(Clone)]
pub struct Vehicle {
    options: Options,
}

impl Vehicle {
    /// A vehicle on a bus. Its first command is yesterday morning: whatever it does lies in the past, and by day, so that
    /// no score depends on the hour at which the tests run.
    pub fn new(bus: &Bus, folder: &Path) -> Self {
        let mut options = Options::new(Endpoint::local(bus.port()), wall());
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let yesterday = wall().to_zoned(zone.clone()).date().yesterday().unwrap();
        let morning = yesterday.at(FIRST_HOUR, 0, 0, 0).to_zoned(zone).unwrap();
        options.start = Some(morning.timestamp());
        options.state = Some(state_file(folder));
        // On a busy machine a head unit that is there may say nothing for a while.
        options.patience = PATIENCE;
        options.identity = Identity {
            vin: VIN.parse().unwrap(),
            driver: None,
        };
        if bus.kind == Kind::Rumqttd {
            // It hands over signal by signal, and the head unit has a subscription for each: flat out, what it keeps of
            // one signal would come later than the head unit may wait for it.
            options.states_ahead = Broker::STATES_AHEAD;
            options.time_ahead = Some(SignedDuration::from_secs(1));
        }
        Self { options }
    }

    /// Does something to its end; the head unit must have taken all of it.
    pub fn run(&self, command: &Command) -> Summary {
        let summary = self.run_alone(command);
        assert!(summary.all_seen(), "{summary}");
        summary
    }

    /// The same vehicle in other circumstances: whose bus is behind another port, or which does not say everything.
    pub fn with(&self, change: impl FnOnce(&mut Options)) -> Self {
        let mut vehicle = self.clone();
        change(&mut vehicle.options);
        vehicle
    }

    /// How it is set up.
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// What it would say now.
    pub fn plan(&self, command: &Command) -> Plan {
        let simulator = Simulator::new(self.options.clone()).unwrap();
        simulator.plan(command).unwrap()
    }

    /// Does something with no regard to who listens.
    pub fn run_alone(&self, command: &Command) -> Summary {
        play(&self.options, command, &mut |_| {})
    }

    /// Does something beside the test.
    pub fn run_beside(&self, command: Command) -> JoinHandle<Summary> {
        let vehicle = self.clone();
        thread::spawn(move || vehicle.run_alone(&command))
    }

    /// Does something beside the test, which ends the head unit and starts it again: the vehicle stands still in time
    /// once it is `after` its first message, until the test lets it go on.
    pub fn run_held(&self, command: Command, after: SignedDuration) -> Held {
        self.run_held_at(command, vec![after])
    }

    /// The same with several places to be held at, in order; at least one.
    pub fn run_held_at(&self, command: Command, stops: Vec<SignedDuration>) -> Held {
        let mut options = self.options.clone();
        // What was on its way is lost with the head unit and will not be seen; the states that it finds at its start
        // are a second older at most.
        options.time_ahead = options.time_ahead.map(|_| Broker::TIME_AHEAD);
        let (reached, places) = mpsc::channel();
        let (go_on, told) = mpsc::channel();
        let mut stops = stops.into_iter().peekable();
        let mut first = None;
        let mut report = move |progress| {
            let Progress::Sent { at, .. } = progress else {
                return;
            };
            let begins = *first.get_or_insert(at);
            let Some(after) = stops.peek() else {
                return;
            };
            let is_there = at >= begins + *after;
            let place = Place { at, is_there };
            reached.send(place).expect("the test waits for the vehicle");
            if is_there {
                stops.next();
                told.recv().expect("the test lets the vehicle go on");
            }
        };
        let running = thread::spawn(move || play(&options, &command, &mut report));
        let mut held = Held {
            at: Timestamp::MIN,
            places,
            go_on,
            running,
        };
        held.next();
        held
    }
}

/// Progress of a vehicle on its way to the place at which it is held.
struct Place {
    at: Timestamp,
    is_there: bool,
}

/// A vehicle for which time stands still, in the middle of something.
pub struct Held {
    at: Timestamp,
    places: mpsc::Receiver<Place>,
    go_on: mpsc::Sender<()>,
    running: JoinHandle<Summary>,
}

impl Held {
    /// Event time, in milliseconds, up to which the head unit is sure to take what was sent.
    pub fn taken_until_ms(&self) -> i64 {
        (self.at - SignedDuration::from_secs(5)).as_millisecond()
    }

    /// Waits until it comes to the next place where it is held, as long as it is on its way: it may itself wait for the head
    /// unit as long as its patience is.
    pub fn next(&mut self) {
        loop {
            let place = self.places.recv_timeout(2 * PATIENCE);
            let place = place.expect("the vehicle comes to where it is held");
            self.at = place.at;
            if place.is_there {
                break;
            }
        }
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.go_on.send(()).expect("the vehicle is held");
    }

    /// Waits until it has done all of it.
    pub fn ended(self) -> Summary {
        self.running.join().expect("the simulator ends")
    }
}

fn play(
    options: &Options,
    command: &Command,
    report: &mut (dyn FnMut(Progress) + Send),
) -> Summary {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut simulator = Simulator::new(options.clone()).unwrap();
    let reports = AtomicU64::new(0);
    let mut report = |progress| {
        reports.fetch_add(1, Ordering::Relaxed);
        report(progress);
    };
    runtime.block_on(async {
        let mut playing = pin!(simulator.run_reporting(command, &mut report));
        let mut before = None;
        loop {
            match tokio::time::timeout(STANDS_STILL_MAX, &mut playing).await {
                Ok(played) => break played.unwrap(),
                Err(_) => {
                    let reported = Some(reports.load(Ordering::Relaxed));
                    assert_ne!(reported, before, "the simulator goes on");
                    before = reported;
                }
            }
        }
    })
}

fn state_file(folder: &Path) -> PathBuf {
    folder.join("vehicle.json")
}

/// 18 kWh at a DC post, 80 % of it renewable: twenty minutes in steps of seconds, each of which the head unit takes before
/// the next goes out.
pub fn charge() -> SimulatedCharge {
    SimulatedCharge {
        kwh: 18.0,
        renewable_percent: 80,
        source: EnergySource::Site,
        dc: true,
    }
}
