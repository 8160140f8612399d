//! What happens with time alone, and statements with a long history.

use dashpoint_cloud::{ClockKind, CloudError, ExpirySpan, Selected};
use dashpoint_membership::*;

use crate::support::*;

#[test]
fn points_expire_by_a_ledger_entry() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let entry = car.mint(charged(charge(0, 18_000)), world.now);
    let earned = paid(&world.verdict(&mut car, &entry));
    let lot = world.statement(member).account.lots[0];
    world.leap_to(lot.expires.plus_s(-1));
    assert_eq!(world.core.maintain(world.now).unwrap().settlements, 0);
    world.pass(1);
    let done = world.core.maintain(world.now).unwrap();
    assert_eq!((done.members, done.changed, done.settlements), (1, 1, 1));
    let statement = world.statement(member);
    assert_eq!(statement.account.balance(), Points::ZERO);
    let last = statement.settlements.last().unwrap();
    assert_eq!(last.cause, Cause::Expired { lot: lot.id });
    assert_eq!(last.points, Points::new(-earned));
    assert_eq!(last.allocations[0].points, Points::new(earned));
    assert_eq!(last.allocations[0].size, lot.points);
}

#[test]
fn a_tier_is_reached_at_once_and_lost_at_its_review() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let silver = car.policies.newest().policy().tiers.ladder[1].clone();
    let mut from = 0;
    while world.statement(member).account.tier.tier != silver.id {
        world.pass(DAY);
        let entry = car.mint(charged(charge(from, 60_000)), world.now);
        world.settled(&mut car, &[entry]);
        from += 60_000;
        assert!(from < 60_000 * 400, "silver is out of reach");
    }
    let held = world.statement(member).account.tier;
    world.leap_to(held.until.unwrap());
    world.core.maintain(world.now).unwrap();
    let statement = world.statement(member);
    let reviewed = statement
        .settlements
        .iter()
        .find(|settlement| matches!(settlement.cause, Cause::TierChanged { .. }));
    assert!(reviewed.is_some());
    assert_ne!(statement.account.tier.tier, silver.id);
}

#[test]
fn a_statement_carries_the_newest_settlements_and_says_where_they_begin() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    for _ in 0..3 {
        let entries: Vec<_> = (0..90).map(|_| car.mint(CHECK_IN, world.now)).collect();
        world.settled(&mut car, &entries);
    }
    let most = usize::try_from(Statement::SETTLEMENTS_MAX).unwrap();
    let whole = world.statement(member);
    assert_eq!(whole.account.version, LedgerVersion::new(270));
    assert_eq!(whole.settlements.len(), most);
    assert_eq!(whole.since, LedgerVersion::new(70));
    let versions: Vec<_> = whole
        .settlements
        .iter()
        .map(|row| row.version.get())
        .collect();
    assert_eq!(versions, (71..=270).collect::<Vec<_>>());
    let later = world
        .core
        .statement(member, LedgerVersion::new(265), world.now)
        .unwrap();
    assert_eq!(later.body().since, LedgerVersion::new(265));
    assert_eq!(later.body().settlements.len(), 5);
}

#[test]
fn a_posted_clock_goes_by_the_newest_entry_and_never_back() {
    let mut world = World::on(ClockKind::Posted);
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let system = at(NOON + 1_000 * DAY);
    assert_eq!(world.core.now(system).unwrap(), at(NOON));
    let later = at(NOON + 2 * DAY);
    let entry = car.mint(CHECK_IN, later);
    let request = car.request(std::slice::from_ref(&entry));
    world
        .core
        .advance_posted_clock(car.device, &request, at(NOON))
        .unwrap();
    assert_eq!(world.core.now(system).unwrap(), later);
    world.now = later;
    world.settled(&mut car, &[entry]);
    let early = car.mint(CHECK_IN, at(NOON + DAY));
    let request = car.request(&[early]);
    world
        .core
        .advance_posted_clock(car.device, &request, later)
        .unwrap();
    assert_eq!(world.core.now(system).unwrap(), later);
}

#[test]
fn a_system_clock_takes_no_time_from_entries() {
    let mut world = World::new();
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let entry = car.mint(CHECK_IN, at(NOON + DAY));
    let request = car.request(&[entry]);
    world
        .core
        .advance_posted_clock(car.device, &request, at(NOON))
        .unwrap();
    assert_eq!(world.core.now(at(NOON + 7)).unwrap(), at(NOON + 7));
}

