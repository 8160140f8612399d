//! `dashpoint check-mapping`: what becomes of each signal of a car that is not VSS 6.0.

use std::process::ExitCode;

use comfy_table::{Table, presets};
use dashpoint_ui::locale::Language;
use serde::Serialize;

use super::ability_words::{AbilityReport, ability_text, extent_text, lack_text};
use super::args::CheckMappingArgs;
use super::out::{outln, print_json};
use crate::abilities::{Ability, AbilityFinding, Extent};
use crate::bus::Mapping;
use crate::error::EXIT_USAGE;

/// Output of `check-mapping --json`.
#[derive(Debug, Serialize)]
struct MappingReport {
    signals: Vec<RouteReport>,
    problems: Vec<String>,
    /// Its abilities; empty for a mapping that is wrong.
    abilities: Vec<AbilityReport>,
    /// The first problem, as with every command that fails; none when the mapping can be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct RouteReport {
    signal: &'static str,
    topic: Option<String>,
    conversion: String,
}

/// Prints topic and conversion of each signal, and what can be earned with them; a mapping that is wrong is a usage error.
pub(super) fn check(args: &CheckMappingArgs) -> anyhow::Result<ExitCode> {
    let mapping = Mapping::look(&args.file, args.vehicle.as_deref())?;
    let language = args.output.language;
    let abilities = if mapping.problems().is_empty() {
        mapping.said().abilities()
    } else {
        Vec::new()
    };
    let report = report(&mapping, &abilities, language);
    if args.output.json {
        print_json(&report)?;
    } else {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header([
            language.choose("signal", "信号"),
            language.choose("topic", "主题"),
            language.choose("conversion", "换算"),
        ]);
        for route in &report.signals {
            let none = language.choose("not subscribed to", "不订阅");
            let topic = route.topic.as_deref().unwrap_or(none);
            table.add_row([route.signal, topic, &route.conversion]);
        }
        print_table(&table);
        outln!();
        for problem in &report.problems {
            outln!("{}: {problem}", args.file.display());
        }
        if report.problems.is_empty() {
            print_table(&ability_table(&abilities, language));
            outln!();
            outln!("{}", verdict(&abilities, language));
        }
    }
    Ok(if report.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_USAGE)
    })
}

fn print_table(table: &Table) {
    for line in table.to_string().lines() {
        outln!("{}", line.trim_end());
    }
}

/// One line for each ability, and one more for each further reason.
fn ability_table(abilities: &[AbilityFinding], language: Language) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        language.choose("ability", "能力"),
        language.choose("extent", "程度"),
        language.choose("missing", "缺少"),
    ]);
    for finding in abilities {
        let mut lacks = finding.lacks.iter().map(|lack| lack_text(language, *lack));
        table.add_row([
            ability_text(language, finding.ability),
            extent_text(language, finding.extent),
            lacks.next().unwrap_or_default(),
        ]);
        for lack in lacks {
            table.add_row(["", "", lack]);
        }
    }
    table
}

/// Says whether anything can be earned with a mapping that is right.
fn verdict(abilities: &[AbilityFinding], language: Language) -> &'static str {
    let has = |ability: Ability| {
        let mut abilities = abilities.iter();
        abilities.any(|finding| finding.ability == ability && finding.extent != Extent::None)
    };
    match (has(Ability::Trips), has(Ability::Charging)) {
        (true, true) => language.choose("the mapping can be used", "映射可用"),
        (true, false) => language.choose(
            "the mapping can be used; charging earns nothing with it",
            "映射可用；充电不累计积分",
        ),
        (false, true) => language.choose(
            "the mapping can be used; trips earn nothing with it",
            "映射可用；行程不累计积分",
        ),
        (false, false) => language.choose(
            "the mapping is well formed, and nothing is earned with it",
            "映射格式正确，但无法累计积分",
        ),
    }
}

fn report(mapping: &Mapping, abilities: &[AbilityFinding], language: Language) -> MappingReport {
    let route = |route: &crate::bus::Route| RouteReport {
        signal: route.signal.path(),
        topic: route.topic.clone(),
        conversion: [route.place.clone(), route.conversion.formula(route.signal)]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", "),
    };
    let problems: Vec<String> = mapping.problems().iter().map(ToString::to_string).collect();
    MappingReport {
        error: problems.first().cloned(),
        signals: mapping.routes().iter().map(route).collect(),
        abilities: abilities
            .iter()
            .map(|finding| AbilityReport::of(finding, language))
            .collect(),
        problems,
    }
}

#[cfg(test)]
mod tests;
