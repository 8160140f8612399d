//! Statistics of the window: its drawing, and its content.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dashpoint_ui::locale::Language;
use dashpoint_ui::screen::ScreenState;
use dashpoint_ui::{Drive, Page};

use crate::live::{ScreenLive, ShownPage};

/// Counts frames on the window's thread, and is read on any other.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<Readings>);

#[derive(Debug, Default)]
struct Readings {
    frames: AtomicU64,
    /// One more than the milliseconds; nothing drawn is 0.
    first_frame: AtomicU64,
    guest: AtomicBool,
    shown: Mutex<ShownPage>,
}

impl Gauge {
    /// A frame is being drawn; returns how many there were before.
    pub fn frame(&self) -> u64 {
        self.0.frames.fetch_add(1, Ordering::Relaxed)
    }

    /// The first frame is on the screen.
    pub fn first_frame(&self, ms: u64) {
        self.0
            .first_frame
            .store(ms.saturating_add(1), Ordering::Relaxed);
    }

    /// A guest drives, or not.
    pub fn guest(&self, guest: bool) {
        self.0.guest.store(guest, Ordering::Relaxed);
    }

    /// Something else is in front.
    pub fn shows(&self, state: &ScreenState) {
        let frame = &state.frame;
        let shown = ShownPage {
            page: page(frame.page).to_owned(),
            drive: drive(frame.drive).to_owned(),
            locked: frame.locked,
            night: frame.night,
            language: match frame.preferences.language {
                Language::Chinese => "zh",
                Language::English => "en",
            }
            .to_owned(),
        };
        *self.0.shown.lock().unwrap_or_else(PoisonError::into_inner) = shown;
    }

    /// Reads the statistics.
    #[must_use]
    pub fn read(&self) -> ScreenLive {
        ScreenLive {
            frames: self.0.frames.load(Ordering::Relaxed),
            first_frame_ms: self.0.first_frame.load(Ordering::Relaxed).checked_sub(1),
            guest: self.0.guest.load(Ordering::Relaxed),
            shown: self
                .0
                .shown
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }
}

const fn page(page: Page) -> &'static str {
    match page {
        Page::Home => "home",
        Page::Activity => "activity",
        Page::Benefits => "benefits",
        Page::Settings => "settings",
        Page::Trip => "trip",
        Page::Enrolment => "enrolment",
    }
}

const fn drive(drive: Drive) -> &'static str {
    match drive {
        Drive::Unknown => "unknown",
        Drive::Moving => "moving",
        Drive::Standing => "standing",
        Drive::Parked => "parked",
    }
}
