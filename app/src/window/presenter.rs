//! The window's own side: where the driver is, and what of the newest scene is on the pages.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use dashpoint_membership::MeterInterval;
use dashpoint_ui::Drive;
use dashpoint_ui::home::order_of_suggestion;
use dashpoint_ui::locale::{Language, Locale};
use dashpoint_ui::model::{Availability, EnrolmentStep};
use dashpoint_ui::nav::{Intent, Nav};
use dashpoint_ui::pace::{INTERVAL_MS, NumberPacer};
use dashpoint_ui::screen::{ScreenState, Situation, screen};

use crate::command::{Ask, Choice};
use crate::screen::{Choices, Scene};

/// The request of a touch to the program.
#[derive(Debug)]
pub enum Request {
    /// Of the engine.
    Engine(Ask),
    /// A new enrolment code.
    RenewCode,
}

/// The window's next action after a touch or a new scene.
#[derive(Debug, Default)]
pub struct Next {
    /// Shows this; nothing when the pages have it already.
    pub show: Option<ScreenState>,
    /// Asks this of the program.
    pub ask: Option<Request>,
    /// Looks again after this time: numbers are held back until then.
    pub again: Option<Duration>,
}

/// Presenter of the window: the driver's position and the shown content. It knows no window and no clock.
#[derive(Debug, Default)]
pub struct Presenter {
    nav: Nav,
    pacer: NumberPacer,
    scene: Option<Arc<Scene>>,
    shown: Option<ScreenState>,
    /// Choices of this run, which count before they are on the disk.
    chosen: Choices,
    /// Those before the last touch.
    chosen_before: Choices,
    /// Language of the pages until the driver chooses one; `None` is the car's.
    language: Option<Language>,
    /// Language of the pages where the car tells none, either.
    otherwise: Option<Language>,
    /// The driver has seen who was enrolled.
    is_welcomed: bool,
    trip: Option<MeterInterval>,
    /// The program hangs: what the newest scene says of the car may be long over.
    is_stuck: bool,
}

impl Presenter {
    /// A presenter whose pages are in this language until the driver chooses one; `None` is the car's, `otherwise` that of a car
    /// that tells none.
    pub fn speaking(language: Option<Language>, otherwise: Option<Language>) -> Self {
        Self {
            language,
            otherwise,
            ..Self::default()
        }
    }

    /// Takes the newest scene.
    pub fn take(&mut self, scene: Arc<Scene>, now_ms: u64) -> Next {
        let trip = scene.trip();
        match &self.scene {
            // What ended before the start has been seen, or nobody waited for it.
            None => self.nav.handle(Intent::TripDone, &[]),
            Some(_) if trip.is_some() && trip != self.trip => self.nav.trip_ended(),
            Some(_) => {}
        }
        self.trip = trip;
        if scene
            .data
            .trip
            .as_ref()
            .is_some_and(|trip| trip.charged_since)
        {
            // Nobody has put it away, and what has come since is of more interest.
            self.nav.handle(Intent::TripDone, &[]);
        }
        let drive = self.drive(&scene);
        self.nav.drive_changed(drive);
        if drive == Drive::Moving && is_enrolled(&scene) && !self.is_welcomed {
            // Whoever drives away has no hand for a button.
            self.is_welcomed = true;
            self.nav.handle(Intent::FinishEnrolment, &[]);
        }
        self.scene = Some(scene);
        self.look(now_ms)
    }

    /// The program hangs, or goes on.
    pub fn stuck(&mut self, is_stuck: bool, now_ms: u64) -> Next {
        self.is_stuck = is_stuck;
        if let Some(scene) = &self.scene {
            self.nav.drive_changed(self.drive(scene));
        }
        self.look(now_ms)
    }

    /// Returns the drive state; unknown while the engine does not take the bus input.
    const fn drive(&self, scene: &Scene) -> Drive {
        if self.is_stuck {
            Drive::Unknown
        } else {
            scene.drive
        }
    }

