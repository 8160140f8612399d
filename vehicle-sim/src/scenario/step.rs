//! The steps of a scenario, and what each makes the car do.

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Deserializer, de};

use super::Lasting;
use crate::cycle::Cycle;
use crate::error::SimError;
use crate::identity::SimulatedDriver;
use crate::message::Garbage;
use crate::plan::{self, Car, EnergySource, FaultKind, MeterKind, SimulatedCharge};
use crate::recording::is_vss_path;
use crate::vss::{VssSignal, VssValue};

/// One step. In a file `[[step]]` and then its name with its arguments; typed, the same in one line.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// Drives a cycle, or its first seconds, and stands then with the ignition on.
    Drive(ScenarioDrive),
    /// Stands with the ignition on and not in park, as at a red light.
    TrafficLight {
        #[serde(rename = "for")]
        lasts: Lasting,
    },
    /// Park, and the ignition off.
    Park {},
    /// Puts the lever somewhere, and nothing else.
    Gear { select: Gear },
    /// Charges, parked.
    Charge(ScenarioCharge),
    /// Sleeps, parked: nothing is published until it wakes.
    Sleep {
        #[serde(rename = "for")]
        lasts: Lasting,
    },
    /// The car has no way to its cloud.
    Offline {},
    /// The car has a way to its cloud.
    Online {},
    /// Somebody sits down whom the car knows.
    Driver(SimulatedDriver),
    /// Somebody sits down whom the car does not know.
    Guest {},
    /// The car no longer says who drives.
    NoDriver {},
    /// The screen has the colours of the day.
    Day {},
    /// The screen has the colours of the night.
    Night {},
    /// The language of the screen, ISO 639-1.
    Language { code: String },
    /// Lets the time pass, unseen, until the clock says so.
    Clock { to: ScenarioClock },
    /// Says a signal that the car has no model of.
    Say { signal: String, value: VssValue },
    /// Something goes wrong on the bus from now on.
    Fault(ScenarioFault),
    /// Ends all faults.
    Heal {},
    /// A meter is replaced by another, which reads something else.
    MeterReplaced(ScenarioMeter),
    /// The battery is swapped for another one, parked.
    Swap(ScenarioSwap),
    /// Restarts a broker that `vehicle-sim broker` hosts; it forgets what it retained.
    BrokerRestart {},
}

/// A drive in a scenario.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioDrive {
    pub cycle: Cycle,
    /// Only the first of it.
    #[serde(rename = "for")]
    pub lasts: Option<Lasting>,
}

/// A charge in a scenario.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioCharge {
    #[serde(deserialize_with = "energy")]
    pub kwh: f64,
    #[serde(deserialize_with = "share")]
    pub renewable: u8,
    #[serde(default = "by_a_meter")]
    pub source: EnergySource,
    #[serde(default)]
    pub dc: bool,
    /// While the head unit sleeps.
    #[serde(default)]
    pub asleep: bool,
}

/// A new meter in a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioMeter {
    pub meter: MeterKind,
    /// km of an odometer, kWh of the others.
    #[serde(default, deserialize_with = "reading")]
    pub reads: f64,
}

/// A new battery in a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioSwap {
    /// Its state of charge.
    #[serde(deserialize_with = "share")]
    pub percent: u8,
    /// Lifetime kWh on its own counter; without it the counter is one of the car and stays.
    #[serde(default, deserialize_with = "known_reading")]
    pub charged: Option<f64>,
}

fn reading<'de, D: Deserializer<'de>>(value: D) -> Result<f64, D::Error> {
    let reads = f64::deserialize(value)?;
    if reads.is_finite() && reads >= 0.0 {
        Ok(reads)
    } else {
        Err(de::Error::custom(format!(
            "a meter reads {reads}: expected 0 or a number above 0"
        )))
    }
}

fn known_reading<'de, D: Deserializer<'de>>(value: D) -> Result<Option<f64>, D::Error> {
    reading(value).map(Some)
}

fn energy<'de, D: Deserializer<'de>>(value: D) -> Result<f64, D::Error> {
    let kwh = f64::deserialize(value)?;
    if kwh.is_finite() && kwh > 0.0 {
        Ok(kwh)
    } else {
        Err(de::Error::custom(format!(
            "kwh is {kwh}: expected a number above 0"
        )))
    }
}

fn share<'de, D: Deserializer<'de>>(value: D) -> Result<u8, D::Error> {
    let percent = i64::deserialize(value)?;
    let fitting = u8::try_from(percent).ok().filter(|percent| *percent <= 100);
    fitting.ok_or_else(|| {
        de::Error::custom(format!("renewable is {percent}: expected 0 to 100 percent"))
    })
}

