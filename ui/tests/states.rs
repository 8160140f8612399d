//! What is shown for what data and drive state, without a window.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and says what it has checked"
)]

use dashpoint_membership::Points;
use dashpoint_ui::drive::{is_locked, is_restricted};
use dashpoint_ui::gallery::{Case, GalleryView, Variation, Wide, all};
use dashpoint_ui::locale::Language;
use dashpoint_ui::model::{Availability, MemberData};
use dashpoint_ui::nav::{Intent, Nav};
use dashpoint_ui::pace::{INTERVAL_MS, NumberPacer};
use dashpoint_ui::screen::{PageState, ScreenState, screen};
use dashpoint_ui::{Absence, Drive, Link, Page, Reason, RowStatus, Section};

const NORMAL: Case = Case {
    view: GalleryView::Home,
    variation: Variation::Normal,
    drive: Drive::Parked,
    online: true,
    night: false,
    language: Language::English,
    wide: Wide::Reference,
};

const RESTRICTED: [Drive; 3] = [Drive::Moving, Drive::Standing, Drive::Unknown];

fn member() -> MemberData {
    let Availability::Here(member) = NORMAL.data().member else {
        panic!("the normal sample has a member");
    };
    member
}

/// What the screen of the normal sample shows from where the driver is.
fn at(nav: &Nav, drive: Drive) -> ScreenState {
    let case = Case { drive, ..NORMAL };
    screen(
        &case.data(),
        case.situation(),
        nav,
        case.preferences(),
        &case.locale(),
    )
}

/// Whether a trace of (milliseconds, number) changes at most every ten seconds, and only upward.
fn calm(trace: &[(u64, i64)]) -> bool {
    let changes: Vec<_> = trace
        .windows(2)
        .filter(|pair| pair[0].1 != pair[1].1)
        .collect();
    let rising = changes.iter().all(|pair| pair[1].1 > pair[0].1);
    let apart = changes
        .windows(2)
        .all(|two| two[1][1].0 - two[0][1].0 >= INTERVAL_MS);
    rising && apart
}

/// A drive in which the truth changes every second, up and down.
fn truth() -> Vec<(u64, i64)> {
    (0..90_u64)
        .map(|second| (second * 1_000, i64::try_from(second * 7 % 31).unwrap()))
        .collect()
}

#[test]
fn r1_numbers_rise_at_most_every_ten_seconds_while_driving() {
    for drive in RESTRICTED {
        let mut pacer = NumberPacer::new();
        let shown: Vec<(u64, i64)> = truth()
            .into_iter()
            .map(|(now_ms, clean)| {
                let mut member = member();
                member.today.clean = Points::new(clean);
                pacer.hold(&mut member, drive, now_ms);
                (now_ms, member.today.clean.get())
            })
            .collect();
        assert!(calm(&shown), "{drive:?}: {shown:?}");
        assert!(
            shown.last().unwrap().1 > shown[0].1,
            "it goes on counting: {shown:?}"
        );
    }
    assert!(!calm(&truth()), "what is not held back breaks the rule");
}

#[test]
fn r1_in_park_the_truth_is_shown_at_once() {
    let mut pacer = NumberPacer::new();
    for (now_ms, clean) in truth() {
        let mut member = member();
        member.today.clean = Points::new(clean);
        pacer.hold(&mut member, Drive::Parked, now_ms);
        assert_eq!(member.today.clean.get(), clean);
    }
}

#[test]
fn r1_a_confirmation_is_not_a_loss() {
    let mut pacer = NumberPacer::new();
    let mut before = member();
    before.balance = Points::new(100);
    before.pending = Points::new(20);
    pacer.hold(&mut before, Drive::Moving, 0);
    let mut after = member();
    after.balance = Points::new(120);
    after.pending = Points::ZERO;
    pacer.hold(&mut after, Drive::Moving, 60_000);
    assert_eq!((after.balance.get(), after.pending.get()), (120, 0));
}

#[test]
fn r2_a_red_light_and_an_unknown_state_count_as_moving() {
    for case in all().into_iter().filter(|case| case.drive == Drive::Moving) {
        let moving = case.state();
        for drive in [Drive::Standing, Drive::Unknown] {
            let other = Case { drive, ..case }.state();
            assert_eq!(other.page, moving.page, "{case} as {drive:?}");
            assert_eq!(other.frame.locked, moving.frame.locked);
        }
    }
}

/// A code that has run out is no matter of the connection: the page says what is over, and has the button for a new one.
#[test]
fn an_expired_code_says_nothing_of_the_connection() {
    use dashpoint_ui::model::{EnrolmentData, EnrolmentStep};
    for (step, needs_link) in [
        (EnrolmentStep::Expired, false),
        (EnrolmentStep::Refused, false),
        (EnrolmentStep::AwaitingConsent, true),
        (EnrolmentStep::Offline, true),
    ] {
        let data = EnrolmentData {
            vin_end: "0001".to_owned(),
            step,
        };
        let now = dashpoint_membership::ServerTime::from_unix_s(0);
        let shown = dashpoint_ui::enrolment::enrolment(&data, &NORMAL.locale(), now).shown;
        assert_eq!(shown.needs_link, needs_link, "{:?}", data.step);
    }
}

