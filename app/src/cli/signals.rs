//! `dashpoint status --signals`: what each signal of the vehicle does.

use std::process::ExitCode;

use comfy_table::{CellAlignment, Table, presets};
use dashpoint_ui::locale::Language;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::args::Output;
use super::ask::unanswered;
use super::out::{outln, print_json};
use super::words::zone_name;
use crate::config::Config;
use crate::data_folder::{member_zone, open_reader};
use crate::live::SignalLive;
use crate::socket;

/// Prints what the running head unit knows of its signals.
pub(super) fn signals(config: &Config, output: &Output) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let live = runtime.block_on(socket::ask(&config.data));
    let live = live.map_err(|error| unanswered(output.language, &error))?;
    if output.json {
        print_json(&live.signals)?;
    } else {
        let zone = open_reader(config).map_or_else(
            |_| config.zone.clone(),
            |reader| member_zone(&reader, config),
        );
        print(&table(&live.signals, &zone, output.language));
    }
    Ok(ExitCode::SUCCESS)
}

fn print(text: &str) {
    outln!("{text}");
}

fn table(signals: &[SignalLive], zone: &TimeZone, language: Language) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        language.choose("signal", "信号").to_owned(),
        format!("{} ({})", language.choose("last", "最近"), zone_name(zone)),
        language.choose("a second", "每秒").to_owned(),
        language.choose("taken", "已收").to_owned(),
        language.choose("refused", "拒收").to_owned(),
    ]);
    for signal in signals {
        let last = match signal.last_ts_ms {
            Some(at_ms) => local(at_ms, zone),
            None if signal.seen => language.choose("nothing taken", "未收到有效值").to_owned(),
            None => language.choose("never seen", "从未出现").to_owned(),
        };
        let refused: Vec<String> = signal
            .refused
            .iter()
            .map(|(kind, times)| format!("{times} {kind}"))
            .collect();
        table.add_row([
            signal.path.clone(),
            last,
            format!(
                "{}.{}",
                signal.per_minute / 60,
                signal.per_minute % 60 * 10 / 60
            ),
            signal.taken.to_string(),
            refused.join(", "),
        ]);
    }
    for column in [2, 3] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table
        .to_string()
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n")
}

fn local(at_ms: i64, zone: &TimeZone) -> String {
    Timestamp::from_millisecond(at_ms).map_or_else(
        |_| at_ms.to_string(),
        |at| {
            at.to_zoned(zone.clone())
                .strftime("%Y-%m-%d %H:%M:%S%.3f")
                .to_string()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_never_came_is_told_apart_from_one_that_was_only_refused() {
        let signal = |path: &str, seen, last_ts_ms, kind: Option<&str>| SignalLive {
            path: path.to_owned(),
            seen,
            last_ts_ms,
            per_minute: 90,
            taken: u64::from(last_ts_ms.is_some()),
            refused: kind.into_iter().map(|kind| (kind.to_owned(), 3)).collect(),
        };
        let signals = [
            signal("Vehicle.Speed", true, Some(1_790_000_000_250), None),
            signal("Vehicle.IsMoving", true, None, Some("wrong-type")),
            signal("Vehicle.TraveledDistance", false, None, None),
        ];
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        insta::assert_snapshot!(table(&signals, &zone, Language::English), @r#"
        signal                    last (Asia/Shanghai)     a second  taken  refused
        Vehicle.Speed             2026-09-21 22:13:20.250       1.5      1
        Vehicle.IsMoving          nothing taken                 1.5      0  3 wrong-type
        Vehicle.TraveledDistance  never seen                    1.5      0
        "#);
    }
}
