//! Car and cloud hold different chains: each way back.

use dashpoint_membership::{EntryBody, EntryHash, Epoch, Seq, ServerTime};
use dashpoint_sync::{Credential, HttpRequest, Method};
use dashpoint_wire::message::{Divergence, EntriesRequest, EpochRequest};
use dashpoint_wire::{ChainPoint, decode, encode};

use super::cloud::{DEVICE, reply};
use super::world::{HOUR, MINUTE, SECOND, Weather, World};

/// A car with three entries at the cloud.
pub(super) fn settled() -> World {
    let mut world = World::new();
    world.commit(3);
    world.run(MINUTE);
    world.assert_settled();
    world
}

fn carried(world: &World) -> usize {
    let is_carry = |body: &EntryBody| matches!(body, EntryBody::Carry { .. });
    let entries = world.disk.entries.values();
    entries.filter(|entry| is_carry(&entry.body().body)).count()
}

#[test]
fn an_answer_lost_after_the_commit_is_asked_for_again() {
    let mut world = settled();
    world.next_request(Weather::AnswerLost);
    world.commit(2);
    world.run(5 * MINUTE);
    world.assert_settled();
    assert_eq!(world.disk.head.epoch, Epoch::new(1));
}

#[test]
fn a_disk_restored_from_a_backup_gets_its_entries_back_and_goes_on() {
    let mut world = settled();
    let backup = world.disk.clone();
    world.commit(2);
    world.run(MINUTE);
    world.disk = backup;
    world.restart();
    world.run(MINUTE);
    world.assert_settled();
    assert_eq!(world.head_seq(), Seq::new(0));
    assert_eq!(world.disk.head.epoch, Epoch::new(2));
    assert_eq!(world.disk.said().len(), 5);
}

#[test]
fn entries_made_after_a_restored_backup_are_carried() {
    let mut world = settled();
    let backup = world.disk.clone();
    world.commit(2);
    world.run(MINUTE);
    world.disk = backup;
    world.every_request(Weather::Dead);
    world.restart();
    world.commit(3);
    world.run(MINUTE);
    world.every_request(Weather::Fine);
    world.run(10 * MINUTE);
    world.assert_settled();
    assert_eq!(carried(&world), 3);
    assert_eq!(world.disk.strays.len(), 2);
    assert_eq!(world.cloud.state.effects.len(), 8);
}

#[test]
fn a_statement_with_the_entries_of_a_clone_waits_until_the_original_has_caught_up() {
    for committed_offline in 0..=1 {
        let mut world = settled();
        world.disk_beside_posts(2);
        world.every_request(Weather::Dead);
        world.commit(committed_offline);
        world.run(MINUTE);
        world.every_request(Weather::Fine);
        // The statement comes by itself a quarter of an hour after the last one; the receipt would take hours.
        world.run(20 * MINUTE);
        world.assert_settled();
        assert_eq!(world.disk.head.epoch, Epoch::new(2));
        assert_eq!(world.disk.said().len(), 5 + committed_offline as usize);
        assert_eq!(carried(&world), committed_offline as usize);
    }
}

#[test]
fn a_disk_restored_twice_carries_nothing_twice() {
    let mut world = settled();
    let backup = world.disk.clone();
    world.commit(2);
    world.run(MINUTE);
    for _ in 0..2 {
        world.disk = backup.clone();
        world.restart();
        world.commit(1);
        world.run(10 * MINUTE);
        world.assert_settled();
    }
    assert_eq!(world.disk.head.epoch, Epoch::new(3));
    assert_eq!(world.cloud.state.effects.len(), 7);
}

#[test]
fn a_ledger_older_than_its_own_receipt_is_noticed_before_anything_is_sent() {
    let mut world = settled();
    let backup = world.disk.clone();
    world.commit(2);
    world.run(MINUTE);
    let receipt = world.disk.receipt.clone();
    world.disk = backup;
    world.disk.receipt = receipt;
    world.sends.clear();
    world.restart();
    world.run(MINUTE);
    world.assert_settled();
    assert!(world.sends[0].1.path.contains("/entries?epoch=1&from=1"));
    assert_eq!(world.disk.said().len(), 5);
}

