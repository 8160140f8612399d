//! A cap that is reached, or that cuts, is named with its period and its room, on screen and command line.

use std::collections::BTreeMap;

use dashpoint_membership::policy::{CapOver, Policy, RuleKind, Trigger};
use dashpoint_membership::{
    Adjustment, CompiledPolicy, DEFAULT_POLICY_TOML, Evidence, EvidenceDigest, Grade,
    LedgerVersion, MemberAction, Milli, Paid, Points, PolicyVersion, Subject, Verdict, Zone,
};
use dashpoint_ui::model::{Failed, LimitData, RowData, RowOutcome};

use super::unpaid::{changed, told};
use super::world::{NOW, World, charge, statement, trip};
use crate::entry_status::EntryStatus;

/// Entries by which each cap of the shipped policy is reached.
fn under(over: &CapOver) -> Subject {
    let earn = |evidence| Subject::Earn {
        evidence,
        digest: EvidenceDigest::from_bytes([7; EvidenceDigest::LEN]),
    };
    match over {
        CapOver::Rule(rule) if rule.as_str() == "check-in" => Subject::Member {
            action: MemberAction::CheckIn,
        },
        CapOver::Rule(rule) if rule.as_str() == "clean-charging" => {
            earn(charge(18_000, 800, Grade::Metered))
        }
        CapOver::Kind(RuleKind::Known(Trigger::Charge)) => {
            earn(charge(18_000, 800, Grade::Metered))
        }
        CapOver::Rule(_) | CapOver::Kind(_) | CapOver::All => earn(trip(0, 100_000, 9_900)),
    }
}

/// A member who has used up all of one cap but for some points.
pub(super) fn world_with(policy: &Policy, cap: usize, room: i64) -> World {
    let mut world = World::new();
    let cap = &policy.caps[cap];
    let day = Zone::of_member("Asia/Shanghai").local_day(NOW);
    let used = Milli::from_whole(cap.points.get() - room);
    let mut newer = statement(640, 420);
    newer.account.version = LedgerVersion::new(10);
    newer.account.used = BTreeMap::from([(
        cap.id.clone(),
        BTreeMap::from([(cap.per.first_day(day), used)]),
    )]);
    world.books.take_statement(newer, NOW);
    world
}

