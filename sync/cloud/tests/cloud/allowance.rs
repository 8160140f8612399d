//! The offline allowance counts from the receipts that were signed, and by what is earned.

use dashpoint_cloud::PostOutcome;
use dashpoint_membership::*;
use dashpoint_wire::Signed;

use crate::support::*;

/// Entries of 90 days without a network, each day a drive and a charge that reach the day's caps, in the device's own words.
fn silent(car: &mut Car, from: ServerTime, change: impl Fn(&mut Entry)) -> Vec<Signed<Entry>> {
    let mut entries = Vec::new();
    for day in 1..=90 {
        let when = from.plus_s(day * DAY);
        let way = u64::try_from(day).unwrap();
        for subject in [
            drove(trip(way * 20_000, 12_000)),
            charged(charge(way * 70_000, 60_000)),
        ] {
            entries.push(car.forged(subject, when, &change));
        }
    }
    entries
}

/// What came of the entries.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// The entries that are held back.
    held: Vec<EntryRef>,
    /// The points that are shown of them.
    shown: i64,
    /// The points that are paid.
    paid: i64,
    chain: Chain,
}

fn outcome(world: &mut World, car: &Car, entries: &[Signed<Entry>]) -> Outcome {
    for batch in entries.chunks(90) {
        let posted = world.post(car, batch);
        assert!(matches!(posted, PostOutcome::Settled(_)), "{posted:?}");
    }
    let statement = world.statement(car.member);
    let account = statement.account;
    Outcome {
        held: account.pending.iter().map(|held| held.entry).collect(),
        shown: account.held_back().points.get(),
        paid: account.balance().get(),
        chain: statement.covers[&car.device].chain,
    }
}

fn lives(change: impl Fn(&mut Entry)) -> Outcome {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let entries = silent(&mut car, world.now, change);
    world.pass(91 * DAY);
    world
        .core
        .accept_clock("the test leaps", world.now)
        .unwrap();
    outcome(&mut world, &car, &entries)
}

#[test]
fn a_forged_receipt_time_frees_nothing_from_review() {
    let honest = lives(|_| {});
    assert!(honest.shown > 0 && honest.paid > 0, "{honest:?}");
    let forged = lives(|entry| {
        entry.receipt_at = ServerTime::from_unix_s(entry.time.at.as_unix_s());
    });
    assert_eq!(forged, honest);
}

#[test]
fn a_forged_prediction_frees_nothing_from_review() {
    let honest = lives(|_| {});
    for predicted in [0, i64::MIN, i64::MAX] {
        let forged = lives(|entry| {
            if let EntryBody::Fresh(
                Transaction::Earn { awards, .. } | Transaction::Member { awards, .. },
            ) = &mut entry.body
            {
                for award in awards {
                    award.predicted = Points::new(predicted);
                }
            }
        });
        // What is shown of evidence in doubt is what the car said it would be, within a point: it is paid by the evidence.
        let most = i64::try_from(honest.held.len()).unwrap() * 2;
        assert!((forged.shown - honest.shown).abs() <= most, "{predicted}");
        let forged = Outcome {
            shown: honest.shown,
            ..forged
        };
        assert_eq!(forged, honest, "{predicted}");
    }
}

/// An entry that names a receipt of the future is refused, and does not stand for a receipt either.
#[test]
fn a_receipt_of_the_future_sets_no_sum_back() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let drive = car.mint(drove(trip(1_000, 12_000)), world.now);
    world.verdict(&mut car, &drive);
    let before = world.statement(member).covers[&car.device].chain;
    let under = car.receipt_at;
    world.pass(HOUR);
    let future = world.now.plus_s(1);
    let forged = car.forged(CHECK_IN, world.now, |entry| entry.receipt_at = future);
    let PostOutcome::Settled(response) = world.post(&car, &[forged]) else {
        panic!("not settled");
    };
    let verdict = &response.verdicts[0].verdict;
    assert_eq!(verdict, &rejected(Rejection::Implausible));
    let chain = world.statement(member).covers[&car.device].chain;
    assert_eq!(chain.receipt_at, under);
    assert!(before.points <= chain.points && chain.entries > 0);
}

/// A database that went back forgot receipts: the one that the car shows proves itself, and for one that nobody can prove any
/// more the one before counts. Nothing is refused for it.
#[test]
fn a_receipt_that_a_restored_cloud_forgot_costs_no_point() {
    let folder = tempfile::tempdir().unwrap();
    let (path, backup) = (folder.path().join("a.db"), folder.path().join("b.db"));
    let mut world = World::on_disk(&path);
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let first = car.mint(CHECK_IN, world.now);
    world.settled(&mut car, &[first]);
    world.core.back_up(&backup).unwrap();
    let mut lost = Vec::new();
    let mut receipt = None;
    for _ in 0..3 {
        world.pass(DAY);
        let entry = car.mint(CHECK_IN, world.now);
        lost.push(entry.clone());
        receipt = Some(world.settled(&mut car, &[entry]).receipt);
    }
    let under_the_last = car.mint(CHECK_IN, world.now.plus_s(DAY));
    lost.push(under_the_last);

    let now = world.now.plus_s(DAY + HOUR);
    let mut world = World::on_disk(&backup);
    world.now = now;
    let mut request = car.request(&lost);
    request.last_receipt = receipt;
    let posted = world.core.post_entries(car.device, &request, world.now);
    let Ok(PostOutcome::Settled(response)) = posted else {
        panic!("{posted:?}");
    };
    for said in &response.verdicts {
        assert_eq!(paid(&said.verdict), 1, "{:?}", said.verdict);
        assert!(matches!(said.verdict, Verdict::Accepted { .. }));
    }
    let chain = world.statement(member).covers[&car.device].chain;
    assert_eq!(
        chain.receipt_at, car.receipt_at,
        "the receipt proved itself"
    );
}

#[test]
fn the_memory_of_receipts_is_bounded_and_follows_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.db");
    let mut world = World::on_disk(&path);
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let disk = rusqlite::Connection::open(&path).unwrap();
    let kept = || -> i64 {
        disk.query_row("SELECT count(*) FROM receipt_times", [], |row| row.get(0))
            .unwrap()
    };
    for _ in 0..300 {
        world.pass(60);
        world.settled(&mut car, &[]);
    }
    assert_eq!(kept(), 128);
    // The newest of them is what the next entry names; what is before it no entry can name as new.
    let entry = car.mint(CHECK_IN, world.now);
    world.pass(60);
    world.settled(&mut car, &[entry]);
    assert_eq!(kept(), 2);
}
