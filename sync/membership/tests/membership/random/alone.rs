//! While no other device acts, the cloud does what the car foresaw.

use dashpoint_membership::*;
use proptest::prelude::*;

use super::coverage::Coverage;
use super::over_histories;
use super::policy::{CAPS, first, read_back, second};
use super::step::{Record, histories, records, waits};
use crate::support::*;

#[derive(Debug, Clone)]
enum Step {
    Record(Record),
    /// Recorded with a clock that had never been set.
    Doubtful(Record),
    Wait(i64),
    Refresh,
    Send {
        most: usize,
    },
    Sync,
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => records().prop_map(Step::Record),
        1 => records().prop_map(Step::Doubtful),
        8 => waits().prop_map(Step::Wait),
        1 => Just(Step::Refresh),
        1 => (1..4_usize).prop_map(|most| Step::Send { most }),
        2 => Just(Step::Sync),
    ]
}

struct World<'a> {
    cloud: Cloud,
    car: Car,
    now: i64,
    coverage: &'a Coverage,
}

impl World<'_> {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Record(record) => {
                self.coverage.hit("record");
                let policies = self.car.policies.clone();
                self.car.mint(&policies, record.subject(), self.now);
            }
            Step::Doubtful(record) => {
                self.coverage.hit("doubtful");
                let seq = self.car.sent + self.car.unsent.len() as u64 + 1;
                let header = header(seq, 0, self.car.receipt_at);
                let policies = &self.car.policies;
                let (entry, _) =
                    self.car
                        .fold
                        .mint(policies, header, record.subject(), at(self.now));
                self.car.unsent.push(entry);
            }
            Step::Wait(seconds) => {
                self.coverage.hit("wait");
                self.now += seconds;
                // The cloud forgets caps after 92 days; the car is back before.
                if self.now - self.car.receipt_at.as_unix_s() > 60 * DAY {
                    self.send(usize::MAX);
                }
            }
            Step::Refresh => {
                self.coverage.hit("refresh");
                let foreseen = self.car.fold.clone();
                self.car.refresh(&self.cloud, self.now);
                self.assert_same(&self.car.fold.account, &foreseen.account);
                assert_eq!(self.car.fold.chain, foreseen.chain);
            }
            Step::Send { most } => {
                self.coverage.hit("send");
                self.send(*most);
            }
            Step::Sync => {
                self.coverage.hit("sync");
                self.send(usize::MAX);
            }
        }
        self.car.fold.account.check().unwrap();
    }

    fn send(&mut self, most: usize) {
        let foreseen = self.car.fold.clone();
        let all = most >= self.car.unsent.len();
        let rows = self.car.send(&mut self.cloud, most, self.now);
        for (row, expected) in rows.iter().zip(&foreseen.settlements) {
            self.assert_foreseen(row, expected);
        }
        self.cloud.account.check().unwrap();
        if all {
            self.assert_same(&self.cloud.account, &foreseen.account);
        }
        for (id, most) in CAPS {
            let periods = self.cloud.account.used.get(&cap(id));
            let mut used = periods.into_iter().flat_map(|periods| periods.values());
            if used.any(|used| *used == Milli::from_whole(most)) {
                self.coverage.hit(id);
            }
        }
    }

    /// All but the times that begin with the arrival, and caps of stretches that the later one has already forgotten. Points live
    /// for a month here, and those that are over when they arrive live on like new ones: then the sums are compared.
    fn assert_same(&self, one: &Account, other: &Account) {
        let caps = &self.car.policies.newest().policy().caps;
        let is_over = self.now >= MORNING + 28 * DAY;
        assert_eq!(one.balance(), other.balance());
        let essence = |account: &Account| {
            let mut account = account.clone();
            account.tier.since = at(0);
            account.tier.until = None;
            for held in &mut account.pending {
                held.until = at(0);
                if is_over {
                    held.expires = at(0);
                }
            }
            if is_over {
                account.lots.clear();
            }
            let forgotten = shanghai().local_day(at(self.now - 94 * DAY));
            account.used.retain(|id, periods| {
                let cap = caps.iter().find(|cap| cap.id == *id).unwrap();
                periods.retain(|first, _| cap.per.last_day(*first) > forgotten);
                !periods.is_empty()
            });
            account
        };
        assert_eq!(essence(one), essence(other));
    }

    fn assert_foreseen(&self, row: &Settlement, expected: &Settlement) {
        match (verdict(row), verdict(expected)) {
            (
                Verdict::Review { paid, reason, .. },
                Verdict::Review {
                    paid: foreseen,
                    reason: because,
                    ..
                },
            ) => {
                self.coverage.hit(format!("{reason:?}"));
                assert_eq!((paid, reason), (foreseen, because));
            }
            (verdict, foreseen) => {
                assert!(matches!(verdict, Verdict::Accepted { .. }), "{verdict:?}");
                assert_eq!(verdict, foreseen);
                self.coverage.hit("accepted");
            }
        }
        let moved = |row: &Settlement| (row.version, row.points, row.growth, row.promoted.clone());
        assert_eq!(moved(row), moved(expected));
        if row.promoted.is_some() {
            self.coverage.hit("promoted");
        }
    }
}

#[test]
fn the_cloud_does_what_the_only_car_foresaw() {
    let (first, second) = (first(), second());
    let written = Policies::of([compiled(first.clone()), compiled(second.clone())]).unwrap();
    let read = Policies::of([compiled(read_back(&first)), compiled(read_back(&second))]).unwrap();
    let coverage = Coverage::default();
    over_histories(1_500, &histories(steps()), |history| {
        // The cloud's policies have been through their text, the car's have not: the same policy pays the same.
        let mut cloud = Cloud::new(written.clone(), at(MORNING));
        let car = Car::new(1, &cloud, at(MORNING));
        cloud.policies = read.clone();
        let mut world = World {
            cloud,
            car,
            now: MORNING,
            coverage: &coverage,
        };
        for step in &history {
            world.take(step);
        }
        world.take(&Step::Sync);
        assert!(world.car.fold.settlements.is_empty());
        assert_eq!(world.car.fold.account, world.cloud.account);
    });
    coverage.assert_a_percent_each(&["record", "doubtful", "wait", "refresh", "send", "sync"]);
    coverage.assert_reached(["accepted", "promoted", "OverAllowance", "Estimated"]);
    coverage.assert_reached(CAPS.map(|(id, _)| id));
}
