//! A data folder that is there twice, or as it was last week: nothing is lost, and no metre is paid twice.

use serde_json::Value;
use vehicle_sim::{Command, Cycle, SimulatedCharge};

use crate::support::{Car, MemberCloud, PATIENCE, World, charge, until};

/// A car that has earned and is confirmed, a cloud that serves; the car does not run.
fn confirmed() -> World {
    let mut world = World::after_a_day_offline();
    world.cloud.serve();
    world.car.start();
    world.car.reconcile();
    assert!(world.car.stop().success());
    world
}

/// A small charge: there must be room for it.
fn top_up() -> Command {
    Command::Charge(SimulatedCharge {
        kwh: 2.0,
        ..charge()
    })
}

fn wait_for_trips(car: &Car, count: usize) {
    until("the trip is an entry", PATIENCE, || {
        (car.trips().len() >= count).then_some(())
    });
}

/// Points that the cloud has paid, entry by entry.
fn paid(cloud: &MemberCloud) -> i64 {
    let entries = cloud.entries();
    let points = |entry: &Value| {
        let verdict = entry["verdict"].as_object().unwrap();
        let said = verdict.values().next().unwrap();
        said["paid"]["points"].as_i64().unwrap_or(0)
    };
    entries.iter().map(points).sum()
}

/// In the end the car shows what the cloud has, to the point, and its ledger verifies. What it held before it asked may be
/// complete and old: another head unit with its key has earned since.
#[track_caller]
fn assert_shows_what_the_cloud_has(world: &World, car: &Car) {
    until("the car shows what the cloud has", PATIENCE, || {
        let status = car.reconcile();
        let member = &status["members"][0];
        (member["confirmed"] == world.cloud.points(&world.member)).then_some(())
    });
    assert_eq!(world.cloud.points(&world.member), paid(&world.cloud));
    for row in car.verified_ledger() {
        assert_ne!(row["state"], "pending", "{row:#}");
        let is_answered = row["state"] != "not earned" || row["verdict"].is_object();
        assert!(is_answered, "{row:#}");
    }
}

/// Everything that the cloud had before is as it was.
#[track_caller]
fn assert_kept(cloud: &MemberCloud, before: &[Value]) {
    assert_eq!(cloud.entries()[..before.len()], *before);
}

#[test]
fn a_folder_from_last_week_meets_the_cloud_and_goes_on() {
    let mut world = confirmed();
    let copy = last_week(&world);
    let (before, drove_m) = a_week(&mut world);
    let points = world.cloud.points(&world.member);

    world.car.restore(&copy);
    world.car.start();
    // The bus tells the old copy of a charge that it does not remember; whether it signs that before it has its own entries
    // back is a matter of who is first, and of no consequence.
    assert_shows_what_the_cloud_has(&world, &world.car);
    assert_eq!(world.cloud.points(&world.member), points);
    assert_kept(&world.cloud, &before);
    goes_on(&mut world, &before, drove_m);
}

#[test]
fn a_folder_from_last_week_earns_before_it_meets_the_cloud() {
    let mut world = confirmed();
    let copy = last_week(&world);
    let (before, drove_m) = a_week(&mut world);

    world.car.restore(&copy);
    world.cloud.stop();
    world.car.start();
    goes_on(&mut world, &before, drove_m);
    let carried = world.cloud.entries();
    let carried = carried.iter().filter(|entry| entry["carried"] == true);
    assert!(carried.count() > 0, "what was signed twice is said again");
}

/// A copy of the car's folder.
fn last_week(world: &World) -> Car {
    let folder = world.folder().join("last-week");
    world.car.copied(&folder, world.bus.port(), world.port)
}

/// Drives, charges, and is confirmed; gives what the cloud has then, and the metres ever driven.
fn a_week(world: &mut World) -> (Vec<Value>, f64) {
    world.car.start();
    let drive = world.vehicle.run(&Command::Drive(Cycle::Udds));
    world.vehicle.run(&top_up());
    world.car.wait_for_entries(4);
    world.car.reconcile();
    assert!(world.car.stop().success());
    (world.cloud.entries(), f64::from(US06_M) + drive.distance_m)
}

