//! A recorded drive with positions: the car has its trip, and nobody else learns where and when it went.

use std::fs;

use dashpoint_wire::{MAX_DECODED, inflate};
use vehicle_sim::{Command, Plan};

use crate::search::Secrets;
use crate::support::{Gate, Kind, MEMBER_NAME, Manner, VIN, World, charge, free_port, recording};

#[test]
fn a_drive_with_positions_is_a_trip_and_leaves_nothing_of_them() {
    let Some(file) = recording("drives/covesa-cv-recording.csv") else {
        return;
    };
    let Some(mut world) = World::new(Kind::Mosquitto) else {
        return;
    };
    let text = fs::read_to_string(&file).unwrap();
    let drive = Command::Replay {
        file,
        keep_time: false,
        with_position: true,
    };
    let driven = world.vehicle.plan(&drive);
    let secrets = secrets(&text, &driven);
    assert_each_position_would_be_found(&secrets, &driven);

    world.car.start();
    world.cloud.stop();
    world.vehicle.run(&drive);
    world.vehicle.run(&Command::Charge(charge()));
    world.car.wait_for_entries(2);
    let trips = world.car.trips();
    assert_eq!(trips.len(), 1, "{trips:?}");
    let (found, expected) = (trips[0].odometer.length() as f64, metres(&text));
    assert!((found / expected - 1.0).abs() < 0.005, "{found} {expected}");

    let port = free_port();
    world.cloud.serve_on(port);
    let gate = Gate::open(world.port, Manner::carry(port));
    world.car.reconcile();
    world.assert_agreed();
    assert!(world.car.stop().success());
    let asked = gate.asked();
    drop(gate);
    let statement = world.cloud.statement(&world.member).to_string();
    world.cloud.stop();

    let mut entries = 0;
    for request in &asked {
        secrets.assert_not_in(&request.head(), &request.raw);
        if request.header("content-encoding").as_deref() == Some("deflate") {
            let body = inflate(request.body(), MAX_DECODED).unwrap();
            secrets.assert_not_in(&request.head(), &body);
            entries += usize::from(request.is("POST", "/entries") && body.len() > 200);
        }
    }
    assert!(entries > 0, "no entries were sent");
    secrets.assert_not_in("the statement", statement.as_bytes());
    secrets.assert_not_in_log("the head unit's log", &world.car.said());
    secrets.assert_not_in_log("the cloud's log", &world.cloud.said());
    let cells = secrets.assert_not_in_folder(world.cloud.data());
    assert!(cells > 50, "{cells} cells of the cloud's database");
}

fn secrets(recording: &str, driven: &Plan) -> Secrets {
    let mut secrets = Secrets::default();
    secrets.word("the car", VIN);
    secrets.word("the charging point", charge().evse_id());
    let mut places = 0;
    for row in recording.lines() {
        let mut fields = row.split(',').skip(1);
        let (path, value) = (fields.next().unwrap(), fields.next().unwrap());
        if path.ends_with("Latitude") || path.ends_with("Longitude") {
            secrets.degrees(value.parse().unwrap());
            places += 1;
        }
    }
    assert!(places > 900, "{places}");
    let times: Vec<_> = driven.messages.iter().map(|message| message.at).collect();
    secrets.happened(&times);
    secrets
}

/// The search finds them where they are: on the bus.
fn assert_each_position_would_be_found(secrets: &Secrets, driven: &Plan) {
    let mut found = 0;
    for message in &driven.messages {
        let value = serde_json::to_string(&message.value).unwrap();
        if message.path.ends_with("itude") && !message.path.ends_with("Altitude") {
            assert!(secrets.find(value.as_bytes()).is_some(), "{value}");
            found += 1;
        }
        let at = format!("{{\"ts\":\"{}\"}}", message.at);
        let is_coarse = message.at.as_second() % 300 == 0;
        assert!(is_coarse || secrets.find(at.as_bytes()).is_some(), "{at}");
    }
    assert!(found > 900, "{found}");
    assert_eq!(secrets.find(MEMBER_NAME.as_bytes()), None);
}

/// The way by the recorded speeds.
fn metres(recording: &str) -> f64 {
    let (mut metres, mut at_s) = (0.0, 0.0);
    let mut before: Option<(f64, f64)> = None;
    for row in recording.lines().skip(1) {
        let fields: Vec<_> = row.split(',').collect();
        at_s += fields[3].parse::<f64>().unwrap();
        if fields[1] == "Vehicle.Speed" {
            let speed = fields[2].parse::<f64>().unwrap() / 3.6;
            if let Some((from_s, from)) = before {
                metres += (from + speed) / 2.0 * (at_s - from_s);
            }
            before = Some((at_s, speed));
        }
    }
    metres
}
