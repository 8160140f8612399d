//! The adapter of the trip summary.

use slint::ComponentHandle;

use super::model::{Intents, rows};
use crate::nav::Intent;
use crate::trip::TripState;
use crate::{DashpointWindow, TripAdapter};

pub(super) fn connect(window: &DashpointWindow, intents: &Intents) {
    let to = intents.clone();
    window
        .global::<TripAdapter>()
        .on_done(move || to(Intent::TripDone));
}

pub(super) fn apply(window: &DashpointWindow, state: &TripState) {
    let adapter = window.global::<TripAdapter>();
    adapter.set_trip(state.shown.clone());
    rows(&adapter.get_awards(), &state.awards, |model| {
        adapter.set_awards(model);
    });
    rows(&adapter.get_unpaid(), &state.unpaid, |model| {
        adapter.set_unpaid(model);
    });
    rows(&adapter.get_causes(), &state.causes, |model| {
        adapter.set_causes(model);
    });
    rows(&adapter.get_facts(), &state.facts, |model| {
        adapter.set_facts(model);
    });
}
