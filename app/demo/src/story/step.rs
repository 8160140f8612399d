//! The steps of a story.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use vehicle_sim::{Cycle, Scenario, ScenarioCharge};

use super::expect::Expect;
use crate::network::Faults;
use crate::screen::ScreenPage;

/// One thing. In a file `[[step]]` and then its name with its arguments.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum StoryStep {
    /// The head unit asks to be the member's; the member says yes.
    Enrol {},
    /// The car drives.
    Drive(StoryDrive),
    /// The car charges, parked.
    Charge(ScenarioCharge),
    /// The car says something that earns nothing: lines of a scenario of the simulator.
    Car {
        /// Such as `night` or `guest`.
        says: Vec<String>,
    },
    /// Another car of the member, which only the cloud knows, charges and is paid for it.
    SecondCar(StorySecondCar),
    /// The cloud is out of reach from here on.
    NetworkGoes {},
    /// The cloud can be reached again, and everything is settled.
    NetworkReturns {},
    /// The network is as bad as that from here on.
    NetworkFaults {
        /// As of `dashpoint-demo proxy --fault`; empty when it is good again.
        faults: Faults,
    },
    /// Time passes, parked.
    Time(Until),
    /// The member checks in on the screen.
    CheckIn {},
    /// This must be so now.
    Expect(Expect),
}

/// A drive.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StoryDrive {
    /// The cycle.
    pub cycle: Cycle,
    /// Only the first of it, such as `8m`.
    #[serde(rename = "for")]
    pub lasts: Option<String>,
    /// Place of the kill and the new start of the head unit, in percent of the drive's messages; no kill when absent.
    pub kill_at_percent: Option<u8>,
}

/// Charges of another car of the member.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StorySecondCar {
    /// Each time.
    pub charges_kwh: u32,
    /// The share that is renewable, as its charging point meters it.
    #[serde(default = "all")]
    pub renewable: u16,
    /// Time of the first charge, in local time; by default now.
    pub at: Option<DateTime>,
    /// The number of charges.
    #[serde(default = "once")]
    pub times: u32,
    /// Between two times.
    #[serde(default = "once")]
    pub every_days: u32,
}

const fn all() -> u16 {
    100
}

const fn once() -> u32 {
    1
}

/// Until when time passes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Until {
    /// The next time that it is so late in local time.
    pub to: Option<Time>,
    /// So many days later.
    #[serde(default)]
    pub days: i32,
    /// Exactly then, in local time.
    pub at: Option<DateTime>,
}

impl StoryStep {
    /// Its name in a file.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Enrol {} => "enrol",
            Self::Drive(_) => "drive",
            Self::Charge(_) => "charge",
            Self::Car { .. } => "car",
            Self::SecondCar(_) => "second-car",
            Self::NetworkGoes {} => "network-goes",
            Self::NetworkReturns {} => "network-returns",
            Self::NetworkFaults { .. } => "network-faults",
            Self::Time(_) => "time",
            Self::CheckIn {} => "check-in",
            Self::Expect(_) => "expect",
        }
    }

    /// Returns the pages that are pictured after the step.
    pub const fn pages(&self) -> &'static [ScreenPage] {
        match self {
            Self::Drive(_) => &[ScreenPage::Trip, ScreenPage::Home],
            Self::NetworkReturns {} => &[ScreenPage::Activity, ScreenPage::Home],
            Self::Charge(_) | Self::CheckIn {} => &[ScreenPage::Activity],
            Self::Enrol {}
            | Self::Car { .. }
            | Self::SecondCar(_)
            | Self::NetworkGoes {}
            | Self::NetworkFaults { .. } => &[ScreenPage::Home],
            Self::Time(_) | Self::Expect(_) => &[],
        }
    }

    /// Returns whether the step needs no head unit that runs.
    pub(super) const fn works_without_a_head_unit(&self) -> bool {
        matches!(self, Self::Enrol {} | Self::SecondCar(_) | Self::Time(_))
    }

    /// Checks the values of the step.
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Drive(drive) => drive.check(),
            Self::Car { says } => said(says).map(drop),
            Self::SecondCar(car) => car.check(),
            Self::Time(until) => until.check(),
            Self::Expect(expect) if expect.is_empty() => Err("it expects nothing".to_owned()),
            Self::Enrol {}
            | Self::Charge(_)
            | Self::NetworkGoes {}
            | Self::NetworkReturns {}
            | Self::NetworkFaults { .. }
            | Self::CheckIn {}
            | Self::Expect(_) => Ok(()),
        }
    }
}