/// An account of the time when each award was a lot of its own: its statement would be beyond what a statement may have.
#[test]
fn an_account_of_sixty_thousand_lots_is_served_and_becomes_small() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.db");
    let mut world = World::on_disk(&file);
    let member = world.member(1);
    let mut car = world.car(1, 1, member);
    let mut account = world.statement(member).account;
    let day = |lot: u64| at(NOON + DAY * (30 + i64::try_from(lot % 700).unwrap()));
    account.lots = (1..=60_000)
        .map(|lot| Lot {
            id: LotId::new(lot),
            points: Points::new(2),
            remaining: Points::new(if lot % 700 == 3 { 1 } else { 2 }),
            expires: day(lot),
        })
        .collect();
    account.version = LotId::new(60_000);
    account.check().unwrap();
    let balance = account.balance();
    let beside = rusqlite::Connection::open(&file).unwrap();
    beside
        .execute(
            "UPDATE members SET account = ?1, version = 60000",
            [serde_json::to_string(&account).unwrap()],
        )
        .unwrap();

    let statement = world.statement(member);
    assert_eq!(statement.account.lots.len(), 700);
    assert_eq!(statement.account.balance(), balance);
    assert_eq!(statement.account.expiring(), account.expiring());
    car.statement = statement;
    let entry = car.mint(drove(trip(0, 30_000)), world.now);
    let paid = paid(&world.verdict(&mut car, &entry));
    assert!(paid > 0);
    assert_eq!(world.balance(member), balance.get() + paid);
    let rows: i64 = beside
        .query_row("SELECT count(*) FROM lots", [], |row| row.get(0))
        .unwrap();
    assert!(rows < 1_000, "{rows}");
}

#[test]
fn a_member_with_a_million_entries_is_served() {
    const MILLION: i64 = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.db");
    let mut world = World::on_disk(&file);
    let member = world.member(1);
    let (mut old, mut car) = (world.car(1, 1, member), world.car(2, 2, member));
    let first = old.mint(drove(trip(0, 30_000)), world.now);
    let earned = paid(&world.verdict(&mut old, &first));
    let mut account = world.statement(member).account;
    account.version = LotId::new(MILLION.unsigned_abs());
    let mut beside = rusqlite::Connection::open(&file).unwrap();
    let writing = beside.transaction().unwrap();
    for copies in [
        // The entry and its settlement a million times: with an own place, an own hash and nothing paid.
        "INSERT INTO entries SELECT device, epoch, n, hash, CAST(printf('%032d', n) AS BLOB), vehicle, member, arrived, verdict, raw
         FROM entries, counted",
        "INSERT INTO settlements SELECT member, n, at, kind, json_set(cause, '$.entry.entry.seq', n), 0, 0, 0, NULL
         FROM settlements, counted",
    ] {
        let counted = "WITH RECURSIVE counted (n) AS
            (SELECT 2 UNION ALL SELECT n + 1 FROM counted WHERE n < ?1) ";
        let made = writing.execute(&format!("{counted}{copies}"), [MILLION]);
        assert_eq!(made.unwrap(), 999_999);
    }
    let account = serde_json::to_string(&account).unwrap();
    writing
        .execute(
            "UPDATE members SET account = ?1, version = ?2",
            (account, MILLION),
        )
        .unwrap();
    writing.commit().unwrap();

    let statement = world.statement(member);
    assert_eq!(statement.settlements.len(), 200);
    assert_eq!(statement.account.balance(), Points::new(earned));
    car.statement = statement;
    let entry = car.mint(drove(trip(0, 30_000)), world.now);
    let more = paid(&world.verdict(&mut car, &entry));
    assert!(more > 0);
    assert_eq!(world.balance(member), earned + more);
    let now = world.now;
    world.core.maintain(now).unwrap();
    // Also the acts that read all of it: the first entry is the only one that paid.
    let done = world
        .core
        .revoke_fraud(old.device, "a copied VIN", now)
        .unwrap();
    // To the thousandth: both trips completed a whole point together.
    let taken = done.freed.taken_back[&member].get();
    assert!((taken - earned).abs() <= 2, "{taken} of {earned}");
    assert_eq!(world.balance(member), earned + more - taken);
}

