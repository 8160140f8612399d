//! A text in the two languages of the screen.

use serde::{Deserialize, Serialize};

/// A text that the operator writes, in both languages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

impl Text {
    /// Returns whether it says nothing in one of the languages.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        [&self.en, &self.zh]
            .iter()
            .any(|text| text.trim().is_empty())
    }
}
