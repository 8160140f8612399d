//! The page that an explanation is written on: its language, its zone and its tables.

use comfy_table::Table;
use dashpoint_ui::locale::Language;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Language and zone of a page.
pub(super) struct Page {
    pub(super) zone: TimeZone,
    pub(super) language: Language,
}

impl Page {
    pub(super) fn pick<'a>(&self, en: &'a str, zh: &'a str) -> &'a str {
        self.language.choose(en, zh)
    }

    /// Stands between the parts of a sentence.
    pub(super) fn comma(&self) -> &'static str {
        self.language.choose(", ", "，")
    }

    /// Stands between sentences of one line.
    pub(super) fn semicolon(&self) -> &'static str {
        self.language.choose("; ", "；")
    }

    pub(super) fn time(&self, at_ms: i64, shape: &str) -> String {
        Timestamp::from_millisecond(at_ms).map_or_else(
            |_| at_ms.to_string(),
            |at| at.to_zoned(self.zone.clone()).strftime(shape).to_string(),
        )
    }
}

/// Lines of a table, each behind an indent.
pub(super) fn indented(table: &Table, by: &str) -> Vec<String> {
    let text = table.to_string();
    text.lines()
        .map(|line| format!("{by}{}", line.trim_end()))
        .collect()
}
