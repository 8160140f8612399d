//! The language that the environment asks for, where none was typed.

use dashpoint_ui::locale::Language;

/// Returns the language that `LC_ALL`, else `LC_MESSAGES`, else `LANG` asks for; `None` where none is set, or the one that is
/// set is `C` or `POSIX`.
#[must_use]
pub fn of_environment() -> Option<Language> {
    of_variables(|name| std::env::var(name).ok())
}

/// Returns the language of the command lines, where none was typed: the environment's, else English.
#[must_use]
pub fn of_command_line() -> Language {
    of_environment().unwrap_or(Language::English)
}

fn of_variables(value: impl Fn(&str) -> Option<String>) -> Option<Language> {
    let mut set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter();
    let locale = set.find_map(|name| value(name).filter(|locale| !locale.is_empty()))?;
    let is_none = matches!(locale.split('.').next(), Some("C" | "POSIX"));
    (!is_none).then(|| Language::of_locale(&locale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_a_language_or_none() {
        for (set, expected) in [
            (&[][..], None),
            (&[("LANG", "C.UTF-8")], None),
            (&[("LANG", "POSIX")], None),
            (&[("LANG", "zh_CN.UTF-8")], Some(Language::Chinese)),
            (&[("LANG", "de_DE.UTF-8")], Some(Language::English)),
            (
                &[("LC_ALL", ""), ("LC_MESSAGES", "zh_CN"), ("LANG", "en_US")],
                Some(Language::Chinese),
            ),
            (&[("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")], None),
        ] {
            let value = |name: &str| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(of_variables(value), expected, "{set:?}");
        }
    }
}