/// What the first day has driven.
const US06_M: u32 = 12_888;

/// The restored car drives once more; in the end every metre of all three drives is paid, each once.
fn goes_on(world: &mut World, before: &[Value], drove_m: f64) {
    let trips = world.car.trips().len();
    let drive = world.vehicle.run(&Command::Drive(Cycle::Hwfet));
    wait_for_trips(&world.car, trips + 1);
    world.cloud.serve_if_stopped();
    assert_shows_what_the_cloud_has(world, &world.car);
    assert_kept(&world.cloud, before);

    let (metres, driven) = (
        world.cloud.paid_units("odometer"),
        drove_m + drive.distance_m,
    );
    assert!(metres as f64 <= driven + 1.0, "{metres} of {driven} m");
    assert!(metres as f64 >= driven * 0.995, "{metres} of {driven} m");
    let charged = world.cloud.paid_units("charged");
    assert!(
        (19_900..=20_001).contains(&charged),
        "{charged} Wh of 20 kWh"
    );
    assert!(world.car.stop().success());
}

/// Original and clone both go on after the same entry, in two vehicles that say to be one.
#[test]
fn a_clone_beside_its_original_is_found_out_and_nothing_is_paid_twice() {
    let mut world = confirmed();
    let before = world.cloud.entries();
    let mut twin = world.twin();
    world.car.start();
    twin.car.start();
    let first = world.vehicle.run(&Command::Drive(Cycle::Hwfet));
    wait_for_trips(&world.car, 2);
    assert_shows_what_the_cloud_has(&world, &world.car);
    assert_eq!(world.cloud.devices()[0]["forked_unix_s"], Value::Null);

    // The same stretch of the odometer, from the same place of the chain.
    twin.vehicle.run(&Command::Drive(Cycle::Udds));
    wait_for_trips(&twin.car, 2);
    assert_shows_what_the_cloud_has(&world, &twin.car);
    let refused = world.cloud.entries().pop().unwrap();
    assert_eq!(refused["verdict"]["rejected"]["reason"], "already-paid");

    // The proof of the fork is kept, the device is listed, and it goes on earning.
    let device = &world.cloud.devices()[0];
    assert!(device["forked_unix_s"].is_i64(), "{device:#}");
    assert_eq!(device["branches"], 1, "{device:#}");
    let second = world.vehicle.run(&Command::Drive(Cycle::Us06));
    wait_for_trips(&world.car, 3);
    assert_shows_what_the_cloud_has(&world, &world.car);
    assert_shows_what_the_cloud_has(&world, &twin.car);
    assert_kept(&world.cloud, &before);
    let driven = f64::from(US06_M) + first.distance_m + second.distance_m;
    let metres = world.cloud.paid_units("odometer");
    assert!(
        (metres as f64 - driven).abs() <= driven * 0.005,
        "{metres} of {driven} m"
    );

    enrols_with_a_new_key(&mut world, &mut twin.car);
}

/// The original's owner enrols anew; the operator shuts the old key out, and with it the clone.
fn enrols_with_a_new_key(world: &mut World, clone: &mut Car) {
    let old = world.car.device();
    let points = world.cloud.points(&world.member);
    assert!(world.car.stop().success());
    let kept = world.car.data().with_extension("old");
    std::fs::rename(world.car.data(), kept).unwrap();
    world.car.enrol(&world.cloud, &world.member);
    world.cloud.revoke(&old.to_string());
    world.car.start();
    assert_ne!(world.car.device(), old);
    let drive = world.vehicle.run(&Command::Drive(Cycle::Us06));
    wait_for_trips(&world.car, 1);
    assert_shows_what_the_cloud_has(world, &world.car);
    let trip = world.car.trips().pop().unwrap().odometer.length();
    assert!((trip as f64 - drive.distance_m).abs() <= drive.distance_m * 0.005);
    assert!(world.cloud.points(&world.member) > points);

    // The clone finds itself shut out, and says so.
    until("the clone is refused", PATIENCE, || {
        clone.sync();
        let status = clone.status();
        (status["live"]["connection"]["state"] == "fault").then_some(())
    });
    assert!(world.car.stop().success());
    assert!(clone.stop().success());
}
