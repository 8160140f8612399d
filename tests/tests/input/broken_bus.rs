//! The bus breaks in the middle of a drive.

use std::io::{self, Read};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use jiff::SignedDuration;
use vehicle_sim::{Command, Delivery, Endpoint, Plan, Scenario};

use crate::support::{Kind, PATIENCE, World, until};

const US06_M: u64 = 12_888;
/// From the first metre to the last: it stands for the first five seconds.
const US06_S: u32 = 595;
/// The broker goes five minutes into the drive, and the car drives on for forty seconds before there is one again.
const DRIVE: &str = r#"
about = "a drive with a hole"
[[step]]
fault = { does = "lose", after = "5m", for = "40s" }
[[step]]
drive = { cycle = "us06" }
"#;
const BREAKS_AFTER: SignedDuration = SignedDuration::from_mins(5);
const AWAY_S: u32 = 40;

#[test]
fn a_broker_that_restarts_in_the_middle_of_a_drive_makes_one_trip_of_it() {
    let Some(mut world) = World::new(Kind::Mosquitto) else {
        return;
    };
    let drive = Command::Scenario(Scenario::parse("a drive", DRIVE).unwrap());
    let before = bytes_before_the_hole(&world.vehicle.plan(&drive));
    let valve = Valve::open(world.bus.port(), before);
    let vehicle = world
        .vehicle
        .with(|options| options.broker = Endpoint::local(valve.port));
    world.car.start();
    world.cloud.stop();
    let driving = vehicle.run_beside(drive);

    valve.shut.recv_timeout(PATIENCE).unwrap();
    world.bus.kill();
    let bus_is = |there: bool| {
        let is_so = || (world.car.status()["live"]["bus"] == there).then_some(());
        until("the head unit knows of its broker", PATIENCE, is_so);
    };
    bus_is(false);
    world.bus.start_again();
    bus_is(true);
    valve.break_it.send(()).unwrap();
    driving.join().unwrap();
    world.car.wait_for_entries(1);

    let trips = world.car.trips();
    assert_eq!(trips.len(), 1, "{trips:?}");
    let trip = &trips[0];
    let off = trip.odometer.length().abs_diff(US06_M) * 1_000;
    assert!(off <= US06_M * 5, "{trip:?}");
    // What was on its way went down with the broker.
    assert!(
        (AWAY_S - 2..=AWAY_S + 10).contains(&trip.missed_s),
        "{trip:?}"
    );
    // The driving time is rounded up to a minute, never down.
    let over_s = trip.driving.at_most_s() + u64::from(trip.missed_s) - u64::from(US06_S);
    assert!(over_s < 60, "{trip:?}");
    assert!(world.car.stop().success());
}

/// What the vehicle writes to its broker before the hole.
fn bytes_before_the_hole(plan: &Plan) -> u64 {
    let (begins, _) = plan.span();
    let before = plan
        .messages
        .iter()
        .filter(|message| message.at.duration_since(begins) < BREAKS_AFTER);
    before
        .map(|message| {
            let number = usize::from(message.delivery == Delivery::State) * 2;
            (4 + message.topic().len() + number + message.payload().len()) as u64
        })
        .sum()
}

/// Between the vehicle and its broker. After so many bytes from the vehicle nothing comes through any more; told to break
/// it, the connection is gone, and the next one is whole.
struct Valve {
    port: u16,
    shut: Receiver<()>,
    break_it: Sender<()>,
}

impl Valve {
    fn open(broker: u16, bytes: u64) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_shut, shut) = channel();
        let (break_it, broken) = channel::<()>();
        thread::spawn(move || {
            let (car, bus) = both_ends(&listener, broker);
            carry(&mut (&car).take(bytes), &bus);
            is_shut.send(()).unwrap();
            broken.recv().unwrap();
            for end in [&car, &bus] {
                drop(end.shutdown(Shutdown::Both));
            }
            loop {
                let (mut car, bus) = both_ends(&listener, broker);
                thread::spawn(move || carry(&mut car, &bus));
            }
        });
        Self {
            port,
            shut,
            break_it,
        }
    }
}

/// A connection of the vehicle and one to the broker for it; what the broker says is carried already.
fn both_ends(listener: &TcpListener, broker: u16) -> (TcpStream, TcpStream) {
    let (car, _) = listener.accept().unwrap();
    let bus = TcpStream::connect(("127.0.0.1", broker)).unwrap();
    let (mut from, to) = (bus.try_clone().unwrap(), car.try_clone().unwrap());
    thread::spawn(move || carry(&mut from, &to));
    for end in [&car, &bus] {
        end.set_nodelay(true).unwrap();
    }
    (car, bus)
}

/// A connection that breaks is what this is about.
fn carry(from: &mut impl Read, mut to: &TcpStream) {
    drop(io::copy(from, &mut to));
}
