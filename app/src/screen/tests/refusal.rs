//! A guest, a refusal or another car keeps every entry from being paid, and each is said wherever points are promised.

use dashpoint_membership::{Growth, Paid, Points, ReviewReason, Verdict};
use dashpoint_ui::Reason;
use dashpoint_ui::home::home;
use dashpoint_ui::locale::{Language, Locale};
use dashpoint_ui::model::{Availability, Exchange, Failed, NoticeData, RowOutcome};
use dashpoint_ui::reason::reason;
use dashpoint_ui::trip::trip as trip_page;
use jiff::tz::TimeZone;

use super::unpaid::changed;
use super::world::{NOW, World, trip};
use crate::cli::ledger_words::{entry_status, reason as typed};
use crate::cli::reasons;
use crate::entry_status::EntryStatus;
use crate::live::{Connection, LastSeen, Live};
use crate::other_car::other_vehicle;

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
                other_vehicle(language).to_owned(),
            ]
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

/// A head unit whose last answer of the cloud was a refusal of the car, and that may have lost the network since.
fn refused_cars() -> [Live; 3] {
    let seen = LastSeen {
        refused: Some(403),
        ..LastSeen::default()
    };
    let fault = Live {
        connection: Connection::Fault {
            since_unix_s: None,
            status: 403,
        },
        ..Live::default()
    };
    let offline = Live {
        connection: Connection::Offline {
            since_unix_s: None,
            reason: crate::live::Reason::NoNetwork,
        },
        last_refusal: Some(403),
        ..Live::default()
    };
    [fault, offline, seen.as_live().unwrap()]
}

/// Points that a refused car has shown are not paid: no page promises them, and a later acceptance promises them again.
#[test]
fn a_refused_car_promises_nothing_on_any_page() {
    for live in refused_cars() {
        let mut world = World::new();
        world.earn(changed(30_000, |trip| trip.score_x100 = 8_800));
        let points = world.earn(trip(100_000, 60_000, 9_800)).entry.predicted();
        world.live = Some(live);
        let data = world.data();
        let member = world.member();
        assert_eq!((member.pending, member.unpaid), (Points::ZERO, points));
        assert_eq!(member.notice, Some(NoticeData::Refused));
        assert_eq!((member.today.safe, member.today.room), (Points::ZERO, None));
        let rows = world.rows();
        assert_eq!(rows[0].outcome, RowOutcome::Unpaid { predicted: points });
        // What had earned nothing anyway keeps its own reason.
        let RowOutcome::Nothing(Failed::Score { .. }) = &rows[1].outcome else {
            panic!("{:?}", rows[1]);
        };
        for language in Language::ALL {
            let locale = Locale {
                language,
                zone: TimeZone::UTC,
            };
            assert_eq!(reason(&rows[0], &locale, NOW).0, Reason::CarRefused);
            assert_eq!(rows[0].growth, Growth::ZERO);
            let page = trip_page(data.trip.as_ref().unwrap(), &locale, NOW);
            let shown = (page.shown.pending, page.shown.reason, page.shown.points);
            assert_eq!(shown, (false, Reason::CarRefused, "0".into()));
            let card = home(&data.member, &data.benefits, false, false, &locale, NOW).card;
            let shown = (card.pending.as_str(), card.unpaid.as_str());
            assert_eq!(shown, ("", "+6"));
        }
        // The command line has its words from the same state.
        let status = EntryStatus::Pending.while_refused(true);
        let said = Language::ALL.map(|language| {
            let why = typed(language, &status, &TimeZone::UTC);
            format!("{}: {why}", entry_status(language, &status))
        });
        assert!(
            said.contains(&"not paid: the cloud refuses this car".to_owned()),
            "{said:?}"
        );

        let live = world.live.take().unwrap();
        world.live = Some(Live {
            connection: Connection::Online { since_unix_s: 0 },
            ..live
        });
        let member = world.member();
        assert_eq!((member.pending, member.unpaid), (points, Points::ZERO));
        assert!(member.today.room.is_some());
        let promised = RowOutcome::AwaitingConnection { predicted: points };
        assert_eq!(world.rows()[0].outcome, promised);
    }
}

/// Less than a point is carried on where it is paid: a refused car carries nothing on.
#[test]
fn a_refused_car_carries_nothing_on() {
    let mut world = World::new();
    world.earn(changed(1_000, |trip| {
        trip.used_wh = 10;
        trip.score_x100 = 5_000;
    }));
    assert!(matches!(
        world.rows()[0].outcome,
        RowOutcome::Nothing(Failed::Fraction { .. })
    ));
    let [fault, ..] = refused_cars();
    world.live = Some(fault);
    let RowOutcome::Nothing(Failed::Fraction { is_carried, .. }) = world.rows()[0].outcome else {
        panic!("{:?}", world.rows()[0]);
    };
    assert!(!is_carried);
}

/// Points that the cloud holds back are not paid yet, and the day of the decision is told; a refusal of the car changes nothing of them.
#[test]
fn what_is_held_back_is_not_paid_and_has_its_day() {
    let until = NOW.plus_s(14 * 86_400);
    for (why, en, zh) in [
        (
            ReviewReason::Evidence,
            "the programme decides by 2026-12-06",
            "最迟 2026-12-06 作出决定",
        ),
        (
            ReviewReason::Estimated,
            "in review until 2026-12-06",
            "审核至 2026-12-06",
        ),
    ] {
        let held = EntryStatus::Judged(Verdict::Review {
            paid: Paid {
                points: Points::new(4),
                growth: Growth::ZERO,
            },
            reason: why,
            until,
        });
        assert_eq!(
            (held.paid(), held.held_back()),
            (None, Some(Points::new(4)))
        );
        assert_eq!(held.clone().while_refused(true), held);
        let said = |language| typed(language, &held, &TimeZone::UTC);
        assert!(
            said(Language::English).ends_with(en),
            "{}",
            said(Language::English)
        );
        assert!(
            said(Language::Chinese).ends_with(zh),
            "{}",
            said(Language::Chinese)
        );
    }
}