#[test]
fn what_expired_by_a_wrong_clock_is_given_back_once() {
    let mut world = World::new();
    let (member, other) = (world.member(1), world.member(9));
    let mut car = world.car(2, 3, member);
    let entry = car.mint(charged(charge(0, 18_000)), world.now);
    let earned = paid(&world.verdict(&mut car, &entry));
    let lot = world.statement(member).account.lots[0];
    let right = world.now;
    world.leap_to(right.plus_s(3_652 * DAY));
    let wrong = world.now;
    assert_eq!(world.core.maintain(wrong).unwrap().settlements, 1);
    assert_eq!(world.balance(member), 0);

    world.leap_to(right.plus_s(HOUR));
    let set_right = world.now;
    let mut reverse = |member, since| {
        let span = ExpirySpan { since, until: None };
        let reversed = world
            .core
            .reverse_expiries(member, span, "wrong clock", set_right);
        reversed.map(|done| (done.members, done.expiries, done.points))
    };
    assert_eq!(reverse(Some(other), right).unwrap(), (0, 0, 0));
    assert_eq!(reverse(None, wrong.plus_s(1)).unwrap(), (0, 0, 0));
    assert_eq!(reverse(None, right).unwrap(), (1, 1, earned));
    assert_eq!(reverse(None, right).unwrap(), (0, 0, 0), "once");
    let statement = world.statement(member);
    assert_eq!(statement.account.balance(), Points::new(earned));
    assert_eq!(statement.account.lots[0].expires, lot.expires);
    let last = statement.settlements.last().unwrap();
    let reason = "wrong clock".to_owned();
    assert_eq!(last.cause, Cause::Granted { reason });
    assert_eq!(last.points, Points::new(earned));

    // A lot whose own time is over gets that of points which are earned now.
    world.leap_to(lot.expires);
    world.core.maintain(world.now).unwrap();
    let now = world.now;
    let mut reverse = |until, reason: &str| {
        let span = ExpirySpan { since: now, until };
        world
            .core
            .reverse_expiries(Some(member), span, reason, now)
            .map(|done| done.points)
    };
    // It expired when it had to, so that nobody means it who does not say so.
    assert_eq!(reverse(None, "late").unwrap(), 0);
    assert_eq!(reverse(Some(now), "late").unwrap(), 0);
    let silent = reverse(Some(now.plus_s(1)), " ");
    assert!(matches!(silent, Err(CloudError::NoReason)));
    // 171 of three bytes.
    let endless = reverse(Some(now.plus_s(1)), "久".repeat(171).as_str());
    assert!(matches!(endless, Err(CloudError::LongReason(512))));
    assert_eq!(reverse(Some(now.plus_s(1)), "late").unwrap(), earned);
    assert!(world.statement(member).account.lots[0].expires > now);
}

#[test]
fn a_tier_that_a_wrong_clock_reviewed_is_given_back_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.db");
    let mut world = World::on_disk(&file);
    let member = world.member(1);
    let mut account = world.statement(member).account;
    account.tier = TierHeld {
        tier: TierId::new("gold").unwrap(),
        since: at(NOON - 345 * DAY),
        until: Some(at(NOON + 20 * DAY)),
    };
    (account.growth, account.growth_in_period) = (Growth::new(2_500), Growth::new(100));
    let beside = rusqlite::Connection::open(&file).unwrap();
    beside
        .execute(
            "UPDATE members SET account = ?1",
            [serde_json::to_string(&account).unwrap()],
        )
        .unwrap();
    let right = world.now;
    // Less than what the watch over the clock tells from a long stop.
    let wrong = right.plus_s(25 * DAY);
    world.leap_to(wrong);
    assert_eq!(world.core.maintain(wrong).unwrap().settlements, 1);
    assert_ne!(world.statement(member).account.tier, account.tier);

    world.leap_to(right.plus_s(HOUR));
    let now = world.now;
    let mut reverse = || {
        let span = ExpirySpan {
            since: right,
            until: None,
        };
        let done = world.core.reverse_expiries(None, span, "wrong clock", now);
        done.map(|done| (done.members, done.expiries, done.reviews))
            .unwrap()
    };
    assert_eq!(reverse(), (1, 0, 1));
    assert_eq!(reverse(), (0, 0, 0), "once");
    let back = world.statement(member).account;
    assert_eq!(back.tier.tier, account.tier.tier);
    assert_eq!(back.tier.until, account.tier.until);
    assert_eq!(
        (back.growth, back.growth_in_period),
        (account.growth, account.growth_in_period)
    );
    assert_eq!(world.core.maintain(now).unwrap().settlements, 0);
}

