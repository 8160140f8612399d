//! Two cars, a cloud and its operator do everything that they can, in any order.

mod ledger;

use dashpoint_membership::policy::{Policy, Trigger};
use dashpoint_membership::*;
use proptest::prelude::*;

use super::coverage::Coverage;
use super::over_histories;
use super::policy::{CAPS, first, second};
use super::step::{Record, histories, records, waits};
use crate::support::*;
use ledger::Ledger;

#[derive(Debug, Clone)]
enum Step {
    Record { car: usize, record: Record },
    Forge { car: usize, how: Forgery },
    Sync { car: usize },
    Refresh { car: usize },
    LearnPolicy { car: usize },
    Wait(i64),
    Spend(i64),
    SpendAndReverse { amount: i64, expire_between: bool },
    Reverse { which: usize },
    Expire,
    ClawBack { which: usize },
    Grant(i64),
    Release,
    Refuse,
    ReviewTier,
}

#[derive(Debug, Clone, Copy)]
enum Forgery {
    Amount,
    Policy,
    Receipt,
}

const KINDS: [&str; 15] = [
    "record",
    "forge",
    "sync",
    "refresh",
    "learn-policy",
    "wait",
    "spend",
    "spend-and-reverse",
    "reverse",
    "expire",
    "claw-back",
    "grant",
    "release",
    "refuse",
    "review-tier",
];

impl Step {
    fn kind(&self) -> &'static str {
        match self {
            Self::Record { .. } => "record",
            Self::Forge { .. } => "forge",
            Self::Sync { .. } => "sync",
            Self::Refresh { .. } => "refresh",
            Self::LearnPolicy { .. } => "learn-policy",
            Self::Wait(_) => "wait",
            Self::Spend(_) => "spend",
            Self::SpendAndReverse { .. } => "spend-and-reverse",
            Self::Reverse { .. } => "reverse",
            Self::Expire => "expire",
            Self::ClawBack { .. } => "claw-back",
            Self::Grant(_) => "grant",
            Self::Release => "release",
            Self::Refuse => "refuse",
            Self::ReviewTier => "review-tier",
        }
    }
}

fn steps() -> impl Strategy<Value = Step> {
    let car = 0..2_usize;
    let forgery = prop_oneof![
        Just(Forgery::Amount),
        Just(Forgery::Policy),
        Just(Forgery::Receipt)
    ];
    let amount = prop_oneof![8 => 1..30_i64, 1 => -3..1_i64, 1 => 100..300_i64];
    prop_oneof![
        30 => (car.clone(), records()).prop_map(|(car, record)| Step::Record { car, record }),
        2 => (car.clone(), forgery).prop_map(|(car, how)| Step::Forge { car, how }),
        14 => car.clone().prop_map(|car| Step::Sync { car }),
        2 => car.clone().prop_map(|car| Step::Refresh { car }),
        2 => car.prop_map(|car| Step::LearnPolicy { car }),
        22 => waits().prop_map(Step::Wait),
        4 => amount.clone().prop_map(Step::Spend),
        3 => (amount.clone(), any::<bool>()).prop_map(|(amount, expire_between)| {
            Step::SpendAndReverse { amount, expire_between }
        }),
        3 => any::<usize>().prop_map(|which| Step::Reverse { which }),
        3 => Just(Step::Expire),
        2 => any::<usize>().prop_map(|which| Step::ClawBack { which }),
        2 => amount.prop_map(Step::Grant),
        3 => Just(Step::Release),
        2 => Just(Step::Refuse),
        3 => Just(Step::ReviewTier),
    ]
}

struct World<'a> {
    cloud: Cloud,
    cars: [Car; 2],
    now: i64,
    coverage: &'a Coverage,
    policy: &'a Policy,
    /// Kept by adding up the rows of the ledger, and nothing else.
    ledger: Ledger,
    /// What was paid to entries, by their kind and the time they counted for.
    earned: Vec<(Trigger, ServerTime, i64)>,
    rows: Vec<Settlement>,
}

