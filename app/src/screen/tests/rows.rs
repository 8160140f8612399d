//! The rows of the ledger and the summary of a trip.

use dashpoint_membership::{
    Adjustment, CapId, Cause, Chain, Cover, Epoch, Factor, Growth, LedgerVersion, Paid, Points,
    Rejection, Seq, Settlement, Verdict,
};
use dashpoint_telematics::{Spell, TripEnd, TripTrace};
use dashpoint_ui::activity::activity;
use dashpoint_ui::locale::{Language, Locale};
use dashpoint_ui::model::{Failed, LimitData, RowOutcome};
use dashpoint_ui::nav::Nav;
use dashpoint_ui::trip::trip as trip_page;
use dashpoint_ui::{Fact, Reason, RowStatus};
use jiff::tz::TimeZone;

use super::world::{DEVICE, NOW, World, statement, trip};
use crate::entry_status::EntryStatus;

#[test]
fn the_words_of_the_cloud_become_what_came_of_a_row() {
    let mut world = World::new();
    let paid = |points| Paid {
        points: Points::new(points),
        growth: Growth::ZERO,
    };
    let why = Adjustment::Cap {
        cap: CapId::new("all-day").unwrap(),
    };
    let words = [
        None,
        Some(Verdict::Accepted { paid: paid(6) }),
        Some(Verdict::Adjusted {
            paid: paid(2),
            reasons: vec![why.clone()],
        }),
        Some(Verdict::Rejected {
            reason: Rejection::AlreadyPaid,
        }),
    ];
    for (index, verdict) in (0..).zip(words) {
        let own = world.earn(trip(index * 100_000, 60_000, 9_800));
        own.status = verdict.map_or(EntryStatus::Pending, EntryStatus::Judged);
    }
    let predicted: Vec<Points> = world.own.iter().map(|own| own.entry.predicted()).collect();
    let outcomes: Vec<RowOutcome> = world.rows().into_iter().map(|row| row.outcome).collect();
    assert_eq!(
        outcomes,
        [
            RowOutcome::Rejected {
                predicted: predicted[0],
                reason: Rejection::AlreadyPaid,
            },
            RowOutcome::Adjusted {
                paid: Points::new(2),
                predicted: predicted[1],
                why,
            },
            RowOutcome::Booked {
                points: Points::new(6),
            },
            RowOutcome::AwaitingConnection {
                predicted: predicted[3],
            },
        ]
    );
}

#[test]
fn what_earned_nothing_says_which_condition_failed() {
    let mut world = World::new();
    for (evidence, expected) in [
        (
            trip(0, 30_000, 8_800),
            Failed::Score {
                got_x100: 8_800,
                needed_x100: 9_000,
            },
        ),
        (
            trip(100_000, 1_900, 9_900),
            Failed::Distance {
                got_m: 1_900,
                needed_m: 2_000,
            },
        ),
    ] {
        world.earn(evidence);
        assert_eq!(world.rows()[0].outcome, RowOutcome::Nothing(expected));
    }
    // Two hundred kilometres reach the cap of the day; the next trip finds it used up.
    world.earn(trip(200_000, 200_000, 9_900));
    world.earn(trip(500_000, 50_000, 9_900));
    let cap = Failed::CapReached(LimitData {
        over: dashpoint_membership::Text {
            en: "Safe trip".to_owned(),
            zh: "安全出行".to_owned(),
        },
        per: dashpoint_membership::policy::Period::Day,
        most: Points::new(20),
        room: Some(Points::ZERO),
    });
    assert_eq!(world.rows()[0].outcome, RowOutcome::Nothing(cap));
}