#[test]
fn each_cap_of_the_shipped_policy_is_named_when_it_is_reached_and_when_it_cuts() {
    let policy = Policy::from_toml(DEFAULT_POLICY_TOML).unwrap();
    assert_eq!(policy.caps.len(), 9);
    let mut lines = Vec::new();
    for (place, cap) in policy.caps.iter().enumerate() {
        let mut world = world_with(&policy, place, 0);
        world.mint(under(&cap.over));
        let row = &world.rows()[0];
        let RowOutcome::Nothing(Failed::CapReached(LimitData {
            per, most, room, ..
        })) = &row.outcome
        else {
            panic!("{}: {row:?}", cap.id);
        };
        assert_eq!(
            (*per, *most, *room),
            (cap.per, cap.points, Some(Points::ZERO))
        );
        lines.push(format!("{} reached: {}", cap.id, told(row)));
        // A check-in is worth one point: it is paid whole or not at all.
        if matches!(under(&cap.over), Subject::Member { .. }) {
            continue;
        }
        let mut world = world_with(&policy, place, 3);
        world.mint(under(&cap.over)).status = EntryStatus::Judged(Verdict::Accepted {
            paid: Paid {
                points: Points::new(3),
                growth: dashpoint_membership::Growth::ZERO,
            },
        });
        let row = &world.rows()[0];
        assert_eq!(
            row.outcome,
            RowOutcome::Booked {
                points: Points::new(3)
            },
            "{}",
            cap.id
        );
        let limit = row.cut.as_ref().unwrap();
        assert_eq!(
            (limit.per, limit.most, limit.room),
            (cap.per, cap.points, Some(Points::new(3)))
        );
        lines.push(format!("{} cut: {}", cap.id, told(row)));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

/// A trip that two rules pay.
fn clean_trip() -> Evidence {
    changed(60_000, |trip| trip.used_wh = 6_000)
}

/// Two rules pay one trip: the verdict says what they pay together.
#[test]
fn the_room_of_a_cap_is_told_where_the_payment_tells_it() {
    for (subject, awards, cap, most, room) in [
        (
            charge(18_000, 800, Grade::Metered),
            1,
            "all-day",
            100,
            Some(4),
        ),
        (clean_trip(), 2, "all-day", 100, Some(4)),
        (clean_trip(), 2, "safe-trip-day", 20, None),
    ] {
        let mut world = World::new();
        let own = world.earn(subject);
        assert_eq!(own.entry.transaction().awards().len(), awards);
        let predicted = own.entry.predicted();
        own.status = EntryStatus::Judged(Verdict::Adjusted {
            paid: Paid {
                points: Points::new(4),
                growth: dashpoint_membership::Growth::ZERO,
            },
            reasons: vec![
                Adjustment::Remainder {
                    rule: "safe-trip".parse().unwrap(),
                },
                Adjustment::Cap {
                    cap: cap.parse().unwrap(),
                },
            ],
        });
        let row = &world.rows()[0];
        // The amounts of the row are of all its rules together.
        let (title, _) = row.rule.clone().unwrap();
        assert_eq!(title.en.split(", ").count(), awards, "{title:?}");
        let cut = row.cut.clone().unwrap();
        let room = room.map(Points::new);
        assert_eq!((cut.most, cut.room), (Points::new(most), room));
        // The screen has the room, too, where it is known.
        let said = match room {
            Some(_) => format!(
                "CapRoom(+4 instead of +{}: the limit of {most} a day for ",
                predicted.get()
            ),
            None => "CapNamed(".to_owned(),
        };
        assert!(told(row).starts_with(&said), "{}", told(row));
        assert_eq!(told(row).contains("; 4) | "), room.is_some());
    }
}

/// An entry that names rules which ended before it counts is valued by those in force: their cap is told, with its size.
#[test]
fn the_size_of_a_cap_is_that_of_the_rules_that_valued_the_entry() {
    for (cap, expected) in [("all-day", Some(60)), ("of-no-rules", None)] {
        let mut world = World::new();
        let mut ended = Policy::from_toml(DEFAULT_POLICY_TOML).unwrap();
        ended.version = PolicyVersion::new(2);
        ended.valid_until = NOW.plus_s(-7_200);
        ended.grace_s = 0;
        let mut in_force = Policy::from_toml(DEFAULT_POLICY_TOML).unwrap();
        in_force.version = PolicyVersion::new(3);
        in_force.valid_from = NOW.plus_s(-7_200);
        let mut caps = in_force.caps.iter_mut();
        let all_day = caps.find(|cap| cap.id.as_str() == "all-day");
        all_day.unwrap().points = Points::new(60);
        world
            .books
            .take_policy(CompiledPolicy::compile(ended).unwrap());
        let own = world.earn(charge(18_000, 800, Grade::Metered));
        assert_eq!(own.entry.policy, PolicyVersion::new(2));
        own.status = EntryStatus::Judged(Verdict::Adjusted {
            paid: Paid {
                points: Points::new(4),
                growth: dashpoint_membership::Growth::ZERO,
            },
            reasons: vec![Adjustment::Cap {
                cap: cap.parse().unwrap(),
            }],
        });
        world
            .books
            .take_policy(CompiledPolicy::compile(in_force).unwrap());
        let row = &world.rows()[0];
        let most = row.cut.as_ref().map(|cut| cut.most);
        assert_eq!(most, expected.map(Points::new), "{row:?}");
        let said = if most.is_some() {
            "CapRoom("
        } else {
            "CapNotHeld("
        };
        assert!(told(row).starts_with(said), "{}", told(row));
    }
}

/// The cloud counts an entry for its own day when the car's clock is ahead, and so does the search for the cap.
#[test]
fn the_cap_is_named_when_the_clock_of_the_entry_is_a_day_ahead() {
    let policy = Policy::from_toml(DEFAULT_POLICY_TOML).unwrap();
    let all_day = policy
        .caps
        .iter()
        .position(|cap| cap.id.as_str() == "all-day");
    for (room, expected) in [(0, "CapReached"), (5, "Cut(")] {
        let mut world = world_with(&policy, all_day.unwrap(), room);
        let subject = Subject::Earn {
            evidence: charge(18_000, 800, Grade::Metered),
            digest: EvidenceDigest::from_bytes([7; EvidenceDigest::LEN]),
        };
        let own = world.mint_at(subject, NOW.plus_s(86_400));
        assert_eq!(own.entry.predicted(), Points::new(room));
        own.status = EntryStatus::Judged(Verdict::Accepted {
            paid: Paid {
                points: Points::new(room),
                growth: dashpoint_membership::Growth::ZERO,
            },
        });
        let row = &world.rows()[0];
        assert!(told(row).starts_with(expected), "{room}: {}", told(row));
        assert!(told(row).contains("all points"), "{room}: {}", told(row));
        // Home counts it for the day whose caps it used.
        let today = world.member().today;
        let earned = today.clean.plus(today.safe).plus(today.other);
        assert_eq!(earned, Points::new(room));
    }
}

#[test]
fn a_cap_that_had_room_later_is_not_the_one_that_cut() {
    let mut world = World::new();
    // Of two full caps the first of the policy is named: here that over all points.
    let mut policy = Policy::from_toml(DEFAULT_POLICY_TOML).unwrap();
    policy.caps.reverse();
    policy.version = PolicyVersion::new(2);
    policy.valid_from = NOW.plus_s(-7_200);
    world
        .books
        .take_policy(CompiledPolicy::compile(policy).unwrap());
    // Twenty points reach the cap of safe trips.
    world.earn(trip(0, 200_000, 9_900));
    world.earn(trip(300_000, 50_000, 9_900));
    // Charging goes on until all points of the day are reached.
    for _ in 0..5 {
        world.earn(charge(18_000, 800, Grade::Metered));
    }
    let rows = world.rows();
    let over = |row: &RowData| match (&row.outcome, &row.cut) {
        (RowOutcome::Nothing(Failed::CapReached(limit)), _) | (_, Some(limit)) => {
            format!("{} {:?}", limit.over.en, limit.per)
        }
        _ => String::new(),
    };
    let named: Vec<String> = rows.iter().map(over).collect();
    assert_eq!(
        named,
        [
            "all points Day",
            "all points Day",
            "",
            "",
            "",
            "Safe trip Day",
            ""
        ],
        "{rows:#?}"
    );
}
