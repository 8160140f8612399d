//! Tests the first lines of `status` beside a head unit that does not run.

use dashpoint_membership::{
    AllowanceState, EntryRef, Epoch, Grade, Growth, Paid, Pending, Points, ReviewReason, Seq,
};
use dashpoint_ui::locale::Language;
use dashpoint_ui::model::Settles;
use jiff::tz::TimeZone;

use super::card::{caps, pending};
use super::report::{Keys, member_report};
use super::troubles;
use crate::cli::health_words::allowance;
use crate::keys::KeyState;
use crate::live::{Connection, LastSeen, Live, Reason};
use crate::screen::tests::world::{DEVICE, NOW, World, charge, statement, trip};
use crate::waiting::WaitingPoints;

/// The sum of what is held back is decided on the last of its days.
#[test]
fn home_and_status_tell_one_date_of_review() {
    let mut world = World::new();
    let mut says = statement(640, 420);
    for (number, days) in [(1, 2), (2, 9), (3, 4)] {
        says.account.pending.push(Pending {
            entry: EntryRef {
                device: DEVICE,
                epoch: Epoch::new(1),
                seq: Seq::new(number),
            },
            paid: Paid {
                points: Points::new(20),
                growth: Growth::ZERO,
            },
            reason: ReviewReason::Evidence,
            until: NOW.plus_s(days * 86_400),
            expires: NOW.plus_s(900 * 86_400),
        });
    }
    says.issued = NOW.plus_s(-3_600);
    world.books.take_statement(says, NOW);
    let last = NOW.plus_s(9 * 86_400);
    assert_eq!(world.member().settles, Settles::InReview { until: last });
    let (_, view) = world.books.views(NOW).next().unwrap();
    let lines = pending(
        &view,
        LastSeen::default(),
        &TimeZone::UTC,
        Language::English,
    );
    assert_eq!(
        lines,
        ["  +60 held back (3 entries, in review until 2026-12-01)"]
    );
}

/// Points that a refused car has shown are in no sum that a program reads, and an entry that earned nothing is not unpaid by the refusal.
#[test]
fn a_refused_car_has_no_sums_for_programs() {
    let mut world = World::new();
    let idle = world.earn(trip(30_000, 100, 8_800)).entry.predicted();
    assert_eq!(idle, Points::ZERO);
    world.earn(trip(100_000, 60_000, 9_800));
    let (book, view) = world.books.views(NOW).next().unwrap();
    assert_eq!(view.pending_items.len(), 2);
    for (is_refused, unpaid) in [(true, 1), (false, 0)] {
        assert_eq!(WaitingPoints::of(&view, is_refused).unpaid_entries, unpaid);
        let report = serde_json::to_value(member_report(book, &view, is_refused)).unwrap();
        let sums = [
            &report["caps"][0]["used_milli"],
            &report["caps"][0]["room_points"],
            &report["carried_milli"],
        ];
        assert!(
            sums.iter().all(|sum| sum.is_null() == is_refused),
            "{report}"
        );
        let text = report.to_string();
        assert!(!text.contains("null"), "{text}");
        assert!(report["caps"][0]["most_points"].is_i64(), "{text}");
    }
}

/// Unknown values are left out: no reader takes a null or a zero for an answer.
#[test]
fn a_head_unit_that_knows_nothing_yet_says_nothing_of_it() {
    let offline = Live {
        connection: Connection::Offline {
            since_unix_s: None,
            reason: Reason::NotAskedYet,
        },
        ..Live::default()
    };
    let told = serde_json::to_value(&offline).unwrap();
    assert!(!told.to_string().contains("null"), "{told}");
    assert_eq!(told.get("attempts"), None, "{told}");
    assert_eq!(told["connection"]["reason"], "not-asked-yet");
    let again: Live = serde_json::from_value(told).unwrap();
    assert_eq!(again, offline);
    let mut asked = offline;
    asked.attempts.begun = 1;
    let told = serde_json::to_value(&asked).unwrap();
    assert_eq!(told["attempts"]["begun"], 1);
    assert_eq!(serde_json::from_value::<Live>(told).unwrap(), asked);
}