impl World<'_> {
    fn take(&mut self, step: &Step) {
        self.coverage.hit(step.kind());
        match step {
            Step::Record { car, record } => {
                let car = &mut self.cars[*car];
                let policies = car.policies.clone();
                car.mint(&policies, record.subject(), self.now);
            }
            Step::Forge { car, how } => self.forge(*car, *how),
            Step::Sync { car } => self.sync(*car),
            Step::Refresh { car } => self.cars[*car].refresh(&self.cloud, self.now),
            Step::LearnPolicy { car } => self.cars[*car].policies = self.cloud.policies.clone(),
            Step::Wait(seconds) => self.now += seconds,
            Step::Spend(amount) => {
                let spent = self
                    .cloud
                    .account
                    .spend(points(*amount), benefit(), at(self.now));
                self.book_result(spent);
            }
            Step::SpendAndReverse {
                amount,
                expire_between,
            } => self.spend_and_reverse(*amount, *expire_between),
            Step::Reverse { which } => self.reverse(*which),
            Step::Expire => {
                let rows = self.cloud.account.expire(at(self.now));
                self.book_all(rows, "expired");
            }
            Step::ClawBack { which } => self.claw_back(*which),
            Step::Grant(amount) => {
                let policy = self.cloud.policies.newest();
                let account = &mut self.cloud.account;
                let granted = account.grant(
                    points(*amount),
                    "care",
                    at(self.now),
                    &self.cloud.zone,
                    policy,
                );
                self.book_result(granted);
            }
            Step::Release => {
                let policy = self.cloud.policies.newest();
                let rows = self
                    .cloud
                    .account
                    .release(at(self.now), &self.cloud.zone, policy);
                self.book_all(rows, "released");
            }
            Step::Refuse => {
                let held = self.cloud.account.pending.first().map(|held| held.entry);
                let (zone, policies) = (&self.cloud.zone, &self.cloud.policies);
                let account = &mut self.cloud.account;
                let refuse = |entry| account.refuse(entry, None, at(self.now), zone, policies);
                let row = held.and_then(refuse);
                self.book_all(row, "refused");
            }
            Step::ReviewTier => self.review_tier(),
        }
        for car in &self.cars {
            car.fold.account.check().unwrap();
        }
    }

    fn forge(&mut self, car: usize, how: Forgery) {
        let now = self.now;
        let Some(entry) = self.cars[car].unsent.last_mut() else {
            return;
        };
        match how {
            Forgery::Amount => {
                if let EntryBody::Fresh(
                    Transaction::Earn { awards, .. } | Transaction::Member { awards, .. },
                ) = &mut entry.body
                {
                    for award in awards {
                        award.points = milli(90_000);
                        award.predicted = points(90);
                    }
                }
            }
            Forgery::Policy => entry.policy = PolicyVersion::new(9),
            Forgery::Receipt => entry.receipt_at = at(now + 900 * DAY),
        }
    }

    fn sync(&mut self, car: usize) {
        // The cloud takes each entry on its own, so that the ledger is checked after each.
        let car = &mut self.cars[car];
        let batch: Vec<Entry> = car.unsent.drain(..).collect();
        let device = car.device;
        car.sent += batch.len() as u64;
        if !batch.is_empty() {
            car.receipt_at = at(self.now);
        }
        car.refresh(&self.cloud, self.now);
        for entry in batch {
            let before = self
                .cloud
                .chains
                .get(&device)
                .map(|cover| cover.chain.cap_time);
            let row = self.cloud.take(device, &entry, at(self.now));
            let counted_for = self.cloud.chains[&device].chain.cap_time;
            assert!(Some(counted_for) >= before && counted_for <= at(self.now));
            let paid = verdict(&row).paid();
            let moved = row.points.minus(row.arrears);
            match verdict(&row) {
                Verdict::Accepted { .. } => self.coverage.hit("accepted"),
                Verdict::Adjusted { reasons, .. } => {
                    for reason in reasons {
                        self.coverage.hit(adjusted(reason));
                    }
                }
                Verdict::Rejected { reason } => self.coverage.hit(format!("{reason:?}")),
                Verdict::Review { reason, .. } => self.coverage.hit(format!("{reason:?}")),
            }
            let held = matches!(verdict(&row), Verdict::Review { .. });
            assert_eq!(moved, if held { Points::ZERO } else { paid.points });
            self.earned.push((
                Trigger::of(entry.transaction().kind()).unwrap(),
                counted_for,
                paid.points.get(),
            ));
            self.book(row);
        }
        self.cars
            .iter_mut()
            .filter(|car| car.device == device)
            .for_each(|car| {
                car.refresh(&self.cloud, self.now);
            });
        self.assert_caps();
    }

    fn spend_and_reverse(&mut self, amount: i64, expire_between: bool) {
        let mut before = self.cloud.account.clone();
        let Ok(spent) = self
            .cloud
            .account
            .spend(points(amount), benefit(), at(self.now))
        else {
            return;
        };
        self.book(spent.clone());
        if expire_between {
            self.now += 20 * DAY;
            let rows = self.cloud.account.expire(at(self.now));
            self.book_all(rows, "expired");
        }
        let back = self.cloud.account.reverse(&spent, at(self.now)).unwrap();
        assert_eq!(back.allocations, spent.allocations);
        self.book(back);
        if expire_between {
            // As if the points had never been away: what expired in between goes now.
            let rows = self.cloud.account.expire(at(self.now));
            self.book_all(rows, "expired after a reversal");
            let _rows = before.expire(at(self.now));
        }
        assert_eq!(self.cloud.account.lots, before.lots);
        self.coverage.hit("given back");
    }

    fn reverse(&mut self, which: usize) {
        if self.rows.is_empty() {
            return;
        }
        let spending = self.rows[which % self.rows.len()].clone();
        let reversed = self.cloud.account.reverse(&spending, at(self.now));
        self.book_result(reversed);
    }

    fn claw_back(&mut self, which: usize) {
        let paid: Vec<_> = self
            .rows
            .iter()
            .filter(|row| row.points > Points::ZERO)
            .filter_map(|row| match &row.cause {
                Cause::Entry { entry, verdict } => Some((*entry, verdict.paid(), row.lot())),
                _ => None,
            })
            .collect();
        if let Some((entry, paid, lot)) = paid.get(which % paid.len().max(1)) {
            let row = self
                .cloud
                .account
                .claw_back(*entry, *paid, *lot, true, at(self.now));
            if row.arrears > Points::ZERO {
                self.coverage.hit("arrears");
            }
            self.book(row);
        }
    }

    fn review_tier(&mut self) {
        let policy = self.cloud.policies.newest().clone();
        let zone = self.cloud.zone.clone();
        while let Some(row) = self.cloud.account.review_tier(&policy, at(self.now), &zone) {
            let Cause::TierChanged { from, to } = &row.cause else {
                panic!("{row:?}");
            };
            self.coverage
                .hit(if from == to { "kept" } else { "demoted" });
            self.book(row);
        }
    }
}

