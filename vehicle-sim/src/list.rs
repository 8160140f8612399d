//! The output of `vehicle-sim list`.

use std::io::{self, Write};

use crate::{Cycle, Delivery, Ready, VssSignal};

const RECORDINGS: &str = "
Recordings (replay FILE), by their header:
  cycSecs,cycMps or second,m/s             a speed table
  timestamp,cycle_sec,timestep,speed_mph   a recorded day
  field,signal,value,delay                 VSS signals (KUKSA csv-provider)
";

/// Shows cycles, scenarios, file formats and signals.
pub fn list() -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "Cycles (drive --cycle NAME), regulation speed tables at 1 Hz by way of NREL/fastsim:"
    )?;
    for cycle in Cycle::ALL {
        let seconds = cycle.recording()?.rows.len() - 1;
        writeln!(out, "  {:8} {seconds:5} s  {}", cycle.name(), cycle.about())?;
    }
    writeln!(out, "\nScenarios (scenario NAME):")?;
    for ready in Ready::ALL {
        writeln!(out, "  {:14}  {}", ready.name, ready.scenario()?.about)?;
    }
    writeln!(out, "{RECORDINGS}")?;
    writeln!(out, "Signals (topic vss/ and the path with slashes):")?;
    for signal in VssSignal::ALL {
        let carried = match signal.delivery() {
            Delivery::Sample => "sample, QoS 0",
            Delivery::State => "state, QoS 1 retained",
        };
        writeln!(out, "  {:82} {carried}", signal.path())?;
    }
    Ok(())
}
