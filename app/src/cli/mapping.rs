//! `dashpoint check-mapping`: what becomes of each signal of a car that is not VSS 6.0.

mod listen;
mod survey_table;

use std::process::ExitCode;

use comfy_table::{Table, presets};
use dashpoint_ui::locale::Language;
use serde::Serialize;

use super::ability_words::{AbilityReport, ability_text, extent_text, lack_text, on_hint};
use super::args::CheckMappingArgs;
use super::out::{outln, print_json};
use crate::abilities::{Ability, AbilityFinding, Extent};
use crate::bus::Mapping;
use crate::error::EXIT_USAGE;
use crate::survey::{SurveyedSignal, said_signals};
use listen::{bus_config, listen};
use survey_table::{HeardReport, signal_table};

/// Output of `check-mapping --json`.
#[derive(Debug, Serialize)]
struct MappingReport {
    signals: Vec<RouteReport>,
    problems: Vec<String>,
    /// Its abilities; empty for a mapping that is wrong.
    abilities: Vec<AbilityReport>,
    /// Hints at mistakes that may be in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hints: Vec<&'static str>,
    /// Messages of a live bus, with --listen.
    #[serde(skip_serializing_if = "Option::is_none")]
    heard: Option<HeardReport>,
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
/// With a time to listen, lists what a live bus says of each; a bus that says nothing is a failure.
pub(super) fn check(args: &CheckMappingArgs) -> anyhow::Result<ExitCode> {
    let mapping = Mapping::look(&args.file, args.vehicle.as_deref())?;
    let language = args.output.language;
    let is_right = mapping.problems().is_empty();
    let abilities = if is_right {
        mapping.said().abilities()
    } else {
        Vec::new()
    };
    let mut report = report(&mapping, &abilities, language);
    if !args.output.json {
        print_report(&report, &abilities, args);
    }
    let mut code = if is_right {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_USAGE)
    };
    if let Some(time) = args.listen.filter(|_| is_right) {
        let config = bus_config(&args.broker, mapping.clone())?;
        let listened = listen(config, time, language)?;
        let surveyed = surveyed(&mapping, listened.signals);
        let abilities = said_signals(&surveyed, &mapping.said()).abilities();
        if surveyed.iter().all(|one| one.taken == 0) {
            code = ExitCode::FAILURE;
            report.error = Some(NOTHING_TAKEN.to_owned());
        }
        if args.output.json {
            let listened_s = listened.time.as_secs();
            report.heard = Some(HeardReport::of(listened_s, &surveyed, &abilities, language));
        } else {
            outln!();
            print_table(&signal_table(&surveyed, language));
            outln!();
            print_table(&ability_table(&abilities, language));
            outln!();
            outln!("{}", heard_verdict(&surveyed, &abilities, language));
        }
    }
    if args.output.json {
        print_json(&report)?;
    }
    Ok(code)
}

const NOTHING_TAKEN: &str = "nothing that the head unit would take was said on these topics";

fn print_report(report: &MappingReport, abilities: &[AbilityFinding], args: &CheckMappingArgs) {
    let language = args.output.language;
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
        print_table(&ability_table(abilities, language));
        outln!();
        outln!("{}", verdict(abilities, language));
        for hint in &report.hints {
            outln!("{hint}");
        }
    }
}

/// Leaves out the signals that the mapping has no topic for, and that said nothing.
fn surveyed(mapping: &Mapping, surveyed: Vec<SurveyedSignal>) -> Vec<SurveyedSignal> {
    let mapped = mapping.said().signals;
    let is_of_interest = |one: &SurveyedSignal| one.said > 0 || mapped.contains(&one.signal);
    surveyed.into_iter().filter(is_of_interest).collect()
}

/// Says what is earned with what was said in this time.
fn heard_verdict(
    surveyed: &[SurveyedSignal],
    abilities: &[AbilityFinding],
    language: Language,
) -> &'static str {
    let has = |ability| has_ability(abilities, ability);
    if surveyed.iter().all(|one| one.taken == 0) {
        return language.choose(NOTHING_TAKEN, "这些主题上没有车机可用的消息");
    }
    let is_sure = surveyed.iter().any(|one| one.is_active);
    match (has(Ability::Trips), has(Ability::Charging), is_sure) {
        (true, true, true) => language.choose(
            "by what was said, trips and charging earn",
            "根据收到的信号，行程和充电都可累计积分",
        ),
        (true, true, false) => language.choose(
            "by what was said, trips and charging earn; drive or charge while listening to be sure",
            "根据收到的信号，行程和充电都可累计积分；监听时行驶或充电才能确定",
        ),
        (true, false, true) => language.choose(
            "by what was said, trips earn",
            "根据收到的信号，行程可累计积分",
        ),
        (true, false, false) => language.choose(
            "by what was said, trips earn; drive or charge while listening to be sure",
            "根据收到的信号，行程可累计积分；监听时行驶或充电才能确定",
        ),
        (false, true, true) => language.choose(
            "by what was said, charging earns",
            "根据收到的信号，充电可累计积分",
        ),
        (false, true, false) => language.choose(
            "by what was said, charging earns; drive or charge while listening to be sure",
            "根据收到的信号，充电可累计积分；监听时行驶或充电才能确定",
        ),
        (false, false, true) => language.choose(
            "by what was said, nothing earns",
            "根据收到的信号，无法累计积分",
        ),
        (false, false, false) => language.choose(
            "by what was said, nothing earns; drive or charge while listening to be sure",
            "根据收到的信号，无法累计积分；监听时行驶或充电才能确定",
        ),
    }
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
    let has = |ability| has_ability(abilities, ability);
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

fn has_ability(abilities: &[AbilityFinding], ability: Ability) -> bool {
    let mut abilities = abilities.iter();
    abilities.any(|finding| finding.ability == ability && finding.extent != Extent::None)
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
    let has_hint = mapping.problems().is_empty() && mapping.leaves_on_to_the_car();
    let problems: Vec<String> = mapping.problems().iter().map(ToString::to_string).collect();
    MappingReport {
        error: problems.first().cloned(),
        signals: mapping.routes().iter().map(route).collect(),
        abilities: abilities
            .iter()
            .map(|finding| AbilityReport::of(finding, language))
            .collect(),
        hints: has_hint.then(|| on_hint(language)).into_iter().collect(),
        problems,
        heard: None,
    }
}

#[cfg(test)]
mod tests;
