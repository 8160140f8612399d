//! What the window's own side does with scenes and touches: no window, no clock.

use std::sync::Arc;

use dashpoint_membership::Points;
use dashpoint_ui::gallery::{Case, GalleryView, Variation, Wide};
use dashpoint_ui::locale::Language;
use dashpoint_ui::model::{Availability, EnrolmentData, EnrolmentStep, ScreenData};
use dashpoint_ui::nav::Intent;
use dashpoint_ui::screen::{PageState, ScreenState};
use dashpoint_ui::{Drive, Page, ThemeChoice};
use jiff::tz::TimeZone;

use super::presenter::{Presenter, Request};
use crate::command::{Ask, Choice};
use crate::live::CarState;
use crate::screen::{Choices, Scene};

const SAMPLE: Case = Case {
    view: GalleryView::Trip,
    variation: Variation::Normal,
    drive: Drive::Parked,
    online: true,
    night: false,
    language: Language::English,
    wide: Wide::Reference,
};

/// A scene of the samples: a member, and a trip that has ended.
fn scene(drive: Drive, change: impl FnOnce(&mut ScreenData)) -> Arc<Scene> {
    let mut data = SAMPLE.data();
    change(&mut data);
    Arc::new(Scene {
        data,
        drive,
        car: CarState::default(),
        choices: Choices::default(),
        now: SAMPLE.situation().now,
        zone: TimeZone::UTC,
    })
}

fn earned(drive: Drive, points: i64) -> Arc<Scene> {
    scene(drive, |data| {
        if let Availability::Here(member) = &mut data.member {
            member.today.clean = Points::new(points);
        }
    })
}

fn clean(state: &ScreenState) -> String {
    let PageState::Home(home) = &state.page else {
        panic!("not at home: {state:?}");
    };
    home.today.clean.to_string()
}

#[test]
fn the_same_scene_is_not_shown_twice() {
    let mut presenter = Presenter::default();
    assert!(
        presenter
            .take(scene(Drive::Parked, |_| {}), 0)
            .show
            .is_some()
    );
    assert!(
        presenter
            .take(scene(Drive::Parked, |_| {}), 5)
            .show
            .is_none()
    );
    assert!(presenter.look(9).show.is_none());
    assert!(
        presenter
            .take(scene(Drive::Moving, |_| {}), 9)
            .show
            .is_some()
    );
}

#[test]
fn a_program_that_hangs_is_shown_as_a_car_that_may_be_moving() {
    let mut presenter = Presenter::default();
    presenter.take(scene(Drive::Parked, |_| {}), 0);
    let drive =
        |state: Option<ScreenState>| state.map(|state| (state.frame.drive, state.frame.locked));
    presenter.touch(Intent::Open(Page::Settings), 1);
    let hangs = presenter.stuck(true, 2).show;
    assert_eq!(drive(hangs), Some((Drive::Unknown, true)));
    // A scene from before it hung does not unlock anything.
    assert!(
        presenter
            .take(scene(Drive::Parked, |_| {}), 3)
            .show
            .is_none()
    );
    let goes_on = presenter.stuck(false, 4).show;
    assert_eq!(drive(goes_on), Some((Drive::Parked, false)));
}

#[test]
fn while_driving_numbers_wait_and_then_come_by_themselves() {
    let mut presenter = Presenter::default();
    let first = presenter.take(earned(Drive::Moving, 3), 0);
    assert_eq!(clean(&first.show.unwrap()), "+3");
    let held = presenter.take(earned(Drive::Moving, 8), 4_000);
    assert!(held.show.is_none());
    let again = u64::try_from(held.again.unwrap().as_millis()).unwrap();
    let later = presenter.look(4_000 + again);
    assert_eq!(clean(&later.show.unwrap()), "+8");
    assert!(later.again.is_none());
}

#[test]
fn the_pages_are_in_the_language_of_the_start_until_the_driver_chooses() {
    for asked in [Language::English, Language::Chinese] {
        let mut presenter = Presenter::speaking(Some(asked), None);
        let language =
            |state: Option<ScreenState>| state.map(|state| state.frame.preferences.language);
        let shown = presenter.take(scene(Drive::Parked, |_| {}), 0).show;
        assert_eq!(language(shown), Some(asked));
        let other = match asked {
            Language::English => Language::Chinese,
            Language::Chinese => Language::English,
        };
        let shown = presenter.touch(Intent::ChooseLanguage(other), 1).show;
        assert_eq!(language(shown), Some(other));
    }
    for (otherwise, expected) in [
        (None, Language::Chinese),
        (Some(Language::English), Language::English),
    ] {
        let mut presenter = Presenter::speaking(None, otherwise);
        let shown = presenter.take(scene(Drive::Parked, |_| {}), 0).show;
        assert_eq!(shown.unwrap().frame.preferences.language, expected);
    }
}

#[test]
fn a_trip_that_ends_now_has_a_summary_and_one_from_before_the_start_has_none() {
    let mut presenter = Presenter::default();
    let page = |state: Option<ScreenState>| state.map(|state| state.frame.page);
    let shown = presenter.take(scene(Drive::Parked, |_| {}), 0).show;
    assert_eq!(page(shown), Some(Page::Home));
    let next = scene(Drive::Parked, |data| {
        let trip = data.trip.as_mut().unwrap();
        trip.trip.odometer.from += 50_000;
        trip.trip.odometer.to += 50_000;
    });
    let shown = presenter.take(next, 1).show;
    assert_eq!(page(shown), Some(Page::Trip));
    let shown = presenter.touch(Intent::TripDone, 2).show;
    assert_eq!(page(shown), Some(Page::Home));
}

