//! Meters of vehicles as people read them: their openings, their stretches, and an operator's words on both.

use std::io::Write;

use dashpoint_membership::{Meter, MeterNumber};
use serde::Serialize;

use super::decide::freed_text;
use super::edge::Edge;
use super::error::CliError;
use super::meter_args::{MeterCommand, OpeningDecided};
use super::names::Names;
use super::show::{counted, either, table, written};
use crate::core::{
    CloudCore, CorrectedReadings, LatePayment, OpeningLine, OpeningRuling, Selected, WaitedEntries,
};
use crate::store::{MeterStretch, OpeningState};

/// Output of `meter list`.
#[derive(Debug, Serialize)]
struct MetersShown {
    openings: Vec<OpeningLine>,
    /// Stretches of the vehicle that was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    stretches: Option<Vec<MeterStretch>>,
}

pub(super) fn meter(
    command: MeterCommand,
    core: &mut CloudCore,
    edge: Edge,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let ruling = match command {
        MeterCommand::List { vehicle } => {
            let vehicle = vehicle.map(|named| core.find_vehicle(&named)).transpose()?;
            let shown = MetersShown {
                openings: core.opening_lines(vehicle)?,
                stretches: vehicle.map(|vehicle| core.stretches(vehicle)).transpose()?,
            };
            return either(out, edge.json, &shown, meters);
        }
        MeterCommand::Free {
            vehicle,
            entry,
            device,
            reason,
            keep_points,
        } => {
            let vehicle = core.find_vehicle(&vehicle)?;
            let selected = match (entry, device) {
                (Some(entry), _) => Selected::Entry(entry),
                (None, Some(device)) => Selected::Device(core.find_device(&device)?),
                (None, None) => Selected::Device(NO_DEVICE),
            };
            let freed = core.free_stretches(vehicle, selected, keep_points, &reason, edge.now)?;
            let names = Names::of(core, freed.taken_back.keys().copied(), [])?;
            return either(out, edge.json, &freed, |freed| freed_text(freed, &names));
        }
        MeterCommand::Accept(OpeningDecided { entry, reason }) => {
            core.accept_opening(entry, &reason, edge.now)?
        }
        MeterCommand::Refuse(OpeningDecided { entry, reason }) => {
            core.refuse_opening(entry, &reason, edge.now)?
        }
        MeterCommand::Correct {
            entry,
            first,
            last,
            reason,
        } => {
            let readings = CorrectedReadings { last, first };
            core.correct_opening(entry, readings, &reason, edge.now)?
        }
    };
    either(out, edge.json, &ruling, ruled)
}

/// Stands for a device that the arguments make sure of.
const NO_DEVICE: dashpoint_membership::DeviceId =
    dashpoint_membership::DeviceId::from_bytes([0; 16]);

/// Names a meter: the first of a quantity by the quantity alone.
fn named(meter: Meter, number: MeterNumber) -> String {
    if number.is_first() {
        meter.name().to_owned()
    } else {
        format!("{} {number}", meter.name())
    }
}

fn ruled(ruling: &OpeningRuling) -> String {
    let meter = named(ruling.opening.meter, ruling.opening.number);
    let vehicle = ruling.vehicle;
    let mut out = match ruling.state {
        OpeningState::Open => format!(
            "open: meter {meter} of vehicle {vehicle}, from {} on\n",
            ruling.opening.first
        ),
        OpeningState::Waits | OpeningState::Refused => {
            format!("refused: meter {meter} of vehicle {vehicle} stays shut\n")
        }
    };
    out.push_str(&waited_text(&ruling.waited));
    out
}

/// Words for the entries that waited with an opening.
fn waited_text(waited: &WaitedEntries) -> String {
    let mut out = String::new();
    for LatePayment { entry, points } in &waited.paid {
        out.push_str(&format!(
            "entry {entry} waited for it: {} paid\n",
            counted(points, "point", "points")
        ));
    }
    for entry in &waited.in_doubt {
        out.push_str(&format!(
            "entry {entry} waited for it and is in doubt itself: decide it with review accept or review refuse\n"
        ));
    }
    for entry in &waited.refused {
        out.push_str(&format!("entry {entry} waited for it: refused\n"));
    }
    out
}

fn meters(shown: &MetersShown) -> String {
    let mut out = String::new();
    if shown.stretches.is_none() || !shown.openings.is_empty() {
        out.push_str(&openings(&shown.openings));
    }
    if let Some(lines) = &shown.stretches {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&stretches(lines));
    }
    out
}

fn openings(lines: &[OpeningLine]) -> String {
    let mut table = table([
        "vehicle",
        "meter",
        "last before",
        "first",
        "steady since",
        "entry",
        "state",
    ]);
    for line in lines {
        let opening = &line.opened.opening;
        let waiting = match line.waiting {
            0 => String::new(),
            count => format!(
                "; {} with it",
                counted(count, "entry waits", "entries wait")
            ),
        };
        let state = match (line.opened.state, &line.doubt) {
            (OpeningState::Open, _) => format!("open since {}", line.opened.arrived),
            (OpeningState::Refused, _) => "refused".to_owned(),
            (OpeningState::Waits, None) => "waits for its entry since the restore".to_owned(),
            (OpeningState::Waits, Some(doubt)) => {
                format!("waits for meter accept: {doubt}{waiting}")
            }
        };
        table.add_row([
            line.opened.vehicle.to_string(),
            named(opening.meter, opening.number),
            opening.last.to_string(),
            opening.first.to_string(),
            dashpoint_membership::ServerTime::from_unix_s(opening.since.as_unix_s()).to_string(),
            line.opened.entry.to_string(),
            state,
        ]);
    }
    written(&table)
}

fn stretches(lines: &[MeterStretch]) -> String {
    let mut table = table(["meter", "from", "to", "entry", "state"]);
    for line in lines {
        let holds = if line.awaited {
            "held by what is to come again since the restore"
        } else {
            "held"
        };
        let state = line.freed.as_ref().map_or_else(
            || holds.to_owned(),
            |freed| {
                let points = if freed.keeps_points {
                    ", points kept"
                } else {
                    ""
                };
                format!("freed {}{points}: {}", freed.at, freed.reason)
            },
        );
        let unit = match line.interval.meter {
            Meter::Odometer => "m",
            Meter::Charged | Meter::Discharged => "Wh",
        };
        table.add_row([
            named(line.interval.meter, line.interval.number),
            format!("{} {unit}", line.interval.from),
            format!("{} {unit}", line.interval.to),
            line.entry.to_string(),
            state,
        ]);
    }
    written(&table)
}
