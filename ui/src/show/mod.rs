//! Hands view-states to the pages, and touches to the program.

mod activity;
mod benefits;
mod enrolment;
mod frame;
mod home;
mod model;
mod settings;
mod trip;

use crate::DashpointWindow;
use crate::screen::{PageState, ScreenState};

pub use model::Intents;

/// Connects every adapter of the window; once, after it is made.
pub fn connect(window: &DashpointWindow, intents: &Intents) {
    frame::connect(window, intents);
    home::connect(window, intents);
    activity::connect(window, intents);
    benefits::connect(window, intents);
    trip::connect(window, intents);
    enrolment::connect(window, intents);
    settings::connect(window, intents);
}

/// Shows a state; on the window's thread.
pub fn apply(window: &DashpointWindow, state: &ScreenState) {
    // The page first: the frame brings it to the front when it is complete.
    match &state.page {
        PageState::Locked => {}
        PageState::Home(page) => home::apply(window, page),
        PageState::Activity(page) => activity::apply(window, page),
        PageState::Benefits(page) => benefits::apply(window, page),
        PageState::Settings(page) => settings::apply(window, page),
        PageState::Trip(page) => trip::apply(window, page),
        PageState::Enrolment(page) => enrolment::apply(window, page),
    }
    frame::apply(window, &state.frame);
}