#[test]
fn a_restored_cloud_gets_again_what_it_lost() {
    let mut world = settled();
    let backup = world.cloud.state.clone();
    world.commit(4);
    world.run(MINUTE);
    world.cloud.restore(backup);
    world.commit(1);
    world.run(MINUTE);
    world.assert_settled();
    assert_eq!(world.disk.head.epoch, Epoch::new(1));
    assert_eq!(world.cloud.state.effects.len(), 8);
}

#[test]
fn a_restored_cloud_is_noticed_by_a_car_that_has_nothing_to_send() {
    let mut world = settled();
    let backup = world.cloud.state.clone();
    world.commit(4);
    world.run(MINUTE);
    world.cloud.restore(backup);
    world.run(7 * HOUR);
    world.assert_settled();
    assert_eq!(world.cloud.state.effects.len(), 7);
}

#[test]
fn a_clone_in_the_place_of_what_a_restored_cloud_lost_is_noticed_with_nothing_to_send() {
    let mut world = settled();
    let (cloud_backup, clone) = (world.cloud.state.clone(), world.disk.clone());
    world.commit(1);
    world.run(MINUTE);
    let original = world.disk.clone();
    let lost = original.head.hash;
    // The cloud forgets it, and the clone's entry comes into its place.
    world.cloud.restore(cloud_backup);
    world.disk = clone;
    world.restart();
    world.commit(1);
    world.run(MINUTE);
    world.assert_settled();
    assert_ne!(world.disk.head.hash, lost);

    world.disk = original;
    world.restart();
    world.run(7 * HOUR);
    world.assert_settled();
    assert_eq!(world.disk.head.epoch, Epoch::new(2));
    assert_eq!(world.cloud.state.effects.len(), 5);
}

#[test]
fn verdicts_of_an_earlier_life_of_the_cloud_are_asked_for_again() {
    let mut world = settled();
    // It lost nothing, but who knows what came to it in which order since.
    let backup = world.cloud.state.clone();
    world.cloud.restore(backup);
    world.sends.clear();
    world.commit(1);
    world.run(MINUTE);
    world.assert_settled();
    let posts = world.sends.iter().map(|(_, request)| request);
    let posts = posts.filter(|request| request.method == Method::Post);
    let posts: Vec<_> = posts
        .map(|request| decode::<EntriesRequest>(&request.body).unwrap())
        .map(|request| (request.from.get(), request.entries.len()))
        .collect();
    assert_eq!(posts, [(4, 1), (1, 4)]);
}

#[test]
fn a_cloud_restored_to_before_an_epoch_gets_the_whole_epoch_again() {
    let mut world = settled();
    let cloud_backup = world.cloud.state.clone();
    let disk_backup = world.disk.clone();
    world.commit(1);
    world.run(MINUTE);
    world.disk = disk_backup;
    world.restart();
    world.commit(2);
    world.run(MINUTE);
    world.assert_settled();
    assert_eq!(world.disk.head.epoch, Epoch::new(2));

    world.cloud.restore(cloud_backup);
    world.commit(1);
    world.run(MINUTE);
    world.assert_settled();
    assert_eq!(world.disk.head.epoch, Epoch::new(3));
}

#[test]
fn a_receipt_of_a_cloud_that_was_restored_since_is_no_common_ground() {
    for opened in 1..=2 {
        let mut world = World::new();
        let backup = world.cloud.state.clone();
        world.commit(3);
        world.run(MINUTE);
        world.cloud.restore(backup);
        // Requests for epochs that were long under way arrive first, and their answers reach nobody.
        for epoch in 1..=opened {
            let head = ChainPoint {
                epoch: Epoch::new(epoch),
                ..world.disk.head
            };
            let request = HttpRequest {
                method: Method::Post,
                path: format!("/v1/devices/{DEVICE}/epochs"),
                body: encode(&EpochRequest {
                    head,
                    last_receipt: None,
                }),
                credential: Credential::Device { nonce: None },
            };
            let now = ServerTime::from_unix_s(world.unix_s());
            assert_eq!(world.cloud.answer(&request, now).status, 200);
        }
        world.commit(1);
        world.run(10 * MINUTE);
        world.assert_settled();
        assert_eq!(carried(&world), 4);
    }
}

