//! Each kind of unpaid entry shows its own true reason, with the shipped policy, in both languages, on screen and command line.

use std::collections::BTreeMap;

use dashpoint_membership::policy::{CapOver, Policy, RuleKind, Trigger};
use dashpoint_membership::{
    Adjustment, CompiledPolicy, DEFAULT_POLICY_TOML, Evidence, EvidenceDigest, Factor, Grade,
    LedgerVersion, MemberAction, Meter, MeterInterval, Milli, Paid, Points, PolicyVersion, Subject,
    Trip, Verdict, Zone,
};
use dashpoint_ui::Reason;
use dashpoint_ui::locale::{Language, Locale};
use dashpoint_ui::model::{
    Availability, Exchange, Failed, LimitData, NoticeData, RowData, RowOutcome,
};
use dashpoint_ui::reason::reason;
use jiff::tz::TimeZone;

use super::world::{NOW, World, charge, statement, trip};
use crate::cli::reasons;
use crate::entry_status::EntryStatus;
use crate::live::{Connection, Live};

/// A trip with a perfect score on which no CO2 is avoided, changed.
pub(super) fn changed(metres: u64, change: impl FnOnce(&mut Trip)) -> Evidence {
    let Evidence::Trip(mut trip) = trip(0, metres, 9_900) else {
        unreachable!("a trip");
    };
    change(&mut trip);
    Evidence::Trip(trip)
}

/// The sentence of the screen in both languages, as it is handed to the page, and the words of the command line.
fn told(row: &RowData) -> String {
    let shown = [Language::English, Language::Chinese].map(|language| {
        let locale = Locale {
            language,
            zone: TimeZone::UTC,
        };
        let (reason, a, b) = reason(row, &locale, NOW);
        format!("{reason:?}({a}; {b})")
    });
    let typed =
        [Language::English, Language::Chinese].map(|language| match (&row.outcome, &row.cut) {
            (RowOutcome::Nothing(failed), _) => reasons::nothing(language, failed),
            (_, Some(limit)) => reasons::cut(language, limit),
            (outcome, None) => format!("{outcome:?}"),
        });
    format!("{} | {}", shown.join(" | "), typed.join(" | "))
}