fn by_a_meter() -> EnergySource {
    EnergySource::Site
}

/// Position of the gear lever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gear {
    Park,
    Reverse,
    Neutral,
    Drive,
}

/// A time of the day, or a time of all times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScenarioClock {
    /// The next time that it is so late in local time.
    Local(Time),
    Exactly(Timestamp),
}

/// A fault, with its kind, its signals and its time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFault {
    pub does: Does,
    /// Every signal when absent.
    pub signal: Option<String>,
    /// Share of the messages that it meets, in percent.
    #[serde(default = "all", deserialize_with = "percent")]
    pub percent: u8,
    /// Not before so much time has passed.
    pub after: Option<Lasting>,
    /// Until `heal` when absent.
    #[serde(rename = "for")]
    pub lasts: Option<Lasting>,
}

/// The effect of a fault on a message.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Does {
    /// It does not come.
    #[serde(alias = "omit")]
    Lose,
    /// It comes twice.
    Double,
    /// The value is what it was first; the time goes on.
    Freeze,
    /// The number is so much more; less when negative.
    Shift(#[serde(deserialize_with = "finite")] f64),
    /// It comes so much later, with its own time.
    Delay(Lasting),
    /// It comes at any time up to so much later, so that others overtake it.
    Reorder(Lasting),
    /// The clock that stamps it is so much ahead.
    ClockAhead(Lasting),
    /// The clock that stamps it is so much behind.
    ClockBehind(Lasting),
    /// A clock that is so much behind the car's stamps the signals of the drive battery.
    TwoClocks(Lasting),
    /// The value is renewed only each so often; it comes as often as before.
    Hold(Lasting),
    /// It comes only when the value changes.
    OnChange,
    /// The number is this code for a value that is not there.
    NotAvailable(#[serde(deserialize_with = "finite")] f64),
    /// It makes no sense.
    Garbage(Garbage),
}

fn all() -> u8 {
    100
}

fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    match i64::deserialize(deserializer).map(u8::try_from)? {
        Ok(percent @ 1..=100) => Ok(percent),
        Ok(_) | Err(_) => Err(de::Error::custom("expected 1 to 100 percent")),
    }
}

fn finite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if number.is_finite() {
        Ok(number)
    } else {
        Err(de::Error::custom("expected a number"))
    }
}

impl<'de> Deserialize<'de> for ScenarioClock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let local = text.parse().map(Self::Local);
        local
            .or_else(|_| text.parse().map(Self::Exactly))
            .map_err(|_| {
                de::Error::custom(format!(
                    "`{text}` is no time: expected one like 23:10 or 2026-11-22T23:10:00+08:00"
                ))
            })
    }
}

impl FromStr for Step {
    type Err = SimError;

    /// Parses a typed line; a step without arguments is its name alone.
    fn from_str(line: &str) -> Result<Self, SimError> {
        let line = line.trim();
        let parsed = if line.contains('=') {
            toml::from_str(line)
        } else {
            toml::from_str(&format!("{line} = {{}}"))
        };
        parsed.map_err(|source| SimError::Typed {
            line: line.to_owned(),
            message: source.message().to_owned(),
        })
    }
}

impl Gear {
    fn number(self) -> i64 {
        match self {
            Self::Park => 126,
            Self::Reverse => -1,
            Self::Neutral => 0,
            Self::Drive => 127,
        }
    }
}

impl ScenarioClock {
    /// The first time after `at` that is meant.
    fn after(self, at: Timestamp, zone: &TimeZone) -> Result<Timestamp, SimError> {
        let time = match self {
            Self::Exactly(time) => time,
            Self::Local(time) => {
                let now = at.to_zoned(zone.clone());
                let today = now.with().time(time).build().map_err(SimError::Time)?;
                if today > now {
                    today.timestamp()
                } else {
                    let tomorrow = today.checked_add(1.day()).map_err(SimError::Time)?;
                    tomorrow.timestamp()
                }
            }
        };
        if time > at {
            Ok(time)
        } else {
            Err(SimError::ClockBack { to: time, at })
        }
    }
}