    /// Takes a touch.
    pub fn touch(&mut self, intent: Intent, now_ms: u64) -> Next {
        let suggested = self.suggested();
        self.nav.handle(intent, &suggested);
        self.chosen_before = self.chosen;
        let ask = match intent {
            Intent::ChooseLanguage(language) => {
                self.chosen.language = Some(language);
                Some(Request::Engine(Ask::Keep(Choice::Language(language))))
            }
            Intent::ChooseTheme(theme) => {
                self.chosen.theme = Some(theme);
                Some(Request::Engine(Ask::Keep(Choice::Theme(theme))))
            }
            // Whether the member earns is the engine's word, once it is on the disk.
            Intent::ChooseGuest(guest) => Some(Request::Engine(Ask::Keep(Choice::Guest(guest)))),
            Intent::SyncNow => Some(Request::Engine(Ask::Sync(None))),
            Intent::RenewCode => Some(Request::RenewCode),
            Intent::FinishEnrolment => {
                self.is_welcomed = true;
                None
            }
            Intent::Open(_)
            | Intent::OpenRow(_)
            | Intent::TurnActivity(_)
            | Intent::ShowEvidence(_)
            | Intent::OpenBenefit(_)
            | Intent::OpenSuggested(_)
            | Intent::TurnBenefits(_)
            | Intent::TurnTerms(_)
            | Intent::OpenSection(_)
            | Intent::TripDone => None,
        };
        Next {
            ask,
            ..self.look(now_ms)
        }
    }

    /// Takes back what the last touch chose: the program was too busy to hear of it.
    pub fn touch_lost(&mut self, now_ms: u64) -> Next {
        self.chosen = self.chosen_before;
        self.look(now_ms)
    }

    /// Looks whether the pages must change.
    pub fn look(&mut self, now_ms: u64) -> Next {
        let Some(scene) = self.scene.clone() else {
            return Next::default();
        };
        let drive = self.drive(&scene);
        let mut data = scene.data.clone();
        if self.is_welcomed {
            data.enrolment = None;
        }
        let mut again = None;
        if let Availability::Here(member) = &mut data.member {
            let truth = member.clone();
            self.pacer.hold(member, drive, now_ms);
            again = (*member != truth).then_some(Duration::from_millis(INTERVAL_MS));
        }
        let choices = Choices {
            language: self.chosen.language.or(scene.choices.language),
            theme: self.chosen.theme.or(scene.choices.theme),
            guest: scene.choices.guest,
        };
        let given = self.language.or_else(|| scene.car.language());
        let preferences = choices.preferences(given.or(self.otherwise));
        let locale = Locale {
            language: preferences.language,
            zone: scene.zone.clone(),
        };
        let situation = Situation {
            drive,
            car_at_night: scene.car.night,
            now: scene.now,
        };
        let state = screen(&data, situation, &self.nav, preferences, &locale);
        let changed = self.shown.as_ref() != Some(&state);
        if changed {
            self.shown = Some(state.clone());
        }
        Next {
            show: changed.then_some(state),
            ask: None,
            again,
        }
    }

    fn suggested(&self) -> Vec<usize> {
        match self.scene.as_ref().map(|scene| &scene.data.benefits) {
            Some(Availability::Here(benefits)) => order_of_suggestion(benefits),
            Some(Availability::NotYet | Availability::Damaged | Availability::OtherCar) | None => {
                Vec::new()
            }
        }
    }
}

/// Returns whether the scene has a member who was enrolled in this run.
const fn is_enrolled(scene: &Scene) -> bool {
    match &scene.data.enrolment {
        Some(enrolment) => matches!(enrolment.step, EnrolmentStep::Enrolled { .. }),
        None => false,
    }
}

/// A presenter that the window's callbacks share.
pub type SharedPresenter = Rc<RefCell<Presenter>>;
