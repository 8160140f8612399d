//! Lots: spending, taking back, expiry, clawback, arrears.

use dashpoint_membership::*;

use crate::support::*;

/// An account with lots of the given points, each expiring that many days from the morning; ids 1, 2, ...
fn account(lots: &[(i64, i64)]) -> Account {
    let mut account = Account::open(&compiled(default_policy()), at(MORNING));
    for (id, (amount, days)) in (1..).zip(lots) {
        account.lots.push(Lot {
            id: LotId::new(id),
            points: points(*amount),
            remaining: points(*amount),
            expires: at(MORNING + days * DAY),
        });
        account.version = LotId::new(id);
    }
    account.check().unwrap();
    account
}

fn left(account: &Account) -> Vec<(u64, i64)> {
    let lots = account.lots.iter();
    lots.map(|lot| (lot.id.get(), lot.remaining.get()))
        .collect()
}

fn taken(row: &Settlement) -> Vec<(u64, i64)> {
    let parts = row.allocations.iter();
    parts
        .map(|part| (part.lot.get(), part.points.get()))
        .collect()
}

fn reference() -> EntryRef {
    EntryRef {
        device: device(1),
        epoch: Epoch::new(1),
        seq: Seq::new(1),
    }
}

fn paid(amount: i64, growth: i64) -> Paid {
    Paid {
        points: points(amount),
        growth: Growth::new(growth),
    }
}

#[test]
fn spending_takes_the_earliest_expiry_first_and_the_older_of_equals() {
    let mut account = account(&[(10, 30), (10, 20), (10, 30), (10, 0)]);
    let row = account.spend(points(25), benefit(), at(MORNING)).unwrap();
    // The last lot has just expired: it is not spendable, though no row has taken it yet.
    assert_eq!(taken(&row), [(2, 10), (1, 10), (3, 5)]);
    assert_eq!(left(&account), [(3, 5), (4, 10)]);
    assert_eq!((row.points, row.version), (points(-25), account.version));
}

#[test]
fn a_spending_that_cannot_be_changes_nothing() {
    let mut account = account(&[(10, 30), (10, 0)]);
    let before = account.clone();
    for (amount, expected) in [
        (0, AccountError::NotPositive(points(0))),
        (-5, AccountError::NotPositive(points(-5))),
        (
            11,
            AccountError::NotEnough {
                asked: points(11),
                spendable: points(10),
            },
        ),
    ] {
        assert_eq!(
            account.spend(points(amount), benefit(), at(MORNING)),
            Err(expected.clone())
        );
        assert!(!expected.is_flaw());
        assert_eq!(account, before);
    }
}

#[test]
fn a_reversal_restores_each_lot_even_a_used_up_one() {
    let mut account = account(&[(10, 30), (10, 20), (10, 40)]);
    account.spend(points(14), benefit(), at(MORNING)).unwrap();
    let lots = account.lots.clone();
    let row = account.spend(points(9), benefit(), at(MORNING)).unwrap();
    let back = account.reverse(&row, at(MORNING)).unwrap();
    assert_eq!(account.lots, lots);
    assert_eq!((back.points, taken(&back)), (points(9), taken(&row)));
    assert_eq!(back.cause, Cause::Reversed { of: row.version });
    let again = account.reverse(&row, at(MORNING));
    assert_eq!(again, Err(AccountError::GivenBackAlready(LotId::new(1))));
    assert_eq!(
        account.reverse(&back, at(MORNING)),
        Err(AccountError::NotASpending)
    );
}

#[test]
fn what_expired_while_it_was_spent_comes_back_and_expires_by_a_row() {
    let mut account = account(&[(10, 5), (10, 30)]);
    let row = account.spend(points(15), benefit(), at(MORNING)).unwrap();
    assert_eq!(account.expire(at(MORNING + 6 * DAY)), []);
    account.reverse(&row, at(MORNING + 6 * DAY)).unwrap();
    assert_eq!(left(&account), [(1, 10), (2, 10)]);
    let over = account.spend(points(11), benefit(), at(MORNING + 6 * DAY));
    assert!(over.is_err());
    let rows = account.expire(at(MORNING + 6 * DAY));
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].points, taken(&rows[0])),
        (points(-10), vec![(1, 10)])
    );
    assert_eq!(left(&account), [(2, 10)]);
}

