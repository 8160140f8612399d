//! The driver's position in the program, and its changes by touches.

use crate::locale::Language;
use crate::paging::BENEFIT_ROWS;
use crate::{Drive, Page, Section, ThemeChoice};

/// The request of a touch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Intent {
    /// Go to a page.
    Open(Page),
    /// Open a row of the activity page.
    OpenRow(usize),
    /// Turn the activity list.
    TurnActivity(usize),
    /// Show the evidence of the open row, or its reason.
    ShowEvidence(bool),
    /// Open a row of the benefits page.
    OpenBenefit(usize),
    /// Open the suggested benefit with that place on the home page.
    OpenSuggested(usize),
    /// Turn the list of benefits.
    TurnBenefits(usize),
    /// Turn the terms of the open benefit.
    TurnTerms(usize),
    /// Open a part of the settings.
    OpenSection(Section),
    /// Choose the language.
    ChooseLanguage(Language),
    /// Choose what the appearance follows.
    ChooseTheme(ThemeChoice),
    /// A guest drives, or not.
    ChooseGuest(bool),
    /// Exchange with the cloud now.
    SyncNow,
    /// Put the trip summary away.
    TripDone,
    /// Ask for a new enrolment code.
    RenewCode,
    /// Leave the finished enrolment.
    FinishEnrolment,
}

impl Intent {
    /// The choice of one of the two languages.
    pub(crate) const fn choose_language(chinese: bool) -> Self {
        Self::ChooseLanguage(if chinese {
            Language::Chinese
        } else {
            Language::English
        })
    }
}

/// The driver's position in the program. It survives driving, so that what was begun in park is there again.
#[derive(Debug, Clone, PartialEq)]
pub struct Nav {
    page: Page,
    activity: ListPosition,
    evidence_open: bool,
    benefits: ListPosition,
    terms_page: usize,
    section: Section,
    trip_seen: bool,
}

/// A row on a page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ListPosition {
    page: usize,
    row: usize,
}

impl ListPosition {
    const START: Self = Self { page: 1, row: 0 };
}

impl Nav {
    /// On the home page.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            page: Page::Home,
            activity: ListPosition::START,
            evidence_open: false,
            benefits: ListPosition::START,
            terms_page: 1,
            section: Section::Display,
            trip_seen: false,
        }
    }

    /// Moves; what is not a move (a choice, a request to the program) leaves it where it is.
    ///
    /// `suggested` names the place in the catalogue of each benefit that the home page suggests.
    pub fn handle(&mut self, intent: Intent, suggested: &[usize]) {
        match intent {
            Intent::Open(page) => self.page = page,
            Intent::OpenRow(row) => {
                self.activity.row = row;
                self.evidence_open = false;
            }
            Intent::TurnActivity(page) => {
                self.activity = ListPosition { page, row: 0 };
                self.evidence_open = false;
            }
            Intent::ShowEvidence(open) => self.evidence_open = open,
            Intent::OpenBenefit(row) => {
                self.benefits.row = row;
                self.terms_page = 1;
            }
            Intent::OpenSuggested(index) => {
                if let Some(place) = suggested.get(index) {
                    let rows = BENEFIT_ROWS;
                    self.benefits = ListPosition {
                        page: place / rows + 1,
                        row: place % rows,
                    };
                    self.terms_page = 1;
                    self.page = Page::Benefits;
                }
            }
            Intent::TurnBenefits(page) => {
                self.benefits = ListPosition { page, row: 0 };
                self.terms_page = 1;
            }
            Intent::TurnTerms(page) => self.terms_page = page,
            Intent::OpenSection(section) => self.section = section,
            Intent::TripDone => self.trip_seen = true,
            // The card is what was promised, whatever was opened before there was a member.
            Intent::FinishEnrolment => self.page = Page::Home,
            Intent::ChooseLanguage(_)
            | Intent::ChooseTheme(_)
            | Intent::ChooseGuest(_)
            | Intent::SyncNow
            | Intent::RenewCode => {}
        }
    }

    /// A trip has ended: its summary is shown until it is put away or driving starts.
    pub fn trip_ended(&mut self) {
        self.trip_seen = false;
    }

    /// Tells how the car moves now: driving puts the summary of the last trip away.
    pub fn drive_changed(&mut self, drive: Drive) {
        match drive {
            Drive::Moving => self.trip_seen = true,
            Drive::Standing | Drive::Parked | Drive::Unknown => {}
        }
    }

    /// The page the driver chose.
    #[must_use]
    pub const fn page(&self) -> Page {
        self.page
    }

    /// Returns whether the summary of the last trip was closed.
    #[must_use]
    pub const fn trip_seen(&self) -> bool {
        self.trip_seen
    }

    pub(crate) const fn activity_page(&self) -> usize {
        self.activity.page
    }

    pub(crate) const fn activity_row(&self) -> usize {
        self.activity.row
    }

    pub(crate) const fn evidence_open(&self) -> bool {
        self.evidence_open
    }

    pub(crate) const fn benefits_page(&self) -> usize {
        self.benefits.page
    }

    pub(crate) const fn benefit_row(&self) -> usize {
        self.benefits.row
    }

    pub(crate) const fn terms_page(&self) -> usize {
        self.terms_page
    }

    pub(crate) const fn section(&self) -> Section {
        self.section
    }
}

impl Default for Nav {
    fn default() -> Self {
        Self::new()
    }
}
