//! The product of pages and states, chosen so that each picture shows something that no other does.

use std::fmt;

use jiff::tz::TimeZone;

use super::variation::{NOW, Variation};
use super::{benefits, ledger, people};
use crate::locale::{Language, Locale};
use crate::model::{
    Availability, EnrolmentData, EnrolmentStep, Exchange, LinkData, NoticeData, ScreenData,
};
use crate::nav::{Intent, Nav};
use crate::paging::{ACTIVITY_ROWS, BENEFIT_ROWS};
use crate::screen::{ScreenState, Situation, screen};
use crate::settings::Preferences;
use crate::{Drive, Page, Section, ThemeChoice};

/// The views of the gallery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GalleryView {
    /// The home page.
    Home,
    /// The home page with one of the notices.
    Notice(usize),
    /// The home page on one of the tiers.
    Tier(usize),
    /// The activity list with the newest row open.
    Activity,
    /// One row of the activity list, open.
    Row(usize),
    /// The evidence of one row.
    Evidence(usize),
    /// The trip summary.
    Trip,
    /// The benefits with the first one open.
    Benefits,
    /// One benefit, open.
    Benefit(usize),
    /// Enrolment.
    Enrolment,
    /// Enrolment after the code has expired.
    EnrolmentExpired,
    /// Enrolment that waits for the consent of a member of the vehicle.
    EnrolmentConsent,
    /// Settings: language and theme.
    Display,
    /// Settings: driver and guest.
    Driver,
    /// Settings: what leaves the car.
    Privacy,
    /// Settings: device and sync.
    Device,
}

/// The width of the screen; both are 720 high.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wide {
    /// 1920, the reference.
    Reference,
    /// 1280.
    Compact,
}

impl Wide {
    /// In pixels.
    #[must_use]
    pub const fn px(self) -> u32 {
        match self {
            Self::Reference => 1920,
            Self::Compact => 1280,
        }
    }
}

/// One picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Case {
    /// The view in the picture.
    pub view: GalleryView,
    /// The kind of data in the picture.
    pub variation: Variation,
    /// The car's drive state.
    pub drive: Drive,
    /// True when the cloud was reached a minute ago.
    pub online: bool,
    /// Dark colours.
    pub night: bool,
    /// The language.
    pub language: Language,
    /// The width of the screen.
    pub wide: Wide,
}

impl Case {
    /// Makes the view-state of the window.
    #[must_use]
    pub fn state(&self) -> ScreenState {
        screen(
            &self.data(),
            self.situation(),
            &self.nav(),
            self.preferences(),
            &self.locale(),
        )
    }

    /// Language and calendar.
    #[must_use]
    pub fn locale(&self) -> Locale {
        Locale {
            language: self.language,
            zone: TimeZone::get("Asia/Shanghai").unwrap_or(TimeZone::UTC),
        }
    }

    /// Returns the surroundings of the program.
    #[must_use]
    pub const fn situation(&self) -> Situation {
        Situation {
            drive: self.drive,
            car_at_night: self.night,
            now: NOW,
        }
    }

    /// Returns the driver's choices.
    #[must_use]
    pub const fn preferences(&self) -> Preferences {
        Preferences {
            language: self.language,
            theme: ThemeChoice::FollowCar,
        }
    }

