//! A ledger that is damaged where its opening does not look: found while the head unit runs, set aside, salvaged, and what
//! the cloud has of it comes back.

use std::fs;

use crate::screen::shows;
use crate::support::{Car, Display, PATIENCE, World, until};

/// A car that has earned twice and is confirmed, and whose oldest entry has a flipped bit; it does not run.
fn with_a_flipped_bit() -> World {
    let mut world = World::after_a_day_offline();
    world.cloud.serve();
    world.car.start();
    world.car.reconcile();
    assert!(world.car.stop().success());
    flip_a_bit(&world);
    world
}

/// One of the oldest entry.
fn flip_a_bit(world: &World) {
    let path = world.car.data().join("ledger.db");
    let mut bytes = fs::read(&path).unwrap();
    let signed = oldest(&world.car);
    let at = bytes
        .windows(signed.len())
        .position(|window| window == signed)
        .unwrap();
    bytes[at + signed.len() / 2] ^= 1;
    fs::write(&path, &bytes).unwrap();
}

/// The bytes of the oldest entry.
fn oldest(car: &Car) -> Vec<u8> {
    let file = rusqlite::Connection::open(car.data().join("ledger.db")).unwrap();
    file.query_row("SELECT raw FROM entry ORDER BY id LIMIT 1", [], |row| {
        row.get(0)
    })
    .unwrap()
}

fn is_salvaged(world: &World) {
    until("the damaged ledger is set aside", PATIENCE, || {
        let aside = world.car.data().join("ledger.corrupt-1.db");
        aside.exists().then_some(())
    });
    until("the damaged ledger is salvaged", PATIENCE, || {
        // Between the damaged ledger and the new one there is none.
        let live = &world.car.try_status()?["live"];
        (live["salvaged"] == true && live["ledger"] == "whole" && live["bus"] == true).then_some(())
    });
}

/// It is said, salvaged, and whole again with the help of the cloud.
fn comes_back(world: &World) {
    is_salvaged(world);
    world.car.reconcile();
    world.assert_same_entries();
    assert_eq!(world.car.verified_ledger().len(), 2);
}

#[test]
fn a_ledger_that_is_damaged_in_its_middle_is_found_and_salvaged_while_the_head_unit_runs() {
    let mut world = with_a_flipped_bit();
    world.car.launch();
    comes_back(&world);
    assert!(world.car.stop().success());

    // The next start finds nothing.
    world.car.start();
    until("the ledger is looked at", PATIENCE, || {
        (world.car.status()["live"]["ledger"] == "whole").then_some(())
    });
    assert_eq!(world.car.status()["live"]["salvaged"], false);
    assert!(!world.car.data().join("ledger.corrupt-2.db").exists());
    assert!(world.car.stop().success());
}

#[test]
fn an_unsent_entry_behind_a_damaged_one_reaches_the_cloud() {
    let mut world = World::after_a_day_offline();
    flip_a_bit(&world);
    world.car.launch();
    is_salvaged(&world);
    world.cloud.serve();
    world.car.sync();
    let entries = until("the charge is at the cloud", PATIENCE, || {
        Some(world.cloud.entries()).filter(|entries| !entries.is_empty())
    });
    // The drive before it was on this disk only.
    assert_eq!(entries.len(), 1, "{entries:#?}");
    assert_eq!(entries[0]["kind"], "charge");
    assert_eq!(entries[0]["carried"], true);
    let status = world.car.reconcile();
    assert_eq!(
        status["members"][0]["confirmed"],
        world.cloud.points(&world.member)
    );
    assert!(world.cloud.points(&world.member) > 0);
    assert!(world.car.stop().success());
}

#[test]
fn the_first_frame_comes_before_the_look_and_the_window_outlives_the_salvage() {
    let Some(display) = Display::open() else {
        return;
    };
    let mut world = with_a_flipped_bit();
    world.car.show_on(display.name());
    world.car.launch();
    comes_back(&world);
    shows(&world.car, &[("page", "home".into())]);
    let said = world.car.said();
    let at = |what: &str| said.rfind(what);
    let (drawn, damaged) = (at("first frame"), at("the ledger is damaged"));
    // A screen that does not come up for seconds must not keep the car from earning; that is said.
    assert!(
        drawn < damaged || said.contains("the screen is slow to come up"),
        "{said}"
    );
    assert_eq!(said.matches("first frame").count(), 1, "one window");
    assert!(world.car.stop().success());
}