#[test]
fn the_reasons_that_keep_points_from_coming_are_told_while_the_head_unit_is_stopped() {
    let keys = Keys {
        device: KeyState::Good,
        seal: KeyState::Good,
    };
    let none = LastSeen::default();
    let other_vehicle = LastSeen {
        other_vehicle: true,
        ..none
    };
    let guest_by_car = LastSeen {
        guest_by_car: true,
        ..none
    };
    let guest = |guest| LastSeen { guest, ..none };
    let refused = |status| LastSeen {
        refused: Some(status),
        ..none
    };
    let cases = [
        (none, vec![]),
        (
            other_vehicle,
            vec!["this is another car than the one that was enrolled"],
        ),
        (guest_by_car, vec!["the car says that a guest drives"]),
        (
            guest(1),
            vec!["the last trip or session earned nothing: no member was driving"],
        ),
        (
            guest(3),
            vec!["the last 3 trips and sessions earned nothing: no member was driving"],
        ),
        (
            refused(403),
            vec!["the cloud refuses this car (status 403): what is pending is not paid"],
        ),
        // The car itself is let in: nothing is said of what is pending.
        (
            refused(422),
            vec!["the cloud did not take what this car sent: it is kept; ask service. Status 422"],
        ),
    ];
    for (seen, expected) in cases {
        let lines = troubles(Language::English, keys, 0, None, seen, false);
        assert_eq!(lines.len(), expected.len(), "{lines:?}");
        for (line, expected) in lines.iter().zip(&expected) {
            assert!(line.starts_with(expected), "{line}");
        }
        let chinese = troubles(Language::Chinese, keys, 0, None, seen, false);
        assert_eq!(chinese.len(), expected.len(), "{chinese:?}");
    }
}

/// Every cap that something counts against is told, whatever its period.
#[test]
fn each_used_cap_has_a_line() {
    let mut world = World::new();
    world.earn(charge(18_000, 800, Grade::Metered));
    let policy = world.books.policy_at(NOW);
    let (_, view) = world.books.views(NOW).next().unwrap();
    assert_eq!(
        caps(&view, policy, Language::English),
        [
            "  today all charging: 21.600 / 80",
            "  today all points: 21.600 / 100",
            "  this week Clean charging: 21.600 / 250",
            "  this month all points: 21.600 / 1,500",
            "  this year all points: 21.600 / 12,000",
        ]
    );
    let chinese = caps(&view, policy, Language::Chinese);
    assert_eq!(chinese[2], "  本周清洁充电：21.600 / 250");
}

/// A fact that is known without the head unit is told once, beside its live state.
#[test]
fn the_live_state_repeats_nothing() {
    let live = Live {
        guest_in_a_row: 2,
        awaiting: 1,
        last_refusal: Some(403),
        other_vehicle: true,
        guest_by_car: true,
        ..Live::default()
    };
    let live = serde_json::to_value(live.without_what_is_seen()).unwrap();
    for name in [
        "attempts",
        "guest_in_a_row",
        "awaiting",
        "last_refusal",
        "other_vehicle",
        "guest_by_car",
    ] {
        assert_eq!(live.get(name), None, "{name}");
    }
    // A file of an earlier program is read.
    let kept = r#"{"refused":403,"other_vehicle":false,"guest_by_car":false,"guest":2}"#;
    let kept: LastSeen = serde_json::from_str(kept).unwrap();
    assert_eq!((kept.refused, kept.guest), (Some(403), 2));
    let told = serde_json::to_value(kept).unwrap();
    assert_eq!(
        (&told["refused_status"], &told["guest_in_a_row"]),
        (&403.into(), &2.into())
    );
}

/// The request to connect has its day, as on Home.
#[test]
fn the_day_to_connect_by_is_told() {
    let asked = |language, state| allowance(language, state, "2027-01-21");
    let soft = AllowanceState::Soft;
    assert_eq!(
        asked(Language::English, soft).as_deref(),
        Some("connect by 2027-01-21: until then everything goes on counting")
    );
    assert_eq!(
        asked(Language::Chinese, soft).as_deref(),
        Some("请在 2027-01-21 前联网，此前积分照常累计")
    );
    assert_eq!(asked(Language::English, AllowanceState::Ok), None);
}