/// A car that never says that it is parked has no button for the last step of the enrolment.
#[test]
fn who_is_enrolled_has_the_card_while_the_button_may_not_be_touched() {
    let case = Case {
        view: GalleryView::Enrolment,
        variation: Variation::Longest,
        ..NORMAL
    };
    assert_eq!(case.state().frame.page, Page::Enrolment);
    for drive in RESTRICTED {
        let frame = Case { drive, ..case }.state().frame;
        assert_eq!((frame.page, frame.locked), (Page::Home, false), "{drive:?}");
    }
}

#[test]
fn r3_only_the_card_and_the_newest_rows_are_for_driving() {
    for drive in RESTRICTED {
        assert!(is_restricted(drive));
        for page in [Page::Benefits, Page::Settings, Page::Trip, Page::Enrolment] {
            assert!(is_locked(page, drive), "{page:?} while {drive:?}");
        }
        for page in [Page::Home, Page::Activity] {
            assert!(!is_locked(page, drive));
        }
    }
    let mut nav = Nav::new();
    nav.handle(Intent::Open(Page::Activity), &[]);
    nav.handle(Intent::TurnActivity(3), &[]);
    let PageState::Activity(list) = at(&nav, Drive::Moving).page else {
        panic!("the list is for driving");
    };
    assert_eq!((list.rows.len(), list.page, list.pages), (6, 1, 1));
    assert_eq!(list.values, []);
}

#[test]
fn r4_what_was_begun_in_park_is_there_again() {
    let mut nav = Nav::new();
    for intent in [
        Intent::Open(Page::Activity),
        Intent::TurnActivity(2),
        Intent::OpenRow(1),
        Intent::ShowEvidence(true),
        Intent::Open(Page::Settings),
        Intent::OpenSection(Section::Device),
    ] {
        nav.handle(intent, &[]);
    }
    let before = at(&nav, Drive::Parked);
    nav.drive_changed(Drive::Moving);
    assert_eq!(at(&nav, Drive::Moving).page, PageState::Locked);
    nav.drive_changed(Drive::Parked);
    assert_eq!(at(&nav, Drive::Parked), before);
    nav.handle(Intent::Open(Page::Activity), &[]);
    let PageState::Activity(list) = at(&nav, Drive::Parked).page else {
        panic!("the list is back");
    };
    assert_eq!(
        (list.page, list.selected, list.detail.evidence_open),
        (2, 1, true)
    );
}

#[test]
fn l2_driving_goes_no_deeper_than_a_page() {
    let deeper = [
        Intent::OpenRow(2),
        Intent::TurnActivity(2),
        Intent::ShowEvidence(true),
        Intent::OpenBenefit(1),
        Intent::TurnBenefits(2),
        Intent::TurnTerms(2),
        Intent::OpenSection(Section::Device),
    ];
    for drive in RESTRICTED {
        for page in [Page::Home, Page::Activity, Page::Benefits, Page::Settings] {
            let mut nav = Nav::new();
            nav.handle(Intent::Open(page), &[]);
            let shown = at(&nav, drive);
            for intent in deeper {
                nav.handle(intent, &[]);
                assert_eq!(at(&nav, drive), shown, "{intent:?} on {page:?} {drive:?}");
            }
        }
    }
}

#[test]
fn l3_each_page_for_driving_is_one_tap_away() {
    for from in [Page::Home, Page::Activity, Page::Benefits, Page::Settings] {
        for to in [Page::Home, Page::Activity] {
            let mut nav = Nav::new();
            nav.handle(Intent::Open(from), &[]);
            nav.handle(Intent::Open(to), &[]);
            let shown = at(&nav, Drive::Moving);
            assert_eq!((shown.frame.page, shown.frame.locked), (to, false));
        }
    }
}

#[test]
fn s3_a_summary_stays_until_it_is_put_away_or_driving_starts() {
    let case = Case {
        view: GalleryView::Trip,
        ..NORMAL
    };
    let front = |nav: &Nav, drive| {
        let situation = Case { drive, ..case }.situation();
        screen(
            &case.data(),
            situation,
            nav,
            case.preferences(),
            &case.locale(),
        )
        .frame
        .page
    };
    let mut nav = Nav::new();
    assert_eq!(front(&nav, Drive::Parked), Page::Trip);
    nav.drive_changed(Drive::Standing);
    assert_eq!(front(&nav, Drive::Standing), Page::Home);
    assert_eq!(
        front(&nav, Drive::Parked),
        Page::Trip,
        "shifting is not driving"
    );
    nav.drive_changed(Drive::Moving);
    assert_eq!(front(&nav, Drive::Parked), Page::Home);
    nav.trip_ended();
    nav.handle(Intent::TripDone, &[]);
    assert_eq!(front(&nav, Drive::Parked), Page::Home);
}