#[test]
fn what_the_statement_covers_is_settled_and_an_old_copy_is_silent() {
    let mut world = World::new();
    let predicted = world.earn(trip(0, 60_000, 9_800)).entry.predicted();
    let mut newer = statement(646, 420);
    newer.account.version = LedgerVersion::new(10);
    let cover = |epoch| Cover {
        epoch: Epoch::new(epoch),
        through: Seq::new(1),
        head: world.books.head.hash,
        chain: Chain::start(NOW),
    };
    let covers = [cover(1), cover(2)];
    newer.covers.insert(DEVICE, covers[0]);
    world.books.take_statement(newer.clone(), NOW);
    let row = &world.rows()[0];
    assert_eq!(row.status(), RowStatus::Settled);
    // What the verdict paid is on no disk of this car: neither points nor growth value are told as if it were.
    assert_eq!(row.growth, Growth::ZERO);
    let data = world.data();
    for language in Language::ALL {
        let locale = Locale {
            language,
            zone: TimeZone::UTC,
        };
        let list = activity(&data.activity, &Nav::new(), false, &locale, NOW);
        assert_eq!(list.rows[0].points, "–");
        assert_eq!(list.rows[0].reason, Reason::Settled);
        let promised = format!("+{predicted}");
        let told = list.values.iter().map(|line| (line.fact, &*line.value));
        assert_eq!(told.collect::<Vec<_>>()[0], (Fact::Predicted, &*promised));
        let page = trip_page(data.trip.as_ref().unwrap(), &locale, NOW);
        assert_eq!(page.shown.points, "–");
        assert!(page.awards.iter().all(|award| award.points == "–"));
    }

    newer.account.version = LedgerVersion::new(11);
    newer.covers.insert(DEVICE, covers[1]);
    world.books.take_statement(newer, NOW);
    assert_eq!(world.rows(), []);
}

#[test]
fn what_others_did_to_the_account_is_in_the_list() {
    let mut world = World::new();
    let mut newer = statement(600, 420);
    newer.account.version = LedgerVersion::new(12);
    newer.settlements = [
        Cause::Granted {
            reason: "sorry for the wait".to_owned(),
        },
        Cause::Expired {
            lot: LedgerVersion::new(1),
        },
    ]
    .into_iter()
    .zip([(50, 10), (-90, 11)])
    .map(|(cause, (points, version))| Settlement {
        version: LedgerVersion::new(version),
        at: NOW.plus_s(version.cast_signed()),
        cause,
        points: Points::new(points),
        growth: Growth::ZERO,
        arrears: Points::ZERO,
        allocations: Vec::new(),
        promoted: None,
    })
    .collect();
    world.books.take_statement(newer, NOW);
    let points: Vec<_> = world.rows().into_iter().map(|row| row.outcome).collect();
    let booked = |points| RowOutcome::Booked {
        points: Points::new(points),
    };
    assert_eq!(points, [booked(-90), booked(50)]);
}

#[test]
fn a_trip_names_its_causes_and_what_each_rule_pays() {
    let mut world = World::new();
    let from_ms = NOW.as_unix_s() * 1_000 - 600_000;
    world.earn(trip(0, 60_000, 9_800)).trace = Some(TripTrace {
        started_ms: NOW.as_unix_s() * 1_000 - 1_700_000,
        ended_ms: NOW.as_unix_s() * 1_000 - 100_000,
        end: TripEnd::Parked,
        parked_ms: 0,
        speed_integral_m: 60_000,
        braking: dashpoint_telematics::BrakingSource::Speed,
        spells: vec![Spell {
            factor: Factor::HardBraking,
            from_ms,
            to_ms: from_ms + 2_000,
            worst: 340,
        }],
        spells_unlisted: 0,
    });
    let trip = world.data().trip.unwrap();
    assert_eq!(trip.started, NOW.plus_s(-1_700));
    assert_eq!(trip.ended, NOW.plus_s(-100));
    assert_eq!(trip.awards.len(), 1);
    assert_eq!(trip.awards[0].1, Points::new(6));
    assert_eq!(trip.causes.len(), 1);
    assert_eq!(
        (trip.causes[0].at, trip.causes[0].seconds),
        (NOW.plus_s(-600), 2)
    );
    assert_eq!(trip.factors, 6);
}