    /// Returns the reason that allows this picture to be equal to another one, if there is one.
    #[must_use]
    pub fn may_repeat(&self) -> Option<&'static str> {
        match (self.view, self.drive) {
            (GalleryView::Home | GalleryView::Activity, Drive::Standing | Drive::Unknown) => Some(
                "a page that is fit for driving looks the same at a red light and in an unknown state: both count as moving",
            ),
            _ => None,
        }
    }

    /// Returns the driver's position in the program.
    #[must_use]
    pub fn nav(&self) -> Nav {
        let mut nav = Nav::new();
        let (page, intents): (Page, Vec<Intent>) = match self.view {
            GalleryView::Home | GalleryView::Notice(_) | GalleryView::Tier(_) => {
                (Page::Home, vec![])
            }
            GalleryView::Activity => (Page::Activity, vec![]),
            GalleryView::Row(row) => (Page::Activity, open_row(row)),
            GalleryView::Evidence(row) => {
                let mut intents = open_row(row);
                intents.push(Intent::ShowEvidence(true));
                (Page::Activity, intents)
            }
            GalleryView::Benefits => (Page::Benefits, vec![]),
            GalleryView::Benefit(row) => (
                Page::Benefits,
                vec![
                    Intent::TurnBenefits(row / BENEFIT_ROWS + 1),
                    Intent::OpenBenefit(row % BENEFIT_ROWS),
                ],
            ),
            GalleryView::Trip
            | GalleryView::Enrolment
            | GalleryView::EnrolmentExpired
            | GalleryView::EnrolmentConsent => (Page::Home, vec![]),
            GalleryView::Display => (Page::Settings, vec![Intent::OpenSection(Section::Display)]),
            GalleryView::Driver => (Page::Settings, vec![Intent::OpenSection(Section::Driver)]),
            GalleryView::Privacy => (Page::Settings, vec![Intent::OpenSection(Section::Privacy)]),
            GalleryView::Device => (Page::Settings, vec![Intent::OpenSection(Section::Device)]),
        };
        nav.handle(Intent::Open(page), &[]);
        for intent in intents {
            nav.handle(intent, &[]);
        }
        nav
    }

    /// Makes the program's data.
    #[must_use]
    pub fn data(&self) -> ScreenData {
        let (variation, online) = (self.variation, self.online);
        let notice = if let GalleryView::Notice(index) = self.view {
            people::NOTICES.get(index).copied()
        } else {
            None
        };
        let rank = if let GalleryView::Tier(rank) = self.view {
            rank
        } else {
            2
        };
        let guest = matches!(
            (self.view, variation),
            (GalleryView::Driver, Variation::Empty | Variation::Error)
        );
        let mut device = people::device(variation, online);
        if notice == Some(NoticeData::Refused)
            || (self.view, variation) == (GalleryView::Device, Variation::Error)
        {
            device.exchange = Exchange::Refused;
        }
        ScreenData {
            link: LinkData {
                online,
                as_of: match (online, variation) {
                    (true, _) => Some(NOW),
                    (false, Variation::Empty) => None,
                    (false, Variation::Longest) => Some(NOW.plus_s(-400 * 86_400)),
                    (false, _) => Some(NOW.plus_s(-3 * 86_400)),
                },
            },
            member: match (self.view, variation) {
                (GalleryView::Home, Variation::Empty) => Availability::NotYet,
                (GalleryView::Home, Variation::Error) => Availability::Damaged,
                _ => Availability::Here(people::member(variation, rank, notice, online)),
            },
            activity: ledger::rows(variation),
            benefits: benefits::catalogue(variation),
            trip: matches!(self.view, GalleryView::Trip).then(|| ledger::trip(variation)),
            enrolment: self.enrolment(),
            device,
            guest,
            guest_by_car: matches!(
                (self.view, self.variation),
                (GalleryView::Driver, Variation::Error)
            ),
        }
    }

    fn enrolment(&self) -> Option<EnrolmentData> {
        let step = match (self.view, self.variation) {
            (GalleryView::EnrolmentExpired, _) => EnrolmentStep::Expired,
            (GalleryView::EnrolmentConsent, _) => EnrolmentStep::AwaitingConsent,
            (GalleryView::Enrolment, Variation::Normal) => EnrolmentStep::Waiting {
                code: "7K4Q-2M".into(),
                url: "https://members.example/join/7K4Q-2M?car=4821".into(),
                valid_until: NOW.plus_s(300),
            },
            (GalleryView::Enrolment, Variation::Empty) => EnrolmentStep::Offline,
            (GalleryView::Enrolment, Variation::Error) => EnrolmentStep::Refused,
            (GalleryView::Enrolment, Variation::Longest) => EnrolmentStep::Enrolled {
                name: people::longest_name(self.language).into(),
            },
            _ => return None,
        };
        Some(EnrolmentData {
            vin_end: "4821".into(),
            step,
        })
    }
}

fn open_row(row: usize) -> Vec<Intent> {
    vec![
        Intent::TurnActivity(row / ACTIVITY_ROWS + 1),
        Intent::OpenRow(row % ACTIVITY_ROWS),
    ]
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let view = format!("{:?}", self.view)
            .to_lowercase()
            .replace('(', "-")
            .replace(')', "");
        write!(
            f,
            "{view}.{}.{}.{}.{}.{}.{}",
            format!("{:?}", self.variation).to_lowercase(),
            format!("{:?}", self.drive).to_lowercase(),
            if self.online { "online" } else { "offline" },
            if self.night { "night" } else { "day" },
            match self.language {
                Language::Chinese => "zh",
                Language::English => "en",
            },
            self.wide.px(),
        )
    }
}