#[test]
fn the_card_has_points_worth_pending_and_expiry() {
    let PageState::Home(home) = Case {
        online: false,
        ..NORMAL
    }
    .state()
    .page
    else {
        panic!("the home page");
    };
    let card = &home.card;
    assert_eq!(
        [
            &card.points,
            &card.worth,
            &card.pending,
            &card.expiring,
            &card.expires_on
        ]
        .map(slint::SharedString::as_str),
        ["12,840", "¥1,284.00", "+126", "320", "31 Dec"]
    );
    assert_eq!(home.benefits.len(), 3);
    assert_eq!(home.benefits[0].title, "Charging voucher, 20 kWh");
}

#[test]
fn a_suggested_benefit_opens_where_the_catalogue_has_it() {
    let mut nav = Nav::new();
    nav.handle(Intent::OpenSuggested(2), &[0, 1, 6]);
    let PageState::Benefits(list) = at(&nav, Drive::Parked).page else {
        panic!("the benefits");
    };
    assert_eq!((list.page, list.selected), (2, 2));
    assert_eq!(list.detail.line.title, "Weekend in a partner hotel");
    assert_eq!(list.detail.missing, "13,160");
}

/// A car that the cloud refuses is not offline: the rail says what Home and the settings say.
#[test]
fn the_rail_of_a_refused_car_says_so() {
    for (variation, online, link) in [
        (Variation::Normal, true, Link::Online),
        (Variation::Normal, false, Link::Offline),
        (Variation::Error, false, Link::Refused),
    ] {
        let case = Case {
            view: GalleryView::Device,
            variation,
            online,
            ..NORMAL
        };
        let (data, nav) = (case.data(), Nav::new());
        let shown = screen(
            &data,
            case.situation(),
            &nav,
            case.preferences(),
            &case.locale(),
        );
        assert_eq!(shown.frame.link, link, "{variation:?}");
    }
}

#[test]
fn every_row_says_why() {
    let case = Case {
        view: GalleryView::Activity,
        ..NORMAL
    };
    let mut seen = Vec::new();
    for page in 1..=6 {
        let mut nav = Nav::new();
        nav.handle(Intent::Open(Page::Activity), &[]);
        nav.handle(Intent::TurnActivity(page), &[]);
        let shown = screen(
            &case.data(),
            case.situation(),
            &nav,
            case.preferences(),
            &case.locale(),
        );
        let PageState::Activity(list) = shown.page else {
            panic!("the list");
        };
        seen.extend(list.rows);
    }
    assert!(seen.iter().all(|row| row.reason != Reason::None));
    let nothing: Vec<_> = seen
        .iter()
        .filter(|row| row.status == RowStatus::Nothing)
        .map(|row| (row.reason, row.a.as_str(), row.b.as_str()))
        .collect();
    assert_eq!(
        nothing,
        [
            (Reason::ShortDistance, "1.9", "2.0"),
            (Reason::LowScore, "82.2", "90.0"),
            (Reason::LowRenewable, "12", "50"),
            (Reason::CapReached, "30 a day for Clean charging", ""),
            (Reason::Guest, "", ""),
            (Reason::NoRule, "", ""),
            (Reason::EachRule, "", ""),
        ]
    );
}

#[test]
fn a_page_without_data_says_why() {
    let absence = |view, variation| match (Case {
        view,
        variation,
        ..NORMAL
    })
    .state()
    .page
    {
        PageState::Home(page) => page.absence,
        PageState::Activity(page) => page.absence,
        PageState::Benefits(page) => page.absence,
        PageState::Locked
        | PageState::Settings(_)
        | PageState::Trip(_)
        | PageState::Enrolment(_) => Absence::None,
    };
    assert_eq!(
        absence(GalleryView::Home, Variation::Empty),
        Absence::NotYet
    );
    assert_eq!(
        absence(GalleryView::Home, Variation::Error),
        Absence::Damaged
    );
    assert_eq!(
        absence(GalleryView::Activity, Variation::Empty),
        Absence::Empty
    );
    assert_eq!(
        absence(GalleryView::Activity, Variation::Error),
        Absence::Damaged
    );
    assert_eq!(
        absence(GalleryView::Benefits, Variation::Error),
        Absence::Damaged
    );
}

#[test]
fn a_state_can_be_sent_to_the_window_from_another_thread() {
    fn sendable<T: Send + 'static>() {}
    sendable::<ScreenState>();
}
