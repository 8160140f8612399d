//! What the card shows, and what the fold takes in.

use dashpoint_membership::policy::{Cap, CapOver, EarningRule, Period, RuleKind, Trigger};
use dashpoint_membership::*;

use crate::support::*;

#[test]
fn a_new_member_offline_sees_what_is_on_its_way() {
    let mut cloud = Cloud::new(default_policies(), at(MORNING));
    let mut car = Car::new(1, &cloud, at(MORNING));
    car.mint(&cloud.policies, CHECK_IN, MORNING);
    car.sync(&mut cloud, MORNING + HOUR);
    let confirmed = cloud.statement(at(MORNING + HOUR));
    let mut us06 = trip(0, 12_888, 2_600);
    us06.score_x100 = 8_225;
    car.mint(
        &cloud.policies,
        earn(Evidence::Trip(us06)),
        MORNING + 2 * HOUR,
    );
    let charge = charge(18_000, 800, Grade::Metered);
    car.mint(
        &cloud.policies,
        earn(Evidence::Charge(charge)),
        MORNING + 3 * HOUR,
    );
    let seen = view(
        &confirmed,
        &car.fold,
        cloud.policies.newest(),
        at(MORNING + 4 * HOUR),
    );
    assert_eq!(
        (seen.balance, seen.worth_fen, seen.pending),
        (points(1), 10, points(4 + 21))
    );
    assert_eq!(seen.pending_items.len(), 2);
    assert!(
        seen.pending_items
            .iter()
            .all(|item| item.state == PendingState::Unconfirmed)
    );
    assert_eq!(seen.growth, Growth::new(1));
    assert_eq!(seen.tier.as_str(), "basic");
    assert_eq!((seen.provisional_tier, seen.keep), (None, None));
    let next = seen.next_tier.unwrap();
    assert_eq!(
        (next.tier.as_str(), next.missing),
        ("silver", Growth::new(499))
    );
    let caps: Vec<_> = seen
        .caps
        .iter()
        .map(|cap| (cap.cap.as_str(), cap.used.get(), cap.room.get()))
        .collect();
    assert_eq!(
        caps,
        [
            ("check-in-day", 1_000, 0),
            ("check-in-year", 1_000, 364),
            ("safe-trip-day", 0, 20),
            ("clean-charging-week", 21_600, 229),
            ("trip-day", 4_272, 76),
            ("charge-day", 21_600, 59),
            ("all-day", 26_872, 74),
            ("all-month", 26_872, 1_474),
            ("all-year", 26_872, 11_974),
        ]
    );
    // Whole points, and what their rules carry, are what counts against the cap.
    let whole = seen.balance.plus(seen.pending).get();
    let used = seen.caps.last().map(|cap| cap.used.get());
    assert_eq!(used, Some(whole * 1_000 + seen.carried.get()));
    assert_eq!(
        (seen.allowance, seen.as_of),
        (AllowanceState::Ok, at(MORNING + HOUR))
    );
}

/// The view of a new member who has driven, or not, and has met the cloud.
fn seen_after(policy: Policy, drive: Option<Trip>) -> View {
    let mut cloud = Cloud::new(Policies::new(compiled(policy)), at(MORNING));
    let mut car = Car::new(1, &cloud, at(MORNING));
    if let Some(drive) = drive {
        car.mint(&cloud.policies, earn(Evidence::Trip(drive)), MORNING + HOUR);
    }
    car.sync(&mut cloud, MORNING + 2 * HOUR);
    let now = at(MORNING + 2 * HOUR);
    view(
        &cloud.statement(now),
        &car.fold,
        cloud.policies.newest(),
        now,
    )
}

/// A cap with little room lets through the points that its rules have nearly completed, and one that is used up none.
#[test]
fn the_room_of_a_cap_is_what_may_still_come() {
    for (metres, room) in [(0, 100), (2_034, 80), (9_980, 1), (10_000, 0)] {
        let mut policy = default_policy();
        policy.rules.retain(|rule| rule.id.as_str() == "safe-trip");
        policy.rules[0].points = "distance_m * 10".to_owned();
        policy.caps.retain(|cap| cap.over == CapOver::All);
        let drive = (metres > 0).then(|| trip(0, metres, 0));
        let seen = seen_after(policy, drive);
        assert_eq!(seen.caps[0].room, points(room), "{metres} m");
    }
}