impl Step {
    /// Makes the car do it; `zone` is where it is.
    pub(crate) fn act(&self, car: &mut Car, zone: &TimeZone) -> Result<(), SimError> {
        match self {
            Self::Drive(drive) => {
                let mut recording = drive.cycle.recording()?;
                if let Some(lasts) = drive.lasts {
                    let has = recording.rows.last().map(|row| row.offset);
                    if let Some(has) = has.filter(|has| *has < lasts.duration()) {
                        return Err(SimError::PastTheCycle {
                            cycle: drive.cycle.name(),
                            has_s: has.as_secs(),
                            asked_s: lasts.duration().as_secs(),
                        });
                    }
                    recording.rows.retain(|row| row.offset <= lasts.duration());
                }
                car.drive(&recording, false)
            }
            Self::TrafficLight { lasts } => car.stand(lasts.duration()),
            Self::Park {} => car.park(),
            Self::Gear { select } => car.select(select.number()),
            Self::Charge(charge) if charge.asleep => car.charge_asleep(&charge.charge()),
            Self::Charge(charge) => car.charge(&charge.charge()),
            Self::Sleep { lasts } => car.sleep(lasts.duration()),
            Self::Offline {} => car.say(VssSignal::Connectivity, false),
            Self::Online {} => car.say(VssSignal::Connectivity, true),
            Self::Driver(driver) => car.change_driver(driver),
            Self::Guest {} => car.change_driver(&SimulatedDriver::guest()),
            Self::NoDriver {} => car.change_driver(&SimulatedDriver::unnamed()),
            Self::Day {} => car.say(VssSignal::DayNight, "DAY"),
            Self::Night {} => car.say(VssSignal::DayNight, "NIGHT"),
            Self::Language { code } => {
                check_language(code)?;
                car.say(VssSignal::Language, code.as_str())
            }
            Self::Clock { to } => {
                let to = to.after(car.at(), zone)?;
                car.wake_at(to)
            }
            Self::Say { signal, value } => {
                check_sayable(signal)?;
                car.say_other(signal, value)
            }
            Self::Fault(fault) => fault.strike(car),
            Self::Heal {} => car.heal(),
            Self::MeterReplaced(new) => car.replace_meter(new.meter, new.reads),
            Self::Swap(new) => car.swap_battery(new.percent, new.charged),
            Self::BrokerRestart {} => car.restart_broker(),
        }
    }
}

impl ScenarioFault {
    fn strike(&self, car: &mut Car) -> Result<(), SimError> {
        if let Some(path) = self.signal.as_ref().filter(|path| !is_vss_path(path)) {
            return Err(SimError::NoPath { path: path.clone() });
        }
        let later = |lasts: Lasting, from: Timestamp| {
            from.checked_add(lasts.duration()).map_err(SimError::Time)
        };
        let from = match self.after {
            Some(after) => later(after, car.at())?,
            None => car.at(),
        };
        let until = self.lasts.map(|lasts| later(lasts, from)).transpose()?;
        car.disturb(plan::BusFault {
            kind: self.does.kind(),
            signal: self.signal.clone(),
            percent: self.percent,
            from,
            until,
        });
        Ok(())
    }
}

impl Does {
    fn kind(self) -> FaultKind {
        match self {
            Self::Lose => FaultKind::Lose,
            Self::Double => FaultKind::Double,
            Self::Shift(by) => FaultKind::Shift(by),
            Self::Freeze => FaultKind::Freeze(BTreeMap::new()),
            Self::Delay(by) => FaultKind::Delay(by.duration()),
            Self::Reorder(within) => FaultKind::Reorder(within.duration()),
            Self::ClockAhead(by) => FaultKind::ClockAhead(by.duration()),
            Self::ClockBehind(by) => FaultKind::ClockAhead(-by.duration()),
            Self::TwoClocks(behind) => FaultKind::TwoClocks(behind.duration()),
            Self::Hold(every) => FaultKind::Hold {
                every: every.duration(),
                held: BTreeMap::new(),
            },
            Self::OnChange => FaultKind::OnChange(BTreeMap::new()),
            Self::NotAvailable(code) => FaultKind::NotAvailable(code),
            Self::Garbage(payload) => FaultKind::Garbage(payload),
        }
    }
}

impl ScenarioCharge {
    fn charge(&self) -> SimulatedCharge {
        SimulatedCharge {
            kwh: self.kwh,
            renewable_percent: self.renewable,
            source: self.source,
            dc: self.dc,
        }
    }
}

fn check_language(code: &str) -> Result<(), SimError> {
    if code.len() == 2 && code.chars().all(|c| c.is_ascii_lowercase()) {
        Ok(())
    } else {
        Err(SimError::Language {
            code: code.to_owned(),
        })
    }
}

/// Refuses a signal that the car publishes itself, because a step would throw it back.
fn check_sayable(path: &str) -> Result<(), SimError> {
    let path = path.to_owned();
    if VssSignal::from_path(&path).is_some() {
        Err(SimError::SaidByTheCar { path })
    } else if is_vss_path(&path) {
        Ok(())
    } else {
        Err(SimError::NoPath { path })
    }
}
