//! The activity page's adapter.

use slint::ComponentHandle;

use super::model::{Intents, place, rows};
use crate::activity::ActivityState;
use crate::nav::Intent;
use crate::paging::shown;
use crate::{ActivityAdapter, DashpointWindow};

pub(super) fn connect(window: &DashpointWindow, intents: &Intents) {
    let adapter = window.global::<ActivityAdapter>();
    let to = intents.clone();
    adapter.on_open_row(move |row| to(Intent::OpenRow(place(row))));
    let to = intents.clone();
    adapter.on_turn(move |page| to(Intent::TurnActivity(place(page))));
    let to = intents.clone();
    adapter.on_show_evidence(move |open| to(Intent::ShowEvidence(open)));
}

pub(super) fn apply(window: &DashpointWindow, state: &ActivityState) {
    let adapter = window.global::<ActivityAdapter>();
    adapter.set_absence(state.absence);
    adapter.set_restricted(state.restricted);
    rows(&adapter.get_rows(), &state.rows, |model| {
        adapter.set_rows(model);
    });
    adapter.set_selected(shown(state.selected));
    adapter.set_page(shown(state.page));
    adapter.set_pages(shown(state.pages));
    adapter.set_detail(state.detail.clone());
    rows(&adapter.get_values(), &state.values, |model| {
        adapter.set_values(model);
    });
    rows(&adapter.get_unpaid(), &state.unpaid, |model| {
        adapter.set_unpaid(model);
    });
    rows(&adapter.get_evidence(), &state.evidence, |model| {
        adapter.set_evidence(model);
    });
}