#[test]
fn long_ways_back_go_page_by_page() {
    let mut world = settled();
    let backup = world.disk.clone();
    world.commit(230);
    world.run(10 * MINUTE);
    world.disk = backup;
    world.every_request(Weather::Dead);
    world.restart();
    world.commit(120);
    world.run(MINUTE);
    world.every_request(Weather::Fine);
    world.run(20 * MINUTE);
    world.assert_settled();
    assert_eq!(carried(&world), 120);
}

#[test]
fn a_way_back_survives_failures_at_each_step() {
    for failing in 0..8 {
        for weather in [Weather::Dead, Weather::AnswerLost, Weather::Damaged] {
            let mut world = settled();
            let backup = world.disk.clone();
            world.commit(2);
            world.run(MINUTE);
            world.disk = backup;
            let mut count = 0;
            world.weather = Box::new(move |_| {
                count += 1;
                if count == failing + 1 {
                    weather.clone()
                } else {
                    Weather::Fine
                }
            });
            world.restart();
            world.commit(1);
            world.run(20 * MINUTE);
            world.assert_settled();
        }
    }
}

#[test]
fn a_restart_at_each_step_of_a_way_back_loses_nothing() {
    for step in 1..40 {
        let mut world = settled();
        let backup = world.disk.clone();
        world.commit(2);
        world.run(MINUTE);
        world.disk = backup;
        world.restart();
        world.commit(2);
        world.run(step * 20);
        world.restart();
        world.run(20 * MINUTE);
        world.assert_settled();
    }
}

#[test]
fn a_store_that_fails_at_each_step_of_a_way_back_loses_nothing_of_either_side() {
    let mut failed = 0;
    for fine in 0..30 {
        let mut world = settled();
        let backup = world.disk.clone();
        world.commit(120);
        world.run(10 * MINUTE);
        world.disk = backup;
        world.every_request(Weather::Dead);
        world.restart();
        world.commit(110);
        world.run(MINUTE);
        world.every_request(Weather::Fine);
        world.store_fine = fine;
        world.store_failures = 1;
        world.run(HOUR);
        world.assert_settled();
        assert_eq!(world.disk.said().len(), 233);
        assert_eq!(carried(&world), 110);
        failed += 1 - world.store_failures;
    }
    assert!(failed >= 12, "{failed}");
}

#[test]
fn a_cloud_that_goes_back_while_its_entries_are_fetched_gets_them_again() {
    for step in 1..40 {
        let mut world = World::new();
        world.run(MINUTE);
        let (disk, cloud) = (world.disk.clone(), world.cloud.state.clone());
        world.commit(110);
        world.run(10 * MINUTE);
        world.disk = disk;
        world.restart();
        world.run(step * 20);
        world.cloud.restore(cloud);
        world.run(8 * HOUR);
        world.assert_settled();
    }
}

#[test]
fn what_was_fetched_back_goes_to_a_cloud_that_went_back_meanwhile() {
    for step in 1..60 {
        for grants in [Weather::Fine, Weather::Damaged] {
            let mut world = World::new();
            world.run(MINUTE);
            let (disk, cloud) = (world.disk.clone(), world.cloud.state.clone());
            world.commit(6);
            world.run(MINUTE);
            world.disk = disk;
            world.weather = Box::new(move |request| {
                if request.path.ends_with("/epochs") {
                    grants.clone()
                } else {
                    Weather::Fine
                }
            });
            world.restart();
            // In the places of what the cloud has, so that what it sends stands beside the chain.
            world.commit(2);
            world.run(step * 10);
            world.cloud.restore(cloud);
            world.every_request(Weather::Fine);
            world.run(8 * HOUR);
            world.assert_settled();
        }
    }
}

