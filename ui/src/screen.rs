//! One immutable state of the whole screen, made by a pure function.

use dashpoint_membership::ServerTime;

use crate::activity::{ActivityState, activity};
use crate::benefits::{BenefitsState, benefits};
use crate::drive::{is_locked, is_restricted};
use crate::enrolment::{EnrolmentState, enrolment};
use crate::home::{HomeState, home};
use crate::locale::Locale;
use crate::model::{Availability, EnrolmentStep, Exchange, ScreenData};
use crate::nav::Nav;
use crate::settings::{Preferences, SettingsState, settings};
use crate::trip::{TripState, trip};
use crate::{Drive, Link, Page, ThemeChoice};

/// The surroundings of the program at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Situation {
    /// The car's drive state.
    pub drive: Drive,
    /// True while the car's own displays are in night mode.
    pub car_at_night: bool,
    /// The program's best idea of the time.
    pub now: ServerTime,
}

/// Everything that the window shows.
#[derive(Debug, Clone, PartialEq)]
pub struct ScreenState {
    /// The frame around the page.
    pub frame: FrameState,
    /// The page; nothing when it is locked.
    pub page: PageState,
}

/// The frame around every page.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameState {
    /// The page in front.
    pub page: Page,
    /// The car's drive state.
    pub drive: Drive,
    /// The calm locked state stands in the place of the page.
    pub locked: bool,
    /// The connection.
    pub link: Link,
    /// Time of the data shown: the time of day, or the date unless it is today.
    pub as_of: String,
    /// True when that time is today.
    pub as_of_today: bool,
    /// Dark colours.
    pub night: bool,
    /// The language.
    pub preferences: Preferences,
}

/// View-state of the page in front.
#[derive(Debug, Clone, PartialEq)]
pub enum PageState {
    /// Nothing but the reason why.
    Locked,
    /// The home page.
    Home(HomeState),
    /// The ledger.
    Activity(ActivityState),
    /// The benefits.
    Benefits(BenefitsState),
    /// The settings.
    Settings(SettingsState),
    /// The summary of a trip.
    Trip(TripState),
    /// Enrolment.
    Enrolment(EnrolmentState),
}

/// Makes what the window shows.
#[must_use]
pub fn screen(
    data: &ScreenData,
    situation: Situation,
    nav: &Nav,
    preferences: Preferences,
    locale: &Locale,
) -> ScreenState {
    let page = current(data, situation.drive, nav);
    let locked = is_locked(page, situation.drive);
    ScreenState {
        frame: FrameState {
            page,
            drive: situation.drive,
            locked,
            link: match (data.device.exchange, data.link.online, data.link.as_of) {
                (Exchange::Refused, ..) => Link::Refused,
                (_, true, _) => Link::Online,
                (_, false, Some(_)) => Link::Offline,
                (_, false, None) => Link::Never,
            },
            as_of: data
                .link
                .as_of
                .map(|at| locale.brief(at, situation.now))
                .unwrap_or_default(),
            as_of_today: data
                .link
                .as_of
                .is_some_and(|at| locale.same_day(at, situation.now)),
            night: match preferences.theme {
                ThemeChoice::FollowCar => situation.car_at_night,
                ThemeChoice::Day => false,
                ThemeChoice::Night => true,
            },
            preferences,
        },
        page: if locked {
            PageState::Locked
        } else {
            page_state(page, data, situation, nav, preferences, locale)
        },
    }
}

/// The page that is in front: enrolment before there is a member, a trip that has just ended, else the chosen one.
fn current(data: &ScreenData, drive: Drive, nav: &Nav) -> Page {
    if let Some(enrolment) = &data.enrolment {
        let is_over = matches!(enrolment.step, EnrolmentStep::Enrolled { .. });
        // Whoever may not touch the button of the last step has the card already.
        return if is_over && is_restricted(drive) {
            Page::Home
        } else {
            Page::Enrolment
        };
    }
    if data.trip.is_some() && !nav.trip_seen() && !is_restricted(drive) {
        return Page::Trip;
    }
    match nav.page() {
        // These two come by themselves, never by a touch.
        Page::Trip | Page::Enrolment => Page::Home,
        page @ (Page::Home | Page::Activity | Page::Benefits | Page::Settings) => page,
    }
}

fn page_state(
    page: Page,
    data: &ScreenData,
    situation: Situation,
    nav: &Nav,
    preferences: Preferences,
    locale: &Locale,
) -> PageState {
    let restricted = is_restricted(situation.drive);
    let now = situation.now;
    let member = match &data.member {
        Availability::Here(member) => Some(member),
        Availability::NotYet | Availability::Damaged | Availability::OtherCar => None,
    };
    match (page, &data.trip, &data.enrolment) {
        (Page::Trip, Some(data), _) => PageState::Trip(trip(data, locale, now)),
        (Page::Enrolment, _, Some(data)) => PageState::Enrolment(enrolment(data, locale, now)),
        (Page::Activity, _, _) => {
            PageState::Activity(activity(&data.activity, nav, restricted, locale, now))
        }
        (Page::Benefits, _, _) => PageState::Benefits(benefits(
            &data.benefits,
            member.map(|member| member.balance),
            nav,
            locale,
        )),
        (Page::Settings, _, _) => PageState::Settings(settings(
            nav.section(),
            preferences,
            member.map_or("", |member| member.name.as_str()),
            (data.guest, data.guest_by_car),
            &data.device,
            locale,
            now,
        )),
        (Page::Home | Page::Trip | Page::Enrolment, _, _) => PageState::Home(home(
            &data.member,
            &data.benefits,
            data.guest,
            restricted,
            locale,
            now,
        )),
    }
}
