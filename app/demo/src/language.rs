//! The language that the environment asks for.

use dashpoint_ui::locale::Language;

/// Returns the language that the environment asks for.
#[must_use]
pub fn of_environment() -> Language {
    let set = |name| std::env::var(name).ok().filter(|locale| !locale.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_MESSAGES"));
    let locale = locale.or_else(|| set("LANG")).unwrap_or_default();
    Language::of_locale(&locale)
}
