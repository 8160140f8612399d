//! A battery whose counter is another one: the car opens the next meter, and the cloud judges it, or its operator.

use std::fs;

use jiff::SignedDuration;
use serde_json::Value;
use vehicle_sim::{Command, SimulatedCharge};

use crate::support::{Kind, PATIENCE, World, charge, until};

const CHARGED_WH: u64 = 18_000;

/// The workshop puts in a battery whose counter has counted so much.
fn replace_battery(world: &World, charged_kwh: f64) {
    let file = world.vehicle.options().state.as_ref().unwrap();
    let text = fs::read_to_string(file).unwrap();
    let mut state: Value = serde_json::from_str(&text).unwrap();
    state["meters"]["charged_kwh"] = charged_kwh.into();
    state["meters"]["renewable_kwh"] = 0.into();
    fs::write(file, state.to_string()).unwrap();
}

/// Charges for twenty minutes in the mornings of some days.
fn charge_daily(world: &World, days: std::ops::Range<i64>) {
    let first = world.vehicle.options().start.unwrap();
    for day in days {
        // Before the car was enrolled: the times are doubtful, and nothing is told by them.
        let ago = SignedDuration::from_hours(24 * (20 - day));
        let vehicle = world.vehicle.with(|options| {
            options.start = Some(first - ago);
            options.charge_percent = Some(20.0);
        });
        // Seven of them stay below the cap of a day: the cloud counts all of them on the day on which it gets them.
        let charge = SimulatedCharge {
            renewable_percent: 40,
            ..charge()
        };
        vehicle.run(&Command::Charge(charge));
    }
}

/// Names an entry as the operator does.
fn place(entry: &Value) -> String {
    let device = entry["device"].as_str().unwrap();
    format!("{device}/{}-{}", entry["epoch"], entry["seq"])
}

fn confirmed(world: &World) -> i64 {
    world.car.points().0
}

/// Waits until the cloud has so many openings, and the last of them is in this state.
fn wait_for_opening(world: &World, count: usize, state: &str) -> Value {
    until("the cloud judges an opening", PATIENCE, || {
        world.car.sync();
        let openings = world.cloud.openings();
        let last = openings.last().filter(|_| openings.len() == count)?;
        (last["state"] == state).then(|| last.clone())
    })
}

#[test]
fn a_replaced_battery_earns_again() {
    let mut world = World::new(Kind::Rumqttd).unwrap();
    world.car.start();
    charge_daily(&world, 0..1);
    world.car.wait_for_entries(1);
    world.car.reconcile();
    let one_charge = confirmed(&world);
    assert!(one_charge > 0);

    // From a year of another car. On the third day it is steady, and what has waited is signed after the opening.
    replace_battery(&world, 9_000.0);
    charge_daily(&world, 1..3);
    assert_eq!(world.car.entries().len(), 1);
    charge_daily(&world, 3..4);
    world.car.wait_for_entries(5);
    world.car.reconcile();
    let opening = wait_for_opening(&world, 1, "open");
    assert_eq!(
        (&opening["meter"], &opening["number"]),
        (&"charged".into(), &2.into())
    );
    assert_eq!(opening["last"], CHARGED_WH);
    world.assert_agreed();
    let before = confirmed(&world);
    assert!(before > 3 * one_charge);
    let paid_wh = world.cloud.paid_units("charged");
    let charged_wh = 4 * CHARGED_WH;
    assert!(
        (charged_wh - 500..=charged_wh).contains(&paid_wh),
        "{paid_wh}"
    );

    // A second one in a year waits for the operator, with what was charged on it.
    replace_battery(&world, 50.0);
    charge_daily(&world, 4..7);
    world.car.wait_for_entries(9);
    let opening = wait_for_opening(&world, 2, "waits");
    until("what is claimed waits with it", PATIENCE, || {
        world.car.sync();
        (world.cloud.openings()[1]["waiting"] == 3).then_some(())
    });
    assert_eq!(confirmed(&world), before);
    world.cloud.accept_opening(&place(&opening["entry"]));
    world.car.reconcile();
    wait_for_opening(&world, 2, "open");
    world.assert_agreed();
    assert!(confirmed(&world) > 6 * one_charge);
    let paid_wh = world.cloud.paid_units("charged");
    let charged_wh = 7 * CHARGED_WH;
    assert!(
        (charged_wh - 500..=charged_wh).contains(&paid_wh),
        "{paid_wh}"
    );
    assert!(world.car.stop().success());
}
