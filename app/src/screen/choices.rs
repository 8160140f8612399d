//! The driver's choices, as the ledger's file stores them.

use dashpoint_store::{Store, StoreError, StoreReader};
use dashpoint_ui::ThemeChoice;
use dashpoint_ui::locale::Language;
use dashpoint_ui::settings::Preferences;

const LANGUAGE: &str = "language";
const THEME: &str = "theme";
const GUEST: &str = "guest";

/// The driver's choices; `None` where the car decides.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Choices {
    /// The language.
    pub language: Option<Language>,
    /// Choice of the appearance.
    pub theme: Option<ThemeChoice>,
    /// True while a guest drives.
    pub guest: bool,
}

impl Choices {
    /// Reads them; what cannot be read is as if it had not been chosen.
    #[must_use]
    pub fn read(reader: &StoreReader) -> Self {
        let meta = |name| reader.meta(name).ok().flatten().unwrap_or_default();
        Self {
            language: match meta(LANGUAGE).as_slice() {
                b"zh" => Some(Language::Chinese),
                b"en" => Some(Language::English),
                _ => None,
            },
            theme: match meta(THEME).as_slice() {
                b"car" => Some(ThemeChoice::FollowCar),
                b"day" => Some(ThemeChoice::Day),
                b"night" => Some(ThemeChoice::Night),
                _ => None,
            },
            guest: meta(GUEST) == b"yes",
        }
    }

    /// Returns the preferences for the pages: the driver's choice, else the other one, such as the car's, else Chinese.
    #[must_use]
    pub fn preferences(&self, otherwise: Option<Language>) -> Preferences {
        Preferences {
            language: self.language.or(otherwise).unwrap_or(Language::Chinese),
            theme: self.theme.unwrap_or(ThemeChoice::FollowCar),
        }
    }
}

/// Keeps the language.
///
/// # Errors
/// When the disk refuses.
pub fn put_language(store: &mut Store, language: Language) -> Result<(), StoreError> {
    let name: &[u8] = match language {
        Language::Chinese => b"zh",
        Language::English => b"en",
    };
    store.put_meta(LANGUAGE, name)
}

/// Keeps what the appearance follows.
///
/// # Errors
/// When the disk refuses.
pub fn put_theme(store: &mut Store, theme: ThemeChoice) -> Result<(), StoreError> {
    let name: &[u8] = match theme {
        ThemeChoice::FollowCar => b"car",
        ThemeChoice::Day => b"day",
        ThemeChoice::Night => b"night",
    };
    store.put_meta(THEME, name)
}

/// Keeps whether a guest drives: a restart must not make him the member.
///
/// # Errors
/// When the disk refuses.
pub fn put_guest(store: &mut Store, guest: bool) -> Result<(), StoreError> {
    let name: &[u8] = if guest { b"yes" } else { b"no" };
    store.put_meta(GUEST, name)
}