#[test]
fn entries_beside_the_chain_are_said_again_though_the_cloud_contradicts_nothing() {
    let mut world = settled();
    world.every_request(Weather::Dead);
    world.commit(5);
    world.run(MINUTE);
    // A salvage found all but the second of them.
    let kept: Vec<_> = (6..=8)
        .map(|seq| world.disk.entries.remove(&(Epoch::new(1), Seq::new(seq))))
        .collect();
    world.disk.strays.extend(kept.into_iter().flatten());
    drop(world.disk.entries.remove(&(Epoch::new(1), Seq::new(5))));
    world.disk.head = world.disk.last(Epoch::new(1));
    world.every_request(Weather::Fine);
    world.restart();
    world.run(10 * MINUTE);
    world.assert_settled();
    assert_eq!(world.disk.head.epoch, Epoch::new(2));
    assert_eq!(world.cloud.state.effects.len(), 7);
}

#[test]
fn an_entry_committed_while_the_epoch_begins_is_carried_too() {
    let mut world = settled();
    let backup = world.disk.clone();
    world.commit(2);
    world.run(MINUTE);
    world.disk = backup;
    world.late_entries = 2;
    world.restart();
    world.commit(1);
    world.run(20 * MINUTE);
    world.assert_settled();
    assert_eq!(carried(&world), 3);
}

#[test]
fn a_cloud_that_names_heads_nobody_reaches_is_asked_a_few_times_an_hour() {
    for (epoch, seq) in [
        (1, 0),
        (1, 2),
        (1, 900),
        (2, 0),
        (9, 4),
        (0, 3),
        (u32::MAX, 1),
    ] {
        let mut world = settled();
        let known = ChainPoint {
            epoch: Epoch::new(epoch),
            seq: Seq::new(seq),
            hash: EntryHash::from_bytes([6; 32]),
        };
        let answer = reply(409, encode(&Divergence { known }));
        world.weather = Box::new(move |request| {
            if request.path.ends_with("/entries") {
                Weather::Answers(answer.clone())
            } else {
                Weather::Fine
            }
        });
        world.sends.clear();
        world.commit(1);
        world.run(10 * HOUR);
        let sends = world.sends.len();
        // Six turns an hour at most; each may open an epoch, and a later one walks through all of them.
        assert!(sends <= 2_500, "{epoch}/{seq}: {sends}");
        world.every_request(Weather::Fine);
        world.run(2 * HOUR);
        world.assert_settled();
    }
}

#[test]
fn a_receipt_beyond_what_was_sent_is_compared_before_it_is_taken() {
    let mut world = settled();
    // The receipt for all five comes while only the first batch is asked for: the answer to the rest got lost.
    let backup = world.disk.clone();
    world.commit(2);
    world.run(MINUTE);
    let mut disk = world.disk.clone();
    disk.receipt = backup.receipt;
    disk.verdicts = backup.verdicts;
    world.disk = disk;
    world.restart();
    world.run(30 * SECOND);
    world.assert_settled();
    assert_eq!(world.disk.head.epoch, Epoch::new(1));
}

/// Two clones take turns for weeks, then the disk of the first day is put back: it is as many epochs behind as they had turns.
#[test]
fn a_disk_of_many_epochs_ago_finds_its_way_back() {
    let mut world = settled();
    let backup = world.disk.clone();
    for _ in 0..40 {
        world.disk = backup.clone();
        world.commit(1);
        world.restart();
        world.run(20 * MINUTE);
    }
    assert_eq!(world.disk.head.epoch, Epoch::new(40));
    world.disk = backup;
    world.commit(1);
    world.restart();
    world.run(HOUR);
    world.assert_settled();
    assert_eq!(world.disk.head.epoch, Epoch::new(41));
}
