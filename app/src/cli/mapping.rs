//! `dashpoint check-mapping`: what becomes of each signal of a car that is not VSS 6.0.

use std::process::ExitCode;

use comfy_table::{Table, presets};
use serde::Serialize;

use super::args::CheckMappingArgs;
use super::out::{outln, print_json};
use crate::bus::Mapping;
use crate::error::EXIT_USAGE;

/// Output of `check-mapping --json`.
#[derive(Debug, Serialize)]
struct MappingReport {
    signals: Vec<RouteReport>,
    problems: Vec<String>,
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

/// Prints topic and conversion of each signal; a mapping that is wrong is a usage error.
pub(super) fn check(args: &CheckMappingArgs) -> anyhow::Result<ExitCode> {
    let mapping = Mapping::look(&args.file, args.vehicle.as_deref())?;
    let report = report(&mapping);
    let language = args.output.language;
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
        for line in table.to_string().lines() {
            outln!("{}", line.trim_end());
        }
        outln!();
        for problem in &report.problems {
            outln!("{}: {problem}", args.file.display());
        }
        if report.problems.is_empty() {
            outln!("{}", language.choose("the mapping can be used", "映射可用"));
        }
    }
    Ok(if report.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_USAGE)
    })
}

fn report(mapping: &Mapping) -> MappingReport {
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
        problems,
    }
}
