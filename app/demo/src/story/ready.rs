//! The stories and personas that are part of the program.

/// A story that is part of the program.
#[derive(Debug, Clone, Copy)]
pub struct ReadyStory {
    /// Its name on the command line.
    pub name: &'static str,
    /// The story as its file has it.
    pub(super) text: &'static str,
}

macro_rules! ready {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(ReadyStory {
            name: $name,
            text: include_str!(concat!("../../", $folder, "/", $name, ".toml")),
        }),+]
    };
}

impl ReadyStory {
    /// Ready stories; the first is the default of the program.
    pub const STORIES: &[Self] =
        ready!("stories": "sunday", "bad-network", "guest", "week-offline");

    /// Ready personas.
    pub const PERSONAS: &[Self] =
        ready!("personas": "new", "gold-expiring", "capped", "guest", "offline-30d");
}
