//! Random histories: whatever happened, once car and cloud can meet, each entry took effect exactly once.

use std::cell::Cell;

use dashpoint_sync::{Event, Response};
use dashpoint_wire::message::RefusalCode;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::cloud::{ok, refusal, reply};
use super::world::{HOUR, SECOND, Weather, World};

/// Something that happens.
#[derive(Debug, Clone, Copy)]
enum Step {
    Commit(u32),
    Wait(u64),
    Network(bool),
    Restart,
    BackUpDisk,
    RestoreDisk,
    BackUpCloud,
    RestoreCloud,
    StoreFails(u32),
    LateEntry,
    NewPolicy,
    Elsewhere,
}

const KINDS: usize = 12;

impl Step {
    const fn kind(self) -> usize {
        match self {
            Self::Commit(_) => 0,
            Self::Wait(_) => 1,
            Self::Network(_) => 2,
            Self::Restart => 3,
            Self::BackUpDisk => 4,
            Self::RestoreDisk => 5,
            Self::BackUpCloud => 6,
            Self::RestoreCloud => 7,
            Self::StoreFails(_) => 8,
            Self::LateEntry => 9,
            Self::NewPolicy => 10,
            Self::Elsewhere => 11,
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..120_u32).prop_map(|n| Step::Commit(if n < 110 { n % 4 + 1 } else { n })),
        8 => (1..4_000_u64).prop_map(|s| Step::Wait(s * s / 20)),
        1 => any::<bool>().prop_map(Step::Network),
        2 => Just(Step::Restart),
        1 => Just(Step::BackUpDisk),
        1 => Just(Step::RestoreDisk),
        1 => Just(Step::BackUpCloud),
        1 => Just(Step::RestoreCloud),
        1 => (1..4_u32).prop_map(Step::StoreFails),
        1 => Just(Step::LateEntry),
        1 => Just(Step::NewPolicy),
        1 => Just(Step::Elsewhere),
    ]
}

/// The network of one history: fine in so many permille of the requests, else one of the faults.
fn weather(fine_permille: u32, seed: u64) -> impl FnMut() -> Weather {
    let mut chance = seed;
    move || {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let drawn = u32::try_from(chance >> 33 & 0xf_ffff).unwrap();
        if drawn % 1_000 < fine_permille {
            return Weather::Fine;
        }
        match drawn / 1_000 % 9 {
            0 => Weather::Dead,
            1 | 2 => Weather::AnswerLost,
            3 => Weather::Doubled,
            4 => Weather::Damaged,
            5 => Weather::Answers(reply(500, Vec::new())),
            6 => Weather::Answers(ok(b"garbage".to_vec())),
            7 => Weather::Answers(refusal(RefusalCode::Token, Some([3; 16]))),
            _ => Weather::Answers(Response {
                status: 429,
                retry_after_s: Some(20),
                body: Vec::new(),
            }),
        }
    }
}

fn live(world: &mut World, steps: &[Step]) {
    let mut disk = world.disk.clone();
    let mut cloud = world.cloud.state.clone();
    for step in steps {
        match *step {
            Step::Commit(count) => world.commit(count),
            Step::Wait(seconds) => world.run(seconds * 10),
            Step::Network(available) => world.feed(Event::ConnectivityChanged { available }),
            Step::Restart => world.restart(),
            Step::BackUpDisk => disk = world.disk.clone(),
            Step::RestoreDisk => {
                world.disk = disk.clone();
                world.restart();
            }
            Step::BackUpCloud => cloud = world.cloud.state.clone(),
            Step::RestoreCloud => world.cloud.restore(cloud.clone()),
            Step::StoreFails(count) => world.store_failures = count,
            Step::LateEntry => world.late_entries = 1,
            Step::NewPolicy => world.cloud.new_policy(),
            Step::Elsewhere => world.cloud.touch_member(),
        }
    }
}

#[test]
fn each_entry_takes_effect_exactly_once() {
    let seen = Cell::new([0_u32; KINDS]);
    let mut runner = TestRunner::new(Config {
        cases: 400,
        failure_persistence: None,
        ..Config::default()
    });
    let history = (
        prop::collection::vec(step(), 1..60),
        prop_oneof![Just(1_000_u32), 300..1_000_u32],
        any::<u64>(),
    );
    runner
        .run(&history, |(steps, fine_permille, seed)| {
            let mut counts = seen.get();
            for step in &steps {
                counts[step.kind()] += 1;
            }
            seen.set(counts);

            let mut world = World::asleep();
            let mut weather = weather(fine_permille, seed);
            world.weather = Box::new(move |_| weather());
            world.start();
            live(&mut world, &steps);

            let hours = world.now_ms / HOUR + 1;
            let most = hours * 1_500 + world.cloud.state.effects.len() as u64;
            let sends = world.sends.len() as u64;
            prop_assert!(sends <= most, "{sends} requests in {hours} h");

            world.every_request(Weather::Fine);
            world.run(8 * HOUR);
            world.run(30 * SECOND);
            world.assert_settled();
            Ok(())
        })
        .unwrap();
    let seen = seen.get();
    let all: u32 = seen.iter().sum();
    for (kind, count) in seen.into_iter().enumerate() {
        assert!(count * 100 >= all, "kind {kind}: {count} of {all} steps");
    }
}