#[test]
fn expiry_takes_each_lot_by_a_row_of_its_own_at_its_first_second() {
    let mut account = account(&[(10, 30), (7, 20), (5, 20)]);
    account.spend(points(3), benefit(), at(MORNING)).unwrap();
    assert_eq!(account.expire(at(MORNING + 20 * DAY - 1)), []);
    let rows = account.expire(at(MORNING + 30 * DAY));
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.version.get(), row.points.get(), taken(row)))
        .collect();
    assert_eq!(
        told,
        [
            (5, -4, vec![(2, 4)]),
            (6, -5, vec![(3, 5)]),
            (7, -10, vec![(1, 10)])
        ]
    );
    assert_eq!(account.balance(), Points::ZERO);
}

#[test]
fn expiring_sums_what_goes_together() {
    let account = account(&[(10, 30), (7, 20), (5, 30)]);
    let expiring: Vec<_> = account.expiring().into_iter().collect();
    assert_eq!(
        expiring,
        [
            (at(MORNING + 20 * DAY), points(7)),
            (at(MORNING + 30 * DAY), points(15))
        ]
    );
}

#[test]
fn a_clawback_takes_its_lot_then_others_and_owes_the_rest() {
    let mut account = account(&[(10, 30), (10, 20)]);
    account.growth = Growth::new(8);
    account.growth_in_period = Growth::new(3);
    account.spend(points(14), benefit(), at(MORNING)).unwrap();
    let row = account.claw_back(reference(), paid(10, 5), LotId::new(1), true, at(MORNING));
    assert_eq!(
        (row.points, row.arrears, row.growth),
        (points(-6), points(4), Growth::new(-5))
    );
    assert_eq!(taken(&row), [(1, 6)]);
    assert_eq!(
        (account.growth, account.growth_in_period),
        (Growth::new(3), Growth::ZERO)
    );
    account.check().unwrap();
    assert_eq!(
        (account.balance(), account.arrears),
        (Points::ZERO, points(4))
    );
}

#[test]
fn other_points_pay_before_anything_is_owed() {
    let mut account = account(&[(10, 30), (10, 40), (10, 20)]);
    account.spend(points(15), benefit(), at(MORNING)).unwrap();
    let row = account.claw_back(reference(), paid(10, 0), LotId::new(1), true, at(MORNING));
    assert_eq!(taken(&row), [(1, 5), (2, 5)]);
    assert_eq!((row.points, row.arrears), (points(-10), Points::ZERO));
}

#[test]
fn arrears_are_paid_by_what_comes_next() {
    let policy = compiled(default_policy());
    let mut account = account(&[(10, 30)]);
    let spent = account.spend(points(10), benefit(), at(MORNING)).unwrap();
    let row = account.claw_back(reference(), paid(10, 0), LotId::new(1), true, at(MORNING));
    assert_eq!(row.arrears, points(10));
    let row = account
        .grant(points(4), "sorry", at(MORNING), &shanghai(), &policy)
        .unwrap();
    assert_eq!((row.points, row.arrears), (Points::ZERO, points(-4)));
    account.check().unwrap();
    let row = account.reverse(&spent, at(MORNING)).unwrap();
    assert_eq!(
        (row.points, row.arrears, taken(&row)),
        (points(4), points(-6), vec![(1, 4)])
    );
    account.check().unwrap();
    let row = account
        .grant(points(4), "thanks", at(MORNING), &shanghai(), &policy)
        .unwrap();
    assert_eq!((row.points, row.arrears), (points(4), Points::ZERO));
    assert_eq!(account.balance(), points(8));
    assert_eq!(account.lots[1].id, row.version);
    assert!(
        account
            .grant(points(0), "nothing", at(MORNING), &shanghai(), &policy)
            .is_err()
    );
}

