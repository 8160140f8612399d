//! The frame's adapter.

use slint::ComponentHandle;

use super::model::Intents;
use crate::locale::Language;
use crate::nav::Intent;
use crate::screen::FrameState;
use crate::{DashpointWindow, FrameAdapter, Theme};

pub(super) fn connect(window: &DashpointWindow, intents: &Intents) {
    let intents = intents.clone();
    window
        .global::<FrameAdapter>()
        .on_open(move |page| intents(Intent::Open(page)));
}

pub(super) fn apply(window: &DashpointWindow, state: &FrameState) {
    speak(state.preferences.language);
    window.global::<Theme>().set_night(state.night);
    let adapter = window.global::<FrameAdapter>();
    adapter.set_drive(state.drive);
    adapter.set_link(state.link);
    adapter.set_as_of(state.as_of.as_str().into());
    adapter.set_as_of_today(state.as_of_today);
    adapter.set_locked(state.locked);
    adapter.set_page(state.page);
}

/// Words every page in a language.
fn speak(language: Language) {
    // It only fails for a language that is not bundled, or before the first window: `connect` has seen one, and a test
    // opens both languages.
    let selected = slint::select_bundled_translation(language.bundle());
    debug_assert!(selected.is_ok(), "invariant: both languages are bundled");
}
