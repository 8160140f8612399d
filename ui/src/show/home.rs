//! The home page's adapter.

use slint::ComponentHandle;

use super::model::{Intents, place, rows};
use crate::home::HomeState;
use crate::nav::Intent;
use crate::{DashpointWindow, HomeAdapter};

pub(super) fn connect(window: &DashpointWindow, intents: &Intents) {
    let intents = intents.clone();
    window
        .global::<HomeAdapter>()
        .on_open_benefit(move |index| intents(Intent::OpenSuggested(place(index))));
}

pub(super) fn apply(window: &DashpointWindow, state: &HomeState) {
    let adapter = window.global::<HomeAdapter>();
    adapter.set_absence(state.absence);
    adapter.set_restricted(state.restricted);
    adapter.set_card(state.card.clone());
    adapter.set_progress(state.progress.clone());
    adapter.set_today(state.today.clone());
    adapter.set_notice_a(state.notice.1.as_str().into());
    adapter.set_notice(state.notice.0);
    rows(&adapter.get_benefits(), &state.benefits, |model| {
        adapter.set_benefits(model);
    });
}
