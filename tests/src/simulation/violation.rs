//! Tells that the promise was broken, and what led to it.

use std::fmt;

/// The promise was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    what: String,
    story: Vec<String>,
}

impl Violation {
    pub(crate) const fn new(what: String) -> Self {
        Self {
            what,
            story: Vec::new(),
        }
    }

    pub(crate) fn after(self, story: impl IntoIterator<Item = String>) -> Self {
        Self {
            story: story.into_iter().collect(),
            ..self
        }
    }

    /// Returns the last steps before the violation, oldest first.
    #[must_use]
    pub fn story(&self) -> &[String] {
        &self.story
    }

    pub(crate) fn at(self, at: &str) -> Self {
        Self {
            what: format!("{at}: {}", self.what),
            story: self.story,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}