#[test]
fn what_became_of_a_car_s_entries_has_a_place_in_its_statements_however_much_came_after() {
    let mut world = World::new();
    let member = world.member(1);
    let mut away = world.car(2, 3, member);
    let mut busy = world.car(4, 5, member);
    let entry = away.mint(drove(trip(100_000, 20_000)), world.now);
    assert!(paid(&world.verdict(&mut away, &entry)) > 0);
    let was = world.statement(member).account.version;
    let of = Selected::Entry(EntryRef {
        device: away.device,
        epoch: Epoch::new(1),
        seq: Seq::new(1),
    });
    let vehicle = VehicleId::from_bytes([3; 16]);
    let freed = world
        .core
        .free_stretches(vehicle, of, false, "mistaken", world.now);
    assert!(freed.unwrap().taken_back[&member] > Points::ZERO);
    let most = usize::try_from(Statement::SETTLEMENTS_MAX).unwrap();
    let mut came = 0;
    for more in [197, 1, 1, 1, 1, 60] {
        for _ in 0..more {
            let entry = busy.mint(CHECK_IN, world.now);
            world.settled(&mut busy, &[entry]);
        }
        came += more;
        let mut statement = |asks| {
            let asked = world.core.statement_for(asks, member, was, world.now);
            asked.unwrap().unwrap().into_parts().1
        };
        let mine = statement(away.device);
        let taken_back = |row: &&Settlement| match &row.cause {
            Cause::ClawedBack { entry } => entry.device == away.device,
            _ => false,
        };
        assert_eq!(
            mine.settlements.iter().filter(taken_back).count(),
            1,
            "{came}"
        );
        assert_eq!(mine.settlements.len(), most.min(came + 1), "{came}");
        let versions = |statement: &Statement| -> Vec<u64> {
            let rows = statement.settlements.iter();
            rows.map(|row| row.version.get()).collect()
        };
        let listed = versions(&mine);
        assert!(listed.is_sorted(), "{came}");
        let whole = mine.since.get() + 1..=mine.account.version.get();
        assert!(whole.clone().all(|version| listed.contains(&version)));
        assert!(came < most || whole.count() + 1 == most, "{came}");
        // To another car it is no more than any other row.
        let others = statement(busy.device);
        assert_eq!(others.settlements.len(), most.min(came + 1));
        assert_eq!(
            versions(&others),
            (others.since.get() + 1..=others.account.version.get()).collect::<Vec<_>>()
        );
    }
}

#[test]
fn a_reason_from_before_there_was_a_bound_stops_no_statement() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.db");
    let mut world = World::on_disk(&file);
    let member = world.member(1);
    let mut car = world.car(2, 3, member);
    let entry = car.mint(charged(charge(0, 18_000)), world.now);
    world.settled(&mut car, &[entry]);
    let right = world.now;
    world.leap_to(right.plus_s(3_652 * DAY));
    world.core.maintain(world.now).unwrap();
    world.leap_to(right.plus_s(HOUR));
    let span = ExpirySpan {
        since: right,
        until: None,
    };
    world
        .core
        .reverse_expiries(None, span, "a wrong clock", world.now)
        .unwrap();
    let by_hand = rusqlite::Connection::open(&file).unwrap();
    let changed = by_hand.execute_batch(&format!(
        "DROP TRIGGER settlements_stay;
         UPDATE settlements SET cause = replace(cause, 'a wrong clock', '{}') WHERE kind = 'granted';",
        "久".repeat(5_000)
    ));
    changed.unwrap();
    let statement = world.statement(member);
    let last = statement.settlements.last().unwrap();
    let reason = "久".repeat(170);
    assert_eq!(last.cause, Cause::Granted { reason });
    let next = car.mint(CHECK_IN, world.now);
    world.settled(&mut car, &[next]);
}