impl StoryDrive {
    fn check(&self) -> Result<(), String> {
        if self
            .kill_at_percent
            .is_some_and(|percent| !(1..=99).contains(&percent))
        {
            return Err("kill-at-percent: expected 1 to 99".to_owned());
        }
        self.part().map(drop)
    }

    /// The scenario of a drive that is not a whole cycle; none when it is.
    pub fn part(&self) -> Result<Option<Scenario>, String> {
        let Some(lasts) = &self.lasts else {
            return Ok(None);
        };
        let cycle = self.cycle.name();
        scenario(&[format!("drive = {{ cycle = {cycle:?}, for = {lasts:?} }}")]).map(Some)
    }
}

impl StorySecondCar {
    fn check(&self) -> Result<(), String> {
        if !(1..=2_000).contains(&self.charges_kwh) {
            return Err("charges-kwh: expected kilowatt-hours above 0, at most 2000".to_owned());
        }
        if self.renewable > 100 {
            return Err("renewable: expected 0 to 100 percent".to_owned());
        }
        if !(1..=1_000).contains(&self.times) || !(1..=365).contains(&self.every_days) {
            return Err("expected 1 to 1000 times, every 1 to 365 days".to_owned());
        }
        Ok(())
    }
}

impl Until {
    fn check(&self) -> Result<(), String> {
        let moves = self.to.is_some() || self.days > 0;
        if (0..=3_650).contains(&self.days) && moves != self.at.is_some() {
            Ok(())
        } else {
            Err("expected to, days or at: a local time, so many days, or exactly then".to_owned())
        }
    }

    /// The time that is meant, seen from `now`.
    ///
    /// # Errors
    /// When there is no such time.
    pub fn after(&self, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
        if let Some(at) = self.at {
            return zone.to_timestamp(at);
        }
        let later = now.to_zoned(zone.clone()).checked_add(self.days.days())?;
        let Some(to) = self.to else {
            return Ok(later.timestamp());
        };
        let today = later.with().time(to).build()?;
        let then = if today.timestamp() > now {
            today
        } else {
            today.checked_add(1.day())?
        };
        Ok(then.timestamp())
    }
}

/// Parses the car's lines as a scenario of the simulator.
pub fn said(lines: &[String]) -> Result<Scenario, String> {
    use vehicle_sim::Step as Says;
    for line in lines {
        let step: Says = line
            .parse()
            .map_err(|error| one_line(&format!("{error:#}")))?;
        if let Says::Drive(_) | Says::Charge(_) | Says::Clock { .. } | Says::Sleep { .. } = step {
            return Err(format!("{line:?} is a step of its own"));
        }
    }
    scenario(lines)
}

fn scenario(lines: &[String]) -> Result<Scenario, String> {
    let mut text = "about = \"a step of a story\"\n".to_owned();
    for line in lines {
        let line = line.trim();
        let empty = if line.contains('=') { "" } else { " = {}" };
        text.push_str(&format!("[[step]]\n{line}{empty}\n"));
    }
    Scenario::parse("the step", &text).map_err(|error| one_line(&chain(&error)))
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        None => error.to_string(),
        Some(source) => format!("{error}: {}", chain(source)),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_forward() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let now: Timestamp = "2026-11-22T10:00:00+08:00".parse().unwrap();
        let until = |text: &str| {
            let until: Until = toml::from_str(text).unwrap();
            until.check().unwrap();
            let after = until.after(now, &zone).unwrap();
            after
                .to_zoned(zone.clone())
                .strftime("%m-%d %H:%M")
                .to_string()
        };
        assert_eq!(until("to = \"22:30:00\""), "11-22 22:30");
        assert_eq!(until("to = \"08:00:00\""), "11-23 08:00");
        assert_eq!(until("days = 3"), "11-25 10:00");
        assert_eq!(until("days = 3\nto = \"08:00:00\""), "11-25 08:00");
        assert_eq!(until("at = \"2027-01-02T03:04:00\""), "01-02 03:04");
    }
}
