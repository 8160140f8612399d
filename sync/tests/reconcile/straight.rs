//! The straight way: everything works.

use dashpoint_sync::{ConnectionState, Event, OfflineReason};

use super::world::{DAY, HOUR, MINUTE, SECOND, Weather, World};

#[test]
fn entries_get_their_verdicts_and_the_car_gets_what_it_lacks() {
    let mut world = World::new();
    world.commit(3);
    world.run(MINUTE);
    world.assert_settled();
    assert_eq!(world.disk.verdicts.len(), 3);
    assert_eq!(
        world.disk.catalogue,
        Some(world.cloud.catalogue.body().version)
    );
}

#[test]
fn a_new_entry_leaves_at_once_and_alone() {
    let mut world = World::new();
    world.run(MINUTE);
    let before = world.sends.len();
    world.commit(1);
    world.run(SECOND);
    assert_eq!(world.sends.len(), before + 1);
    world.assert_settled();
}

#[test]
fn many_entries_leave_in_batches_of_a_hundred() {
    let mut world = World::asleep();
    world.every_request(Weather::Dead);
    world.start();
    world.commit(250);
    world.run(MINUTE);
    world.every_request(Weather::Fine);
    world.sends.clear();
    world.run(10 * MINUTE);
    world.assert_settled();
    let batches = world
        .sends
        .iter()
        .filter(|(_, request)| request.path.ends_with("/entries"));
    assert_eq!(batches.count(), 3);
}

#[test]
fn the_status_tells_of_waiting_entries_and_of_the_time_since_the_last_contact() {
    let mut world = World::asleep();
    world.every_request(Weather::Dead);
    world.start();
    world.commit(2);
    world.run(MINUTE);
    let never = ConnectionState::Offline {
        since_unix_s: None,
        reason: OfflineReason::Unreachable,
    };
    assert_eq!(world.status().connection, never);
    assert_eq!(world.status().waiting, 2);

    world.every_request(Weather::Fine);
    world.run(10 * MINUTE);
    assert!(world.is_online());
    let syncing = |state: &ConnectionState| matches!(state, ConnectionState::Syncing { .. });
    world.statuses.clear();
    world.commit(1);
    world.run(MINUTE);
    assert!(world.statuses.iter().any(|seen| syncing(&seen.connection)));
    assert!(world.is_online());

    let last_contact = world.unix_s() - 60;
    world.every_request(Weather::Dead);
    world.run(HOUR);
    let ConnectionState::Offline {
        since_unix_s: Some(since),
        ..
    } = world.status().connection
    else {
        panic!("{:?}", world.status());
    };
    assert!(since >= last_contact - 15 * 60 && since <= last_contact + 15 * 60);
}

#[test]
fn a_quiet_car_learns_of_new_statements_policies_and_catalogues() {
    let mut world = World::new();
    world.run(MINUTE);
    world.cloud.new_policy();
    world.cloud.new_policy();
    world.cloud.new_catalogue();
    world.cloud.touch_member();
    world.run(16 * MINUTE);
    world.assert_settled();
    assert_eq!(
        world.disk.catalogue,
        Some(world.cloud.catalogue.body().version)
    );
}

#[test]
fn a_receipt_that_names_a_newer_policy_makes_the_car_ask_for_it() {
    let mut world = World::new();
    world.run(MINUTE);
    world.cloud.new_policy();
    world.commit(1);
    world.run(SECOND);
    world.assert_settled();
}

#[test]
fn a_quiet_car_asks_rarely_and_still_gets_fresh_receipts() {
    let mut world = World::new();
    world.run(MINUTE);
    world.sends.clear();
    world.run(DAY);
    let count = |end: &str| {
        let of = world
            .sends
            .iter()
            .filter(|(_, request)| request.path.contains(end));
        of.count()
    };
    assert!((3..=4).contains(&count("/entries")), "fresh receipts");
    assert!((95..=96).contains(&count("/statement")));
    assert!(world.sends.len() <= 300, "{}", world.sends.len());
}

#[test]
fn a_restart_at_any_step_changes_nothing() {
    for step_ms in 1..60 {
        let mut world = World::new();
        world.commit(2);
        world.run(step_ms * 7);
        world.restart();
        world.commit(1);
        world.run(step_ms * 7);
        world.restart();
        world.run(MINUTE);
        world.assert_settled();
    }
}

#[test]
fn bindings_that_change_are_taken_up_without_losing_count() {
    let mut world = World::new();
    world.commit(1);
    world.run(40);
    world.feed(Event::Started(world.disk.facts()));
    world.run(MINUTE);
    world.assert_settled();
}