#[test]
fn each_condition_of_the_shipped_policy_shows_its_own_reason() {
    let cases = [
        (
            "share too low, metered",
            charge(18_000, 299, Grade::Metered),
        ),
        (
            "share too low, declared",
            charge(18_000, 250, Grade::Declared),
        ),
        (
            "share too low, estimated",
            charge(18_000, 90, Grade::Estimated),
        ),
        ("energy too small", charge(400, 800, Grade::Declared)),
        ("distance", changed(300, |trip| trip.used_wh = 30)),
        ("score", changed(30_000, |trip| trip.score_x100 = 8_800)),
        (
            "braking not observed",
            changed(30_000, |trip| trip.factors.clear()),
        ),
        (
            "missed seconds",
            changed(30_000, |trip| trip.missed_s = 600),
        ),
        (
            "no energy on the bus",
            changed(1_000, |trip| trip.used_wh = 0),
        ),
        (
            "nothing avoided, and a score too low by far more conditions",
            changed(30_000, |trip| {
                trip.score_x100 = 8_800;
                trip.factors.clear();
            }),
        ),
    ];
    let lines: Vec<String> = cases
        .into_iter()
        .map(|(kind, evidence)| {
            let mut world = World::new();
            world.earn(evidence);
            let rows = world.rows();
            assert!(
                matches!(rows[0].outcome, RowOutcome::Nothing(_)),
                "{kind}: {:?}",
                rows[0]
            );
            format!("{kind}: {}", told(&rows[0]))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

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
        let cut = row.cut.clone().unwrap();
        let room = room.map(Points::new);
        assert_eq!((cut.most, cut.room), (Points::new(most), room));
        assert!(told(row).starts_with("CapNamed("), "{}", told(row));
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
            "CapNamed("
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

/// Less than a point is carried on, or was taken by a full cap.
#[test]
fn less_than_a_point_is_carried_on_or_names_the_cap_that_took_it() {
    let small = || {
        changed(1_000, |trip| {
            trip.used_wh = 10;
            trip.score_x100 = 5_000;
        })
    };
    let mut world = World::new();
    world.earn(small());
    let carried = told(&world.rows()[0]);
    assert!(carried.starts_with("CarriedOn(0."), "{carried}");
    assert!(carried.contains("carried on to the next"), "{carried}");

    // Charging and driving safely fill the day; the same trip after them finds no room.
    let mut world = World::new();
    for _ in 0..6 {
        world.earn(charge(18_000, 800, Grade::Metered));
    }
    world.earn(trip(0, 200_000, 9_900));
    world.earn(small());
    let cut = told(&world.rows()[0]);
    assert!(
        cut.starts_with("CapReached(100 a day for all points"),
        "{cut}"
    );
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

/// The reasons that keep every entry from being paid are said on Home and in the first lines of `status`.
#[test]
fn a_guest_a_refusal_and_another_car_are_said_with_the_way_out() {
    let mut world = World::new();
    assert_eq!(world.member().notice, None);
    world.guest = true;
    assert_eq!(world.member().notice, Some(NoticeData::Guest));
    world.live = Some(Live {
        connection: Connection::Fault {
            since_unix_s: None,
            status: 403,
        },
        ..Live::default()
    });
    assert_eq!(world.member().notice, Some(NoticeData::Refused));
    assert_eq!(world.data().device.exchange, Exchange::Refused);
    // The car is let in, what it sent is not taken: nobody may be told that nothing more is earned.
    world.live = Some(Live {
        connection: Connection::Fault {
            since_unix_s: None,
            status: 422,
        },
        ..Live::default()
    });
    assert_eq!(world.member().notice, Some(NoticeData::EntriesRefused));
    assert_eq!(world.data().device.exchange, Exchange::EntriesRefused);
    world.live = Some(Live {
        other_vehicle: true,
        ..Live::default()
    });
    assert_eq!(world.data().member, Availability::OtherCar);
    assert_eq!(world.data().activity, Availability::OtherCar);
    let told: Vec<String> = [Language::English, Language::Chinese]
        .into_iter()
        .flat_map(|language| {
            [
                reasons::guest(language).to_owned(),
                reasons::refused_car(language, 403),
            ]
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

/// The reason is that of the rules that the entry was valued by, whatever is in force today.
#[test]
fn the_reason_is_that_of_the_entrys_own_policy() {
    let mut world = World::new();
    world.earn(charge(18_000, 250, Grade::Declared));
    let before = world.rows()[0].outcome.clone();
    let mut next = Policy::from_toml(DEFAULT_POLICY_TOML).unwrap();
    next.version = PolicyVersion::new(2);
    next.valid_from = NOW.plus_s(-60);
    next.rules[0].when = "energy_wh >= 90000".to_owned();
    world
        .books
        .take_policy(CompiledPolicy::compile(next).unwrap());
    assert_eq!(world.rows()[0].outcome, before);
    assert_eq!(
        before,
        RowOutcome::Nothing(Failed::Renewable {
            got_permille: 250,
            needed_permille: 300
        })
    );
}

/// A condition that has no words of its own is told as the rule has it; a rule without an amount is told as such.
#[test]
fn what_has_no_words_of_its_own_is_told_by_its_rule() {
    for (when, points, evidence, expected) in [
        (
            "distance_m / 1000 > 50",
            "1000",
            trip(0, 30_000, 9_900),
            Failed::Condition {
                rule: title(),
                source: "distance_m / 1000 > 50".to_owned(),
            },
        ),
        (
            "observed_factors == 6 && true",
            "1000",
            trip(0, 30_000, 9_900),
            Failed::Condition {
                rule: title(),
                source: "observed_factors == 6".to_owned(),
            },
        ),
        (
            "unbuckled_observed",
            "1000",
            trip(0, 30_000, 9_900),
            Failed::Unobserved {
                factor: Factor::Unbuckled,
            },
        ),
        (
            "true",
            "1000 / missed_s",
            trip(0, 30_000, 9_900),
            Failed::NoAmount { rule: title() },
        ),
        (
            "true",
            "missed_s",
            trip(0, 30_000, 9_900),
            Failed::TooLittle,
        ),
    ] {
        let mut world = World::new();
        let mut policy = Policy::from_toml(DEFAULT_POLICY_TOML).unwrap();
        policy.rules.retain(|rule| rule.id.as_str() == "safe-trip");
        policy.caps.clear();
        policy.version = PolicyVersion::new(2);
        policy.valid_from = NOW.plus_s(-7_200);
        policy.rules[0].when = when.to_owned();
        policy.rules[0].points = points.to_owned();
        policy.rules[0].growth = "0".to_owned();
        world
            .books
            .take_policy(CompiledPolicy::compile(policy).unwrap());
        world.earn(evidence);
        assert_eq!(
            world.rows()[0].outcome,
            RowOutcome::Nothing(expected),
            "{when}"
        );
    }
    let mut world = World::new();
    world.earn(Evidence::Discharge(dashpoint_membership::Discharge {
        discharged: MeterInterval {
            meter: Meter::Discharged,
            from: 0,
            to: 4_000,
        },
        started: None,
    }));
    let row = &world.rows()[0];
    assert_eq!(row.outcome, RowOutcome::Nothing(Failed::NoRule));
    assert!(told(row).starts_with(&format!("{:?}(; )", Reason::NoRule)));
}

fn title() -> dashpoint_membership::Text {
    dashpoint_membership::Text {
        en: "Safe trip".to_owned(),
        zh: "安全出行".to_owned(),
    }
}
