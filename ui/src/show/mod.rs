//! Hands view-states to the pages, and touches to the program.

mod activity;
mod benefits;
mod enrolment;
mod frame;
mod home;
mod settings;
mod trip;

use std::rc::Rc;

use slint::{Model, ModelRc, VecModel};

use crate::DashpointWindow;
use crate::nav::Intent;
use crate::screen::{PageState, ScreenState};

/// Callback for touches; runs on the window's thread.
pub type Intents = Rc<dyn Fn(Intent)>;

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

/// Puts rows into the model that the page already has, touching only those that changed; a new model where it has none.
fn rows<T: Clone + PartialEq + 'static>(
    held: &ModelRc<T>,
    rows: &[T],
    replace: impl FnOnce(ModelRc<T>),
) {
    let Some(model) = held.as_any().downcast_ref::<VecModel<T>>() else {
        replace(Rc::new(VecModel::from(rows.to_vec())).into());
        return;
    };
    while model.row_count() > rows.len() {
        model.remove(model.row_count() - 1);
    }
    for (index, row) in rows.iter().enumerate() {
        match model.row_data(index) {
            Some(shown) if shown == *row => {}
            Some(_) => model.set_row_data(index, row.clone()),
            None => model.push(row.clone()),
        }
    }
}

/// A place in a list as the program counts it; the pages only name rows that they show.
fn place(index: i32) -> usize {
    usize::try_from(index).unwrap_or_default()
}