#[test]
fn each_contradiction_of_an_account_is_found() {
    type Damage = fn(&mut Account);
    let cases: [(Damage, &str); 11] = [
        (
            |account| account.lots[0].remaining = points(0),
            "lot 1 has not",
        ),
        (
            |account| account.lots[0].remaining = points(11),
            "lot 1 has not",
        ),
        (
            |account| account.lots[1].id = LotId::new(1),
            "lot 1 is out of order",
        ),
        (|account| account.version = LotId::new(1), "lot 2 is newer"),
        (|account| account.arrears = points(1), "arrears of 1"),
        (|account| account.arrears = points(-1), "arrears of -1"),
        (
            |account| account.growth_in_period = Growth::new(-1),
            "growth value",
        ),
        (
            |account| account.growth_in_period = Growth::new(1),
            "growth value",
        ),
        (
            |account| {
                let part = Remainder {
                    points: milli(1_000),
                    growth: milli(0),
                };
                account.remainders.insert(rule("check-in"), part);
            },
            "remainder of rule check-in",
        ),
        (
            |account| {
                let days = std::collections::BTreeMap::from([(LocalDay::new(1), milli(-1))]);
                account.used.insert(cap("all-day"), days);
            },
            "cap all-day",
        ),
        (
            |account| {
                let held = Pending {
                    entry: reference(),
                    paid: paid(1, 1),
                    reason: ReviewReason::Estimated,
                    until: at(0),
                    expires: at(0),
                };
                account.pending = vec![held, held];
            },
            "held back twice",
        ),
    ];
    for (damage, expected) in cases {
        let mut account = account(&[(10, 30), (10, 40)]);
        damage(&mut account);
        let error = account.check().unwrap_err();
        assert!(error.is_flaw());
        assert!(error.to_string().contains(expected), "{error}");
    }
}

/// Gives points as the rules do, with an expiry of choice.
fn awarded(account: &mut Account, amount: i64, days: i64) -> Settlement {
    static POLICY: std::sync::OnceLock<CompiledPolicy> = std::sync::OnceLock::new();
    let policy = POLICY.get_or_init(|| {
        compiled(Policy {
            expiry: policy::Expiry::Months(1),
            ..default_policy()
        })
    });
    let zone = Zone::new("UTC").unwrap();
    let now = at(MORNING + days * DAY);
    let row = account.grant(points(amount), "x", now, &zone, policy);
    account.check().unwrap();
    row.unwrap()
}

#[test]
fn awards_that_expire_together_are_one_lot() {
    let mut account = account(&[]);
    let first = awarded(&mut account, 10, 0);
    assert!(first.allocations.is_empty());
    let second = awarded(&mut account, 5, 0);
    let third = awarded(&mut account, 7, 1);
    assert_eq!(left(&account), [(1, 15), (3, 7)]);
    assert_eq!(taken(&second), [(1, 5)]);
    assert_eq!(
        (first.lot(), second.lot(), third.lot()),
        (LotId::new(1), LotId::new(1), LotId::new(3))
    );

    // A clawback of the second takes what is left in their lot, then the other, and owes the rest.
    account.spend(points(12), benefit(), at(MORNING)).unwrap();
    let row = account.claw_back(reference(), paid(5, 0), second.lot(), true, at(MORNING));
    assert_eq!(
        (taken(&row), row.arrears),
        (vec![(1, 3), (3, 2)], Points::ZERO)
    );
    account.check().unwrap();
}

#[test]
fn a_lot_that_was_touched_does_not_grow_so_that_each_reversal_fits() {
    let mut account = account(&[]);
    awarded(&mut account, 10, 0);
    let some = account.spend(points(4), benefit(), at(MORNING)).unwrap();
    assert_eq!(awarded(&mut account, 5, 0).lot(), LotId::new(3));
    awarded(&mut account, 2, 0);
    assert_eq!(left(&account), [(1, 6), (3, 7)]);
    assert_eq!(left(&account.clone().by_expiry()), [(1, 13)]);
    let all = account.spend(points(13), benefit(), at(MORNING)).unwrap();
    awarded(&mut account, 3, 0);
    assert_eq!(left(&account), [(6, 3)]);
    for row in [&all, &some] {
        account.reverse(row, at(MORNING)).unwrap();
        account.check().unwrap();
    }
    assert_eq!(left(&account), [(1, 10), (3, 7), (6, 3)]);
    for row in [&all, &some] {
        let again = account.reverse(row, at(MORNING));
        assert_eq!(again, Err(AccountError::GivenBackAlready(LotId::new(1))));
    }
    // Whole again, they are one from the next award on that reads the account.
    account.merge_lots();
    assert_eq!(left(&account), [(1, 20)]);
}

