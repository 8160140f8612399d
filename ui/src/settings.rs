//! The settings: language and appearance, the driver, what leaves the car, and the device.

use dashpoint_membership::ServerTime;

use crate::locale::{Language, Locale, fingerprint};
use crate::model::{DeviceData, Exchange};
use crate::{DeviceShown, Section, SyncState, ThemeChoice};

/// The driver's choices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preferences {
    /// The language.
    pub language: Language,
    /// The driver's choice of appearance.
    pub theme: ThemeChoice,
}

/// View-state of the settings page.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingsState {
    /// The open part.
    pub section: Section,
    /// The choices.
    pub preferences: Preferences,
    /// Name of the driver, as the member writes it.
    pub driver: String,
    /// True while a guest drives.
    pub guest: bool,
    /// True while the car says so: the switch would change nothing.
    pub guest_by_car: bool,
    /// The device and its queue.
    pub device: DeviceShown,
}

/// Makes the view-state of the settings page.
#[must_use]
pub fn settings(
    section: Section,
    preferences: Preferences,
    driver: &str,
    (guest, guest_by_car): (bool, bool),
    device: &DeviceData,
    locale: &Locale,
    now: ServerTime,
) -> SettingsState {
    SettingsState {
        section,
        preferences,
        driver: driver.to_owned(),
        guest,
        guest_by_car,
        device: device_shown(device, locale, now),
    }
}

fn device_shown(device: &DeviceData, locale: &Locale, now: ServerTime) -> DeviceShown {
    let (state, next_try) = match device.exchange {
        Exchange::Done => (SyncState::Idle, String::new()),
        Exchange::Running => (SyncState::Sending, String::new()),
        Exchange::Failed { next_try } => (SyncState::Waiting, locale.moment(next_try, now)),
        Exchange::Refused => (SyncState::Refused, String::new()),
        Exchange::EntriesRefused => (SyncState::EntriesRefused, String::new()),
    };
    DeviceShown {
        device: fingerprint(device.device.as_bytes()).into(),
        epoch: device.epoch.get().to_string().into(),
        head: device
            .head
            .map(|(seq, hash)| format!("{}, {}", seq.get(), fingerprint(hash.as_bytes())).into())
            .unwrap_or_default(),
        waiting: i32::try_from(device.waiting).unwrap_or(i32::MAX),
        last_receipt: device
            .last_receipt
            .map(|at| locale.moment(at, now).into())
            .unwrap_or_default(),
        policy: device
            .policy
            .map(|version| version.get().to_string().into())
            .unwrap_or_default(),
        state,
        next_try: next_try.into(),
    }
}