#[test]
fn the_summary_of_a_trip_gives_way_to_a_charge() {
    let mut presenter = Presenter::default();
    let page = |state: Option<ScreenState>| state.map(|state| state.frame.page);
    presenter.take(scene(Drive::Parked, |data| data.trip = None), 0);
    let shown = presenter.take(scene(Drive::Parked, |_| {}), 1).show;
    assert_eq!(page(shown), Some(Page::Trip));
    let charged = scene(Drive::Parked, |data| {
        data.trip.as_mut().unwrap().charged_since = true;
    });
    let shown = presenter.take(charged, 2).show;
    assert_eq!(page(shown), Some(Page::Home));
}

#[test]
fn a_choice_shows_at_once_and_is_given_to_the_engine_to_keep() {
    let mut presenter = Presenter::default();
    presenter.take(scene(Drive::Parked, |_| {}), 0);
    let next = presenter.touch(Intent::ChooseLanguage(Language::English), 1);
    let shown = next.show.unwrap().frame.preferences.language;
    assert_eq!(shown, Language::English);
    assert!(matches!(
        next.ask,
        Some(Request::Engine(Ask::Keep(Choice::Language(
            Language::English
        ))))
    ));
    let next = presenter.touch(Intent::ChooseTheme(ThemeChoice::Night), 2);
    assert!(next.show.unwrap().frame.night);
    // A scene from before the choice was on the disk does not take it back.
    assert!(
        presenter
            .take(scene(Drive::Parked, |_| {}), 3)
            .show
            .is_none()
    );
}

#[test]
fn whether_a_guest_drives_is_the_engines_word() {
    let mut presenter = Presenter::default();
    presenter.take(scene(Drive::Parked, |_| {}), 0);
    presenter.touch(Intent::Open(Page::Settings), 1);
    let next = presenter.touch(Intent::ChooseGuest(true), 2);
    assert!(next.show.is_none());
    assert!(matches!(
        next.ask,
        Some(Request::Engine(Ask::Keep(Choice::Guest(true))))
    ));
    let kept = scene(Drive::Parked, |data| data.guest = true);
    let PageState::Settings(settings) = presenter.take(kept, 3).show.unwrap().page else {
        panic!("the settings are still open");
    };
    assert!(settings.guest);
}

#[test]
fn what_a_lost_touch_chose_is_not_shown() {
    let mut presenter = Presenter::default();
    presenter.take(scene(Drive::Parked, |_| {}), 0);
    presenter.touch(Intent::Open(Page::Settings), 1);
    let is_dark = |state: &ScreenState| state.frame.night;
    let dark = presenter
        .touch(Intent::ChooseTheme(ThemeChoice::Night), 2)
        .show;
    assert!(is_dark(&dark.unwrap()));
    // The first was heard, the second was not.
    let light = presenter
        .touch(Intent::ChooseTheme(ThemeChoice::Day), 3)
        .show;
    assert!(!is_dark(&light.unwrap()));
    assert!(is_dark(&presenter.touch_lost(4).show.unwrap()));
}

#[test]
fn who_was_just_enrolled_stays_on_the_page_until_it_was_seen() {
    let step = |step| {
        scene(Drive::Parked, |data| {
            data.enrolment = Some(EnrolmentData {
                vin_end: "0042".to_owned(),
                step,
            });
        })
    };
    let mut presenter = Presenter::default();
    presenter.take(step(EnrolmentStep::Refused), 0);
    let next = presenter.touch(Intent::RenewCode, 1);
    assert!(matches!(next.ask, Some(Request::RenewCode)));
    let enrolled = EnrolmentStep::Enrolled {
        name: "林晓".to_owned(),
    };
    assert!(presenter.take(step(enrolled), 2).show.is_some());
    // Every later scene of this run has it, too: the window may miss any but the newest.
    let enrolled = EnrolmentStep::Enrolled {
        name: "林晓".to_owned(),
    };
    assert!(presenter.take(step(enrolled), 3).show.is_none());
    let shown = presenter.touch(Intent::FinishEnrolment, 4).show.unwrap();
    assert_eq!(shown.frame.page, Page::Home);
}

#[test]
fn who_drives_away_after_enrolment_has_the_card_and_not_what_was_opened_before() {
    let step = |drive, step| {
        scene(drive, |data| {
            data.enrolment = Some(EnrolmentData {
                vin_end: "0042".to_owned(),
                step,
            });
        })
    };
    let enrolled = || EnrolmentStep::Enrolled {
        name: "林晓".to_owned(),
    };
    let mut presenter = Presenter::default();
    presenter.take(step(Drive::Parked, EnrolmentStep::Offline), 0);
    presenter.touch(Intent::Open(Page::Settings), 1);
    let shown = presenter
        .take(step(Drive::Parked, enrolled()), 2)
        .show
        .unwrap();
    assert_eq!(shown.frame.page, Page::Enrolment);
    let shown = presenter
        .take(step(Drive::Moving, enrolled()), 3)
        .show
        .unwrap();
    assert_eq!((shown.frame.page, shown.frame.locked), (Page::Home, false));
    let shown = presenter
        .take(step(Drive::Parked, enrolled()), 4)
        .show
        .unwrap();
    assert_eq!(shown.frame.page, Page::Home);
}