#[test]
fn an_account_with_a_lot_for_each_award_becomes_one_with_a_lot_for_each_expiry() {
    let many: Vec<(i64, i64)> = (0..20_000)
        .map(|award| (1 + award % 7, 1 + award % 500))
        .collect();
    let mut account = account(&many);
    let (balance, expiring, before) = (account.balance(), account.expiring(), account.clone());
    account.merge_lots();
    account.check().unwrap();
    assert_eq!(account.lots.len(), 500);
    assert_eq!((account.balance(), account.expiring()), (balance, expiring));
    assert_eq!(account.version, before.version);
    let merged = account.clone();
    account.merge_lots();
    assert_eq!(account, merged);
}

#[test]
fn years_of_different_days_stay_bounded_and_nothing_is_lost_or_expires_early() {
    let mut account = account(&[]);
    let mut promised = Vec::new();
    for day in 0..6_000 {
        awarded(&mut account, 2, day);
        promised.push(at(MORNING + (day + 28) * DAY));
        assert!(account.lots.len() <= LOTS_MAX);
    }
    assert_eq!(account.balance(), points(12_000));
    // Sorted by expiry, each point lives at least as long as it was promised.
    let expiries = account.expiring();
    let mut lives = expiries.iter().flat_map(|(expires, sum)| {
        std::iter::repeat_n(*expires, usize::try_from(sum.get()).unwrap())
    });
    for promise in promised {
        assert!(lives.next() >= Some(promise) && lives.next() >= Some(promise));
    }
    // The elder ones are untouched, and go by one row each.
    let rows = account.expire(at(MORNING + 4_000 * DAY));
    assert!(rows.len() > 3_800 && rows.iter().all(|row| row.points <= points(-2)));
}

/// Under any order of awards, spendings, reversals and expiries, each expiry has exactly the points that a plain sum by
/// expiry has, and one lot.
#[test]
fn lots_are_the_sums_by_expiry() {
    let mut random = 0x0dd0_5eed_0bad_f00d_u64;
    let mut draw = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        i64::try_from(random % below).unwrap()
    };
    for _ in 0..300 {
        let mut account = account(&[]);
        let mut sums: std::collections::BTreeMap<ServerTime, i64> =
            std::collections::BTreeMap::new();
        let mut spent: Vec<Settlement> = Vec::new();
        let mut day = 0;
        for _ in 0..60 {
            match draw(6) {
                0..=2 => {
                    let amount = 1 + draw(9);
                    let row = awarded(&mut account, amount, day + draw(4));
                    let lot = account.lots.iter().find(|lot| lot.id == row.lot()).unwrap();
                    *sums.entry(lot.expires).or_insert(0) += amount;
                }
                3 => {
                    let now = at(MORNING + day * DAY);
                    if let Ok(row) = account.spend(points(1 + draw(30)), benefit(), now) {
                        for part in &row.allocations {
                            *sums.get_mut(&part.expires).unwrap() -= part.points.get();
                        }
                        spent.push(row);
                    }
                }
                4 if !spent.is_empty() => {
                    let which = usize::try_from(draw(u64::try_from(spent.len()).unwrap())).unwrap();
                    let row = spent.swap_remove(which);
                    account.reverse(&row, at(MORNING + day * DAY)).unwrap();
                    for part in &row.allocations {
                        *sums.entry(part.expires).or_insert(0) += part.points.get();
                    }
                }
                _ => {
                    day += draw(12);
                    let now = at(MORNING + day * DAY);
                    let gone: i64 = account.expire(now).iter().map(|row| row.points.get()).sum();
                    let due: i64 = sums.range(..=now).map(|(_, sum)| *sum).sum();
                    assert_eq!(gone, -due);
                    sums = sums.split_off(&now.plus_s(1));
                }
            }
            account.check().unwrap();
            sums.retain(|_, sum| *sum > 0);
            let held: Vec<_> = account
                .expiring()
                .into_iter()
                .map(|(at, sum)| (at, sum.get()))
                .collect();
            assert_eq!(held, sums.clone().into_iter().collect::<Vec<_>>());
            let shown = account.clone().by_expiry();
            assert_eq!(shown.lots.len(), sums.len());
            assert_eq!(shown.expiring(), account.expiring());
            shown.check().unwrap();
        }
    }
}
