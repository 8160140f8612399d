//! The adapter of the settings.

use slint::ComponentHandle;

use super::model::Intents;
use crate::locale::Language;
use crate::nav::Intent;
use crate::settings::SettingsState;
use crate::{DashpointWindow, SettingsAdapter};

pub(super) fn connect(window: &DashpointWindow, intents: &Intents) {
    let adapter = window.global::<SettingsAdapter>();
    let to = intents.clone();
    adapter.on_open(move |section| to(Intent::OpenSection(section)));
    let to = intents.clone();
    adapter.on_choose_chinese(move |chinese| to(Intent::choose_language(chinese)));
    let to = intents.clone();
    adapter.on_choose_theme(move |theme| to(Intent::ChooseTheme(theme)));
    let to = intents.clone();
    adapter.on_choose_guest(move |guest| to(Intent::ChooseGuest(guest)));
    let to = intents.clone();
    adapter.on_sync_now(move || to(Intent::SyncNow));
}

pub(super) fn apply(window: &DashpointWindow, state: &SettingsState) {
    let adapter = window.global::<SettingsAdapter>();
    adapter.set_section(state.section);
    adapter.set_chinese(state.preferences.language == Language::Chinese);
    adapter.set_theme(state.preferences.theme);
    adapter.set_driver(state.driver.as_str().into());
    adapter.set_guest(state.guest);
    adapter.set_guest_by_car(state.guest_by_car);
    adapter.set_device(state.device.clone());
}