/// The whole day has room, and a rule, a kind or a month has none: no more is promised than the rest still gives.
#[test]
fn the_room_of_today_is_what_every_cap_leaves() {
    let caps = [
        (
            "clean-driving",
            CapOver::Rule(RuleId::new("clean-driving").unwrap()),
            20 + 1,
        ),
        ("trips", CapOver::Kind(RuleKind::Known(Trigger::Trip)), 1),
        ("all", CapOver::All, 0),
    ];
    for (name, over, left) in caps {
        for per in [Period::Day, Period::Week, Period::Month, Period::Year] {
            let mut policy = default_policy();
            let is_kept = |rule: &EarningRule| {
                ["clean-driving", "safe-trip", "check-in"].contains(&rule.id.as_str())
            };
            policy.rules.retain(is_kept);
            policy.rules[0].points = "distance_m * 10".to_owned();
            policy.caps.retain(|cap| {
                matches!(
                    cap.id.as_str(),
                    "all-day" | "safe-trip-day" | "check-in-day"
                )
            });
            policy.caps.push(Cap {
                id: CapId::new("full").unwrap(),
                over: over.clone(),
                per,
                points: points(10),
            });
            let mut drive = trip(0, 1_500, 0);
            drive.score_x100 = 0;
            let seen = seen_after(policy, Some(drive));
            assert_eq!(
                seen.room_today,
                Some(points(left)),
                "{name} {per:?}: {:?}",
                seen.caps
            );
        }
    }
}

#[test]
fn what_is_held_back_is_shown_once_before_and_after_the_verdict() {
    let mut policy = default_policy();
    policy.estimate_hold_days = 5;
    let mut cloud = Cloud::new(Policies::new(compiled(policy)), at(MORNING));
    let mut car = Car::new(1, &cloud, at(MORNING));
    let before = cloud.statement(at(MORNING));
    let charge = charge(18_000, 800, Grade::Estimated);
    car.mint(
        &cloud.policies,
        earn(Evidence::Charge(charge)),
        MORNING + HOUR,
    );
    let reason = ReviewReason::Estimated;
    let seen = view(
        &before,
        &car.fold,
        cloud.policies.newest(),
        at(MORNING + HOUR),
    );
    assert_eq!((seen.pending, seen.pending_items.len()), (points(10), 1));
    assert_eq!(
        seen.pending_items[0].state,
        PendingState::NeedsConfirmation { reason }
    );
    car.sync(&mut cloud, MORNING + 2 * HOUR);
    let after = cloud.statement(at(MORNING + 2 * HOUR));
    let seen = view(
        &after,
        &car.fold,
        cloud.policies.newest(),
        at(MORNING + 2 * HOUR),
    );
    assert_eq!((seen.pending, seen.pending_items.len()), (points(10), 1));
    let until = at(MORNING + 2 * HOUR + 5 * DAY);
    assert_eq!(
        seen.pending_items[0].state,
        PendingState::HeldBack { reason, until }
    );
    assert_eq!(seen.balance, Points::ZERO);
}

#[test]
fn a_tier_ahead_is_provisional_until_the_cloud_confirms_it() {
    let mut cloud = Cloud::new(default_policies(), at(MORNING));
    cloud.account.growth = Growth::new(499);
    let mut car = Car::new(1, &cloud, at(MORNING));
    let before = cloud.statement(at(MORNING));
    car.mint(&cloud.policies, CHECK_IN, MORNING);
    let seen = view(&before, &car.fold, cloud.policies.newest(), at(MORNING));
    assert_eq!(seen.tier.as_str(), "basic");
    assert_eq!(seen.provisional_tier.unwrap().as_str(), "silver");
    car.sync(&mut cloud, MORNING + HOUR);
    let after = cloud.statement(at(MORNING + HOUR));
    let seen = view(
        &after,
        &car.fold,
        cloud.policies.newest(),
        at(MORNING + HOUR),
    );
    assert_eq!(
        (seen.tier.as_str(), seen.provisional_tier),
        ("silver", None)
    );
    assert_eq!(seen.next_tier.unwrap().missing, Growth::new(1_500));
    let keep = seen.keep.unwrap();
    assert_eq!(
        (Some(keep.by), keep.missing),
        (cloud.account.tier.until, Growth::new(500))
    );
}

