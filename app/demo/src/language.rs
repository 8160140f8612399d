//! The two languages of the captions.

use clap::ValueEnum;

/// A language of the programme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English.
    En,
    /// 中文.
    Zh,
}

impl Language {
    /// The language of a locale such as `zh_CN.UTF-8`; English when it is another.
    #[must_use]
    pub fn of_locale(locale: &str) -> Self {
        if locale.starts_with("zh") {
            Self::Zh
        } else {
            Self::En
        }
    }

    /// The language that the environment asks for.
    #[must_use]
    pub fn of_environment() -> Self {
        let set = |name| std::env::var(name).ok().filter(|locale| !locale.is_empty());
        let locale = set("LC_ALL").or_else(|| set("LC_MESSAGES"));
        let locale = locale.or_else(|| set("LANG")).unwrap_or_default();
        Self::of_locale(&locale)
    }

    /// Its name on a command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    /// Picks one of two texts.
    #[must_use]
    pub const fn pick<'a>(self, en: &'a str, zh: &'a str) -> &'a str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_names_a_language() {
        for locale in ["zh", "zh_CN.UTF-8", "zh-Hans"] {
            assert_eq!(Language::of_locale(locale), Language::Zh, "{locale}");
        }
        for locale in ["", "C", "en_US.UTF-8", "de_DE.UTF-8"] {
            assert_eq!(Language::of_locale(locale), Language::En, "{locale}");
        }
    }
}
