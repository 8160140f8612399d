//! The stories and personas that are part of the program.

use super::Story;

/// A story that is part of the program.
#[derive(Debug, Clone, Copy)]
pub struct Ready {
    /// Its name on the command line.
    pub name: &'static str,
    text: &'static str,
}

macro_rules! ready {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(Ready {
            name: $name,
            text: include_str!(concat!("../../", $folder, "/", $name, ".toml")),
        }),+]
    };
}

impl Ready {
    /// Ready stories; the first is the default of the program.
    pub const STORIES: &[Self] =
        ready!("stories": "sunday", "bad-network", "guest", "week-offline");

    /// Ready personas.
    pub const PERSONAS: &[Self] =
        ready!("personas": "new", "gold-expiring", "capped", "guest", "offline-30d");

    /// The story.
    ///
    /// # Errors
    /// None in practice: a test reads each.
    pub fn story(self) -> anyhow::Result<Story> {
        Story::parse(self.name, self.text)
    }
}