#[test]
fn only_what_expires_soon_is_shown() {
    let mut cloud = Cloud::new(default_policies(), at(MORNING));
    for (amount, days) in [(5, 10), (6, 60), (7, 61)] {
        let policy = cloud.policies.newest().clone();
        cloud
            .account
            .grant(points(amount), "care", at(MORNING), &cloud.zone, &policy)
            .unwrap();
        cloud.account.lots.last_mut().unwrap().expires = at(MORNING + days * DAY);
    }
    let car = Car::new(1, &cloud, at(MORNING));
    let seen = view(
        &cloud.statement(at(MORNING)),
        &car.fold,
        cloud.policies.newest(),
        at(MORNING),
    );
    let expected = [
        (at(MORNING + 10 * DAY), points(5)),
        (at(MORNING + 60 * DAY), points(6)),
    ];
    assert_eq!(seen.expiring, expected);
}

#[test]
fn the_screen_is_told_when_to_connect() {
    let cloud = Cloud::new(default_policies(), at(MORNING));
    let car = Car::new(1, &cloud, at(MORNING));
    for (days, expected) in [
        (20, AllowanceState::Ok),
        (21, AllowanceState::Soft),
        (59, AllowanceState::Soft),
        (60, AllowanceState::Hard),
    ] {
        let now = at(MORNING + days * DAY);
        let seen = view(
            &cloud.statement(at(MORNING)),
            &car.fold,
            cloud.policies.newest(),
            now,
        );
        assert_eq!(seen.allowance, expected, "{days} days");
    }
}

#[test]
fn only_entries_that_the_statement_lacks_are_folded() {
    let mut cloud = Cloud::new(default_policies(), at(MORNING));
    let mut car = Car::new(1, &cloud, at(MORNING));
    for day in 0..4 {
        car.mint(&cloud.policies, CHECK_IN, MORNING + day * DAY);
    }
    let own = car.unsent.clone();
    for entry in &own[..2] {
        cloud.take(car.device, entry, at(MORNING + 4 * DAY));
    }
    let now = at(MORNING + 5 * DAY);
    let folded = |statement: &Statement, start: ChainStart| {
        let fold = fold(statement, car.device, start, &own, &cloud.policies, now);
        (fold.settlements.len(), fold.account.balance())
    };
    let statement = cloud.statement(now);
    assert_eq!(folded(&statement, cloud.start()), (2, points(4)));
    let second = |chain: Chain| ChainStart {
        epoch: Epoch::new(2),
        chain,
    };
    // The next epoch has been granted: what is not signed again in it is not folded.
    assert_eq!(
        folded(&statement, second(statement.covers[&car.device].chain)),
        (0, points(2))
    );
    // The statement is from a later epoch than this disk knows.
    let mut later = statement;
    later.covers.get_mut(&car.device).unwrap().epoch = Epoch::new(2);
    later.covers.get_mut(&car.device).unwrap().through = Seq::new(0);
    assert_eq!(folded(&later, cloud.start()), (0, points(2)));
    // Without a cover all of them are folded; the check-ins of the first two days find their caps used.
    later.covers.clear();
    assert_eq!(folded(&later, cloud.start()), (4, points(4)));
}

#[test]
fn a_clock_behind_the_last_receipt_predicts_from_the_receipt() {
    let mut cloud = Cloud::new(default_policies(), at(MORNING));
    let mut car = Car::new(1, &cloud, at(MORNING));
    let row = car.mint(&cloud.policies, CHECK_IN, 300);
    assert!(matches!(verdict(&row), Verdict::Accepted { .. }));
    assert_eq!(car.fold.chain.cap_time, at(MORNING));
    let rows = car.sync(&mut cloud, MORNING + HOUR);
    assert_eq!(verdict(&rows[0]), verdict(&row));
}

#[test]
fn another_members_entries_count_for_the_chain_and_not_for_the_account() {
    let cloud = Cloud::new(default_policies(), at(MORNING));
    let mut car = Car::new(1, &cloud, at(MORNING));
    for day in 0..3 {
        car.mint(&cloud.policies, CHECK_IN, MORNING + day * DAY);
    }
    let mine = car.unsent[0].binding;
    car.unsent[1].binding = BindingId::from_bytes([8; 16]);
    let now = at(MORNING + 3 * DAY);
    let statement = cloud.statement(at(MORNING));
    let fold = fold_mine(
        &statement,
        car.device,
        cloud.start(),
        &car.unsent,
        |binding| *binding == mine,
        &cloud.policies,
        now,
    );
    assert_eq!(
        (fold.settlements.len(), fold.account.balance()),
        (2, points(2))
    );
    assert_eq!(fold.chain, car.fold.chain);
}