fn adjusted(reason: &Adjustment) -> &'static str {
    match reason {
        Adjustment::Cap { .. } => "adjusted by a cap",
        Adjustment::Policy { .. } => "adjusted by the policy",
        Adjustment::Rule { .. } => "adjusted by the rule",
        Adjustment::Remainder { .. } => "adjusted by a remainder",
    }
}

#[test]
fn the_ledger_adds_up_whatever_happens() {
    let policy = first();
    let old = Policies::new(compiled(policy.clone()));
    let both = Policies::of([compiled(policy.clone()), compiled(second())]).unwrap();
    let coverage = Coverage::default();
    over_histories(2_000, &histories(steps()), |history| {
        let mut cloud = Cloud::new(old.clone(), at(MORNING));
        let cars = [
            Car::new(1, &cloud, at(MORNING)),
            Car::new(2, &cloud, at(MORNING)),
        ];
        cloud.policies = both.clone();
        let mut world = World {
            cloud,
            cars,
            now: MORNING,
            coverage: &coverage,
            policy: &policy,
            ledger: Ledger::default(),
            earned: Vec::new(),
            rows: Vec::new(),
        };
        for step in &history {
            world.take(step);
        }
    });
    coverage.assert_a_percent_each(&KINDS);
    coverage.assert_reached(CAPS.map(|(id, _)| id));
    coverage.assert_reached([
        "accepted",
        "adjusted by a cap",
        "adjusted by the policy",
        "adjusted by the rule",
        "adjusted by a remainder",
        "UnknownPolicy",
        "Implausible",
        "OverAllowance",
        "Estimated",
        "NotPositive",
        "NotEnough",
        "NotASpending",
        "GivenBackAlready",
        "expired",
        "expired after a reversal",
        "given back",
        "released",
        "refused",
        "arrears",
        "arrears paid",
        "promoted",
        "kept",
        "demoted",
    ]);
}