const PAGES: [GalleryView; 9] = [
    GalleryView::Home,
    GalleryView::Activity,
    GalleryView::Trip,
    GalleryView::Benefits,
    GalleryView::Enrolment,
    GalleryView::Display,
    GalleryView::Driver,
    GalleryView::Privacy,
    GalleryView::Device,
];

const VARIATIONS: [Variation; 4] = [
    Variation::Normal,
    Variation::Empty,
    Variation::Error,
    Variation::Longest,
];

/// Lists the variations of a view that differ from one another.
fn variations(view: GalleryView) -> &'static [Variation] {
    match view {
        GalleryView::Display
        | GalleryView::Privacy
        | GalleryView::EnrolmentExpired
        | GalleryView::EnrolmentConsent => &VARIATIONS[..1],
        GalleryView::Driver => &VARIATIONS,
        GalleryView::Notice(_)
        | GalleryView::Tier(_)
        | GalleryView::Row(_)
        | GalleryView::Evidence(_)
        | GalleryView::Benefit(_) => &[Variation::Normal],
        GalleryView::Home
        | GalleryView::Activity
        | GalleryView::Trip
        | GalleryView::Benefits
        | GalleryView::Enrolment
        | GalleryView::Device => &VARIATIONS,
    }
}

/// Lists the connection states that show on the page: an enrolment is either online, or says that it cannot begin.
fn links(view: GalleryView, variation: Variation) -> &'static [bool] {
    match (view, variation) {
        (GalleryView::Enrolment, Variation::Empty) => &[false],
        (
            GalleryView::Enrolment | GalleryView::EnrolmentExpired | GalleryView::EnrolmentConsent,
            _,
        ) => &[true],
        _ => &[true, false],
    }
}

/// Every picture of the gallery.
#[must_use]
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for view in PAGES {
        for &variation in variations(view) {
            for &online in links(view, variation) {
                for drive in drives(view, variation) {
                    push_looks(&mut cases, view, variation, *drive, online);
                }
            }
        }
    }
    for view in details() {
        for language in Language::ALL {
            for wide in [Wide::Reference, Wide::Compact] {
                let night = matches!(view, GalleryView::Tier(_));
                for night in [false, true].into_iter().filter(|dark| !dark || night) {
                    cases.push(Case {
                        view,
                        variation: Variation::Normal,
                        drive: Drive::Parked,
                        online: true,
                        night,
                        language,
                        wide,
                    });
                }
            }
        }
    }
    cases
}

/// Lists the drive states that change a view: a locked page looks the same whatever is behind it, and a trip summary is
/// there only in park.
fn drives(view: GalleryView, variation: Variation) -> &'static [Drive] {
    const EVERY: [Drive; 4] = [
        Drive::Parked,
        Drive::Moving,
        Drive::Standing,
        Drive::Unknown,
    ];
    match (view, variation) {
        (GalleryView::Home | GalleryView::Activity, _)
        | (
            GalleryView::Benefits | GalleryView::Enrolment | GalleryView::Display,
            Variation::Normal,
        ) => &EVERY,
        _ => &EVERY[..1],
    }
}

fn push_looks(
    cases: &mut Vec<Case>,
    view: GalleryView,
    variation: Variation,
    drive: Drive,
    online: bool,
) {
    for wide in [Wide::Reference, Wide::Compact] {
        // The smaller screen differs in layout alone: one link state and the day show that.
        if wide == Wide::Compact && (!online && links(view, variation).len() > 1) {
            continue;
        }
        for night in [false, true] {
            if wide == Wide::Compact && night {
                continue;
            }
            for language in Language::ALL {
                cases.push(Case {
                    view,
                    variation,
                    drive,
                    online,
                    night,
                    language,
                    wide,
                });
            }
        }
    }
}

/// Single notices, tiers, rows and benefits.
fn details() -> Vec<GalleryView> {
    let mut views = vec![GalleryView::EnrolmentExpired, GalleryView::EnrolmentConsent];
    views.extend((0..people::NOTICES.len()).map(GalleryView::Notice));
    // Gold is the tier of every other picture.
    views.extend([0, 1, 3, 4].map(GalleryView::Tier));
    // The first row and the first benefit are open on their pages already.
    views.extend((1..ledger::COUNT).map(GalleryView::Row));
    views.extend([0, 1, 2, 3].map(GalleryView::Evidence));
    views.extend((1..benefits::COUNT).map(GalleryView::Benefit));
    views
}
