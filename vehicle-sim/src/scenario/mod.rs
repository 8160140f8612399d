//! Scenarios: steps of a car, in a file or typed.

mod lasting;
mod ready;
mod step;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use jiff::tz::TimeZone;
use serde::Deserialize;
use toml::Spanned;

pub use lasting::Lasting;
pub use ready::Ready;
pub use step::{
    Does, Gear, ScenarioCharge, ScenarioClock, ScenarioDrive, ScenarioFault, ScenarioMeter,
    ScenarioSwap, Step,
};

use crate::error::SimError;
use crate::plan::Car;

/// A scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The name of the file, or of the ready scenario.
    pub name: String,
    /// Describes in a line what the scenario shows.
    pub about: String,
    /// Each with its line in the file.
    pub(crate) steps: Vec<(usize, Step)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    about: String,
    step: Vec<Spanned<Step>>,
}

impl Ready {
    /// Parses the scenario.
    ///
    /// # Errors
    /// None in practice: the file is part of the program, and a test reads each.
    pub fn scenario(self) -> Result<Scenario, SimError> {
        Scenario::parse(self.name, self.text)
    }
}

impl Scenario {
    /// Reads a file, or the ready scenario of this name when `file` is no more than a name.
    ///
    /// # Errors
    /// When it cannot be read or a step makes no sense: the line is named.
    pub fn open(file: &Path) -> Result<Self, SimError> {
        if let Some(ready) = Ready::ALL
            .iter()
            .find(|ready| file.as_os_str() == ready.name)
        {
            return ready.scenario();
        }
        let text = fs::read_to_string(file).map_err(|source| {
            if source.kind() == ErrorKind::NotFound {
                SimError::NoScenario {
                    name: file.display().to_string(),
                    known: Ready::ALL
                        .iter()
                        .map(|ready| ready.name)
                        .collect::<Vec<_>>()
                        .join(", "),
                }
            } else {
                SimError::Read {
                    path: file.to_owned(),
                    source,
                }
            }
        })?;
        Self::parse(&file.display().to_string(), &text)
    }

    /// Reads a scenario from text; `name` is for messages.
    ///
    /// # Errors
    /// As [`Scenario::open`].
    pub fn parse(name: &str, text: &str) -> Result<Self, SimError> {
        let file: File = toml::from_str(text).map_err(|source| SimError::Scenario {
            name: name.to_owned(),
            source: Box::new(source),
        })?;
        let steps = file.step.into_iter().map(|step| {
            let before = text.get(..step.span().start).unwrap_or_default();
            (before.matches('\n').count() + 1, step.into_inner())
        });
        Ok(Self {
            name: name.to_owned(),
            about: file.about,
            steps: steps.collect(),
        })
    }

    /// Makes the car do every step, and park.
    pub(crate) fn act(&self, car: &mut Car, zone: &TimeZone) -> Result<(), SimError> {
        for (line, step) in &self.steps {
            step.act(car, zone).map_err(|source| SimError::Step {
                name: self.name.clone(),
                line: *line,
                source: Box::new(source),
            })?;
        }
        car.park()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_step_is_named_with_its_line() {
        for (step, part) in [
            ("fly = {}", "unknown variant `fly`"),
            ("drive = { cycle = \"nedc\" }", "unknown variant `nedc`"),
            (
                "drive = { cycle = \"udds\", fast = 1 }",
                "unknown field `fast`",
            ),
            ("sleep = { for = \"soon\" }", "`soon` is no time"),
            ("sleep = { for = \"-1h\" }", "`-1h` is no time"),
            ("gear = { select = \"sixth\" }", "unknown variant `sixth`"),
            (
                "fault = { does = \"lose\", percent = 101 }",
                "expected 1 to 100",
            ),
            (
                "fault = { does = \"explode\" }",
                "unknown variant `explode`",
            ),
            (
                "meter-replaced = { meter = \"clock\" }",
                "unknown variant `clock`",
            ),
            (
                "meter-replaced = { meter = \"odometer\", reads = -1.0 }",
                "a meter reads -1",
            ),
            ("swap = { percent = 101 }", "expected 0 to 100 percent"),
            (
                "charge = { kwh = -5, renewable = 80 }",
                "kwh is -5: expected a number above 0",
            ),
            (
                "charge = { kwh = 5, renewable = 800 }",
                "renewable is 800: expected 0 to 100 percent",
            ),
            ("park = {}\ndrive = { cycle = \"udds\" }", "line"),
        ] {
            let text = format!("about = \"x\"\n\n[[step]]\npark = {{}}\n\n[[step]]\n{step}\n");
            let error = Scenario::parse("t.toml", &text).unwrap_err();
            let whole = format!("{:#}", anyhow::Error::from(error));
            assert!(whole.contains("t.toml") && whole.contains(part), "{whole}");
            assert!(
                whole.contains("line 7") || whole.contains("line 6"),
                "{whole}"
            );
        }
    }

    #[test]
    fn a_step_is_also_a_line() {
        assert_eq!("park".parse::<Step>().unwrap(), Step::Park {});
        let sleep: Step = "sleep = { for = \"1h 30m\" }".parse().unwrap();
        let Step::Sleep { lasts } = sleep else {
            panic!("{sleep:?}")
        };
        assert_eq!(lasts.duration().as_mins(), 90);
        for bad in ["", "fly", "park = 1", "sleep", "park = {}\nday = {}"] {
            assert!(bad.parse::<Step>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_steps_of_the_readme_are_steps() {
        let readme = include_str!("../../README.md");
        let (_, scenarios) = readme.split_once("\n## Scenarios\n").unwrap();
        let (steps, faults) = scenarios.split_once("\nFaults of clocks").unwrap();
        let parsed = |table: &str, before: &str, after: &str| {
            let mut parsed = 0;
            for row in table.lines().filter(|line| line.starts_with("| `")) {
                let first_cell = row.split(" | ").next().unwrap();
                for step in first_cell.split('`').skip(1).step_by(2) {
                    if step == "does =" {
                        continue;
                    }
                    let step = format!("{before}{step}{after}");
                    assert!(step.parse::<Step>().is_ok(), "{step}");
                    parsed += 1;
                }
            }
            parsed
        };
        assert_eq!(parsed(steps, "", ""), 21);
        assert_eq!(parsed(faults, "fault = { does = ", " }"), 6);
        let (_, file) = scenarios.split_once("```toml\n").unwrap();
        let (file, _) = file.split_once("```").unwrap();
        assert_eq!(Scenario::parse("README", file).unwrap().steps.len(), 6);
    }

    #[test]
    fn every_ready_scenario_can_be_read() {
        for ready in Ready::ALL {
            let scenario = ready.scenario().unwrap();
            assert!(!scenario.about.is_empty() && !scenario.steps.is_empty());
        }
    }
}
