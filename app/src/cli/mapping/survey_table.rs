//! The table and the JSON of what a live bus said.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets};
use dashpoint_telematics::{Signal, Value};
use dashpoint_ui::locale::Language;
use serde::Serialize;

use crate::abilities::AbilityFinding;
use crate::cli::ability_words::AbilityReport;
use crate::survey::SurveyedSignal;

/// Messages of a live bus, by signal.
#[derive(Debug, Serialize)]
pub(super) struct HeardReport {
    /// Time for which it was listened to, in seconds.
    listened_s: u64,
    signals: Vec<HeardSignalReport>,
    /// The abilities that follow from what was taken in this time.
    abilities: Vec<AbilityReport>,
}

#[derive(Debug, Serialize)]
struct HeardSignalReport {
    signal: &'static str,
    said: u64,
    retained: u64,
    taken: u64,
    /// The last value in the unit of the signal; a text only of signals that name no car, no person and no place.
    last: Option<LastValue>,
    cadence_ms: Option<i64>,
    clock_offset_ms: Option<i64>,
    refused: BTreeMap<String, u64>,
}

/// A value as JSON has it: a number as a number.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum LastValue {
    Flag(bool),
    Number(f64),
    Text(String),
}

impl LastValue {
    fn in_words(self) -> String {
        match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

impl HeardReport {
    pub(super) fn of(
        listened_s: u64,
        surveyed: &[SurveyedSignal],
        abilities: &[AbilityFinding],
        language: Language,
    ) -> Self {
        let signal = |one: &SurveyedSignal| HeardSignalReport {
            signal: one.signal.path(),
            said: one.said,
            retained: one.retained,
            taken: one.taken,
            last: last(one),
            cadence_ms: one.cadence_ms,
            clock_offset_ms: one.clock_offset_ms,
            refused: one.refused.clone(),
        };
        let findings = abilities.iter();
        Self {
            listened_s,
            signals: surveyed.iter().map(signal).collect(),
            abilities: findings
                .map(|finding| AbilityReport::of(finding, language))
                .collect(),
        }
    }
}

/// Characters of a text that are shown.
const TEXT_MAX: usize = 40;

/// Gives the last value. Of the texts only those are shown that name no car, no person and no place.
fn last(one: &SurveyedSignal) -> Option<LastValue> {
    let is_shown = matches!(
        one.signal,
        Signal::Ignition
            | Signal::MixSource
            | Signal::PriceRules
            | Signal::AutonomyLevel
            | Signal::DayNight
            | Signal::Language
    );
    match one.last.as_ref()? {
        Value::Bool(flag) => Some(LastValue::Flag(*flag)),
        Value::Number(number) => Some(LastValue::Number(*number)),
        Value::Text(text) if is_shown => {
            let shown = text.chars().take(TEXT_MAX);
            let shown = shown.flat_map(char::escape_debug).collect();
            Some(LastValue::Text(shown))
        }
        Value::Text(_) => None,
    }
}

/// Makes the table of the signals.
pub(super) fn signal_table(surveyed: &[SurveyedSignal], language: Language) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        language.choose("signal", "信号"),
        language.choose("said", "次数"),
        language.choose("last", "最近值"),
        language.choose("every", "间隔"),
        language.choose("clock", "时钟"),
        language.choose("refused", "拒收"),
    ]);
    for one in surveyed {
        let refused = one.refused.iter();
        let refused: Vec<String> = refused
            .map(|(kind, times)| format!("{times} {kind}"))
            .collect();
        let has_values = one.last.is_some();
        let hidden = language.choose("not shown", "不显示");
        let none = if has_values { hidden } else { "" };
        let last = last(one).map_or_else(|| none.to_owned(), LastValue::in_words);
        let clock = match one.clock_offset_ms {
            Some(offset_ms) => format!("{:+.1} s", offset_ms as f64 / 1_000.0),
            None if one.said == 0 => String::new(),
            None if one.said == one.retained => language.choose("retained", "保留消息").to_owned(),
            None if !has_values => String::new(),
            None => language.choose("on arrival", "以到达为准").to_owned(),
        };
        table.add_row([
            one.signal.path().to_owned(),
            match one.said {
                0 => language.choose("nothing", "无").to_owned(),
                said => said.to_string(),
            },
            last,
            one.cadence_ms.map_or_else(String::new, |cadence_ms| {
                format!("{:.1} s", cadence_ms as f64 / 1_000.0)
            }),
            clock,
            refused.join(", "),
        ]);
    }
    for column in [1, 3, 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    #[test]
    fn texts_are_shown_only_of_a_few_signals_and_escaped() {
        let shown = |signal, text: &str| {
            let said = surveyed(signal, Value::Text(text.to_owned()));
            (last_in_json(&said), last_in_table(&said))
        };
        let hidden = (Json::Null, "not shown".to_owned());
        assert_eq!(shown(Signal::DriverIssuer, "https://id.example"), hidden);
        assert_eq!(shown(Signal::Speed, "Ada"), hidden);
        let escaped = "ON\\u{1b}[2J";
        assert_eq!(
            shown(Signal::Ignition, "ON\u{1b}[2J"),
            (Json::from(escaped), escaped.to_owned())
        );
        let cut = "z".repeat(TEXT_MAX);
        assert_eq!(
            shown(Signal::Language, &"z".repeat(99)),
            (Json::from(cut.as_str()), cut)
        );
    }

    #[test]
    fn a_number_is_a_number_in_json() {
        for (signal, value, in_json, in_table) in [
            (Signal::Speed, Value::Number(53.5), Json::from(53.5), "53.5"),
            (
                Signal::IsMoving,
                Value::Bool(true),
                Json::from(true),
                "true",
            ),
            (
                Signal::Ignition,
                Value::Text("ON".to_owned()),
                Json::from("ON"),
                "ON",
            ),
        ] {
            let said = surveyed(signal, value);
            assert_eq!(last_in_json(&said), in_json);
            assert_eq!(last_in_table(&said), in_table);
        }
    }

    fn surveyed(signal: Signal, value: Value) -> SurveyedSignal {
        SurveyedSignal {
            signal,
            said: 1,
            retained: 0,
            taken: 1,
            live: 1,
            is_active: false,
            was_on: false,
            last: Some(value),
            cadence_ms: None,
            clock_offset_ms: None,
            refused: BTreeMap::new(),
        }
    }

    fn last_in_json(one: &SurveyedSignal) -> Json {
        let report = HeardReport::of(1, std::slice::from_ref(one), &[], Language::English);
        let report = serde_json::to_value(report).unwrap();
        report["signals"][0]["last"].clone()
    }

    fn last_in_table(one: &SurveyedSignal) -> String {
        let table = signal_table(std::slice::from_ref(one), Language::English);
        let line = table.to_string();
        let line = line.lines().nth(1).unwrap().to_owned();
        let cells: Vec<&str> = line
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect();
        cells[2].to_owned()
    }
}
