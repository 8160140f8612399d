//! The adapter of the benefits page.

use slint::ComponentHandle;

use super::model::{Intents, place, rows};
use crate::benefits::BenefitsState;
use crate::nav::Intent;
use crate::paging::shown;
use crate::{BenefitsAdapter, DashpointWindow};

pub(super) fn connect(window: &DashpointWindow, intents: &Intents) {
    let adapter = window.global::<BenefitsAdapter>();
    let to = intents.clone();
    adapter.on_open_row(move |row| to(Intent::OpenBenefit(place(row))));
    let to = intents.clone();
    adapter.on_turn(move |page| to(Intent::TurnBenefits(place(page))));
    let to = intents.clone();
    adapter.on_turn_terms(move |page| to(Intent::TurnTerms(place(page))));
}

pub(super) fn apply(window: &DashpointWindow, state: &BenefitsState) {
    let adapter = window.global::<BenefitsAdapter>();
    adapter.set_absence(state.absence);
    rows(&adapter.get_rows(), &state.rows, |model| {
        adapter.set_rows(model);
    });
    adapter.set_selected(shown(state.selected));
    adapter.set_page(shown(state.page));
    adapter.set_pages(shown(state.pages));
    adapter.set_detail(state.detail.clone());
}
