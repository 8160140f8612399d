//! The output of `vehicle-sim list`.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::{Cycle, Delivery, Gateway, GatewayMapping, Ready, Vin, VssSignal};

/// The car's own, unless `--vin` gives it another.
const VIN: &str = Vin::FAKE;

const RECORDINGS: &str = "
Recordings (replay FILE), by their header:
  cycSecs,cycMps or second,m/s             a speed table
  timestamp,cycle_sec,timestep,speed_mph   a recorded day
  field,signal,value,delay                 VSS signals (KUKSA csv-provider)
";

/// Shows cycles, scenarios, gateways and signals as a program reads them.
pub fn list_as_json() -> anyhow::Result<()> {
    let cycles: Vec<Value> = Cycle::ALL
        .into_iter()
        .map(|cycle| {
            let lasts_s = cycle.recording()?.rows.len() - 1;
            let (name, about) = (cycle.name(), cycle.about());
            Ok(json!({ "name": name, "lasts_s": lasts_s, "about": about }))
        })
        .collect::<anyhow::Result<_>>()?;
    let scenarios: Vec<Value> = Ready::ALL
        .iter()
        .map(|ready| Ok(json!({ "name": ready.name, "about": ready.scenario()?.about })))
        .collect::<anyhow::Result<_>>()?;
    let signals = VssSignal::ALL.into_iter().map(|signal| {
        let (qos, retained) = match signal.delivery() {
            Delivery::Sample => (0, false),
            Delivery::State => (1, true),
            Delivery::Kept => (0, true),
        };
        json!({ "path": signal.path(), "qos": qos, "retained": retained })
    });
    let signals: Vec<Value> = signals.collect();
    let gateways = Gateway::ALL.into_iter().map(|gateway| {
        let mapping = gateway.mapping(VIN);
        let (file, vehicle) = mapping.map(|of| (of.file, of.vehicle)).unzip();
        json!({
            "name": gateway.name(),
            "about": gateway.about(),
            "says_times": gateway.says_times(),
            "mapping": file,
            "vehicle": vehicle,
        })
    });
    let gateways: Vec<Value> = gateways.collect();
    let all = json!({ "cycles": cycles, "scenarios": scenarios, "gateways": gateways, "signals": signals });
    writeln!(io::stdout(), "{all:#}")?;
    Ok(())
}

/// Shows cycles, scenarios, gateways, file formats and signals.
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
    writeln!(
        out,
        "\nGateways (--as NAME), and the lines of [bus] in the head unit's configuration for each:"
    )?;
    for gateway in Gateway::ALL {
        writeln!(out, "  {:15}  {}", gateway.name(), gateway.about())?;
        if let Some(GatewayMapping { file, vehicle }) = gateway.mapping(VIN) {
            writeln!(
                out,
                "  {:15}  mapping = \"{file}\", vehicle = \"{vehicle}\"",
                ""
            )?;
        }
    }
    writeln!(out, "{RECORDINGS}")?;
    writeln!(out, "Signals (topic vss/ and the path with slashes):")?;
    for signal in VssSignal::ALL {
        let carried = match signal.delivery() {
            Delivery::Sample => "sample, QoS 0",
            Delivery::State => "state, QoS 1 retained",
            Delivery::Kept => "QoS 0 retained",
        };
        writeln!(out, "  {:82} {carried}", signal.path())?;
    }
    Ok(())
}
