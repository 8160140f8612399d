//! Two cars, a cloud and its operator do everything that they can, in any order.

use std::collections::BTreeMap;

use dashpoint_membership::policy::{CapOver, Policy, Trigger};
use dashpoint_membership::*;
use proptest::prelude::*;

use super::coverage::Coverage;
use super::over_histories;
use super::policy::{CAPS, first, second};
use super::step::{Record, histories, records, waits};
use crate::support::*;

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

#[derive(Default)]
struct Ledger {
    version: u64,
    balance: i64,
    arrears: i64,
    growth: i64,
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
                let row = held.and_then(|entry| self.cloud.account.refuse(entry, at(self.now)));
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
                entry.transaction().trigger(),
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
                .claw_back(*entry, *paid, *lot, at(self.now));
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

    fn book_result(&mut self, result: Result<Settlement, AccountError>) {
        match result {
            Ok(row) => self.book(row),
            Err(error) => {
                assert!(!error.is_flaw(), "{error}");
                let name = format!("{error:?}");
                self.coverage
                    .hit(name.split(['(', ' ']).next().unwrap_or_default());
                self.assert_ledger();
            }
        }
    }

    fn book_all(&mut self, rows: impl IntoIterator<Item = Settlement>, what: &str) {
        for row in rows {
            self.coverage.hit(what);
            // Rows of one call have all been applied: only the last state is checked.
            self.add(&row);
            self.rows.push(row);
        }
        self.assert_ledger();
    }

    fn book(&mut self, row: Settlement) {
        self.add(&row);
        self.rows.push(row);
        self.assert_ledger();
    }

    fn add(&mut self, row: &Settlement) {
        self.ledger.version += 1;
        assert_eq!(row.version.get(), self.ledger.version);
        self.ledger.balance += row.points.get();
        self.ledger.arrears += row.arrears.get();
        self.ledger.growth += row.growth.get();
        let allocated: Points = row.allocations.iter().map(|part| part.points).sum();
        let gives_back = matches!(row.cause, Cause::Reversed { .. });
        let is_paid_into_a_lot = !row.allocations.is_empty();
        if row.points < Points::ZERO || gives_back || is_paid_into_a_lot {
            assert_eq!(allocated.get(), row.points.get().abs(), "{row:?}");
        }
        if row.points > Points::ZERO && !gives_back && is_paid_into_a_lot {
            assert_eq!(row.allocations.len(), 1);
            self.coverage.hit("paid into a lot");
        }
        if row.promoted.is_some() {
            self.coverage.hit("promoted");
        }
        if row.arrears < Points::ZERO {
            self.coverage.hit("arrears paid");
        }
    }

    fn assert_ledger(&self) {
        let account = &self.cloud.account;
        account.check().unwrap();
        assert_eq!(account.version.get(), self.ledger.version);
        assert_eq!(account.balance().get(), self.ledger.balance);
        assert_eq!(account.arrears.get(), self.ledger.arrears);
        assert_eq!(account.growth.get(), self.ledger.growth);
        let shown = account.clone().by_expiry();
        shown.check().unwrap();
        assert_eq!(shown.expiring(), account.expiring());
        assert_eq!(shown.lots.len(), account.expiring().len());
    }

    /// Whatever the cars foresaw: no cap is exceeded by a thousandth, and the points add up to no more than that and
    /// the thousandths that each rule carried into the stretch.
    fn assert_caps(&self) {
        for cap in &self.policy.caps {
            let most = Milli::from_whole(cap.points.get());
            for used in self
                .cloud
                .account
                .used
                .get(&cap.id)
                .iter()
                .flat_map(|periods| periods.values())
            {
                assert!(*used <= most, "{}: {used}", cap.id);
                if *used == most {
                    self.coverage.hit(cap.id.as_str());
                }
            }
            let counts = |kind: Trigger| match &cap.over {
                CapOver::Rule(rule) => {
                    (rule.as_str() == "check-in" && kind == Trigger::CheckIn)
                        || (rule.as_str() == "clean-charging" && kind == Trigger::Charge)
                }
                CapOver::Kind(over) => *over == kind,
                CapOver::All => true,
            };
            let mut sums = BTreeMap::new();
            for (kind, time, paid) in self.earned.iter().filter(|(kind, ..)| counts(*kind)) {
                let _kind = kind;
                let period = self.cloud.zone.period_start(*time, cap.per);
                *sums.entry(period).or_insert(0) += paid;
            }
            for sum in sums.values() {
                assert!(sum * 1_000 <= most.get() + 4 * 999, "{}: {sum}", cap.id);
            }
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
