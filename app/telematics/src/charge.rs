//! The open charging session, and the one that nobody saw.

use dashpoint_membership::{Charge, CoarseTime, Current, Evidence, Grade, Meter};
use serde::{Deserialize, Serialize};

use crate::driver::Driver;
use crate::evidence::{ChargeStep, ChargeTrace, Finished, PrivateEvidence};
use crate::marks::{Marks, MeterMark};
use crate::picture::Mix;
use crate::reading::MixSource;
use crate::settings::Settings;

/// Above it no charging is taken to be by alternating current.
const AC_MAX_W: f64 = 25_000.0;
/// Less is standing losses, not charging.
const FLOWING_MIN_W: f64 = 100.0;
/// One step of a counter of whole kilowatt-hours, in watt-hours: the energy of a moment may be as much.
const COUNTER_STEP_WH: u64 = 1_000;
/// Steps that are listed one by one; later ones are merged into the last.
const STEPS_MAX: usize = 1_000;
/// A weaker word counts once it stands for a twentieth of the energy.
const WEAK_SHARE: u64 = 20;

/// Source of energy, with the grade of its share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EnergyOrigin {
    permille: u16,
    grade: Grade,
}

impl EnergyOrigin {
    /// Judges what the bus has said since `since_ms`, for energy that flows with a power.
    pub(crate) fn of(
        mix: &Mix,
        since_ms: Option<i64>,
        at_ms: i64,
        power_w: Option<f64>,
        settings: &Settings,
    ) -> Self {
        let holds = |said_ms: i64| since_ms.is_none_or(|since_ms| said_ms >= since_ms);
        let source = mix.source.filter(|(said_ms, _)| holds(*said_ms));
        let share = mix.permille.filter(|(said_ms, _)| holds(*said_ms));
        let share = share.map(|(_, permille)| permille);
        let said = match source.map(|(_, source)| source) {
            Some(MixSource::Meter) => share.map(|permille| (permille, Grade::Metered)),
            Some(MixSource::Announced) => {
                let rules = mix.rules.as_ref().filter(|(said_ms, _)| holds(*said_ms));
                let by_power = rules.and_then(|(_, rules)| rules.permille(power_w));
                by_power
                    .or(share)
                    .map(|permille| (permille, Grade::Declared))
            }
            Some(MixSource::Hearsay) | None => None,
        };
        if let Some((permille, grade)) = said {
            return Self { permille, grade };
        }
        let evse = mix.evse.as_ref().filter(|(said_ms, _)| holds(*said_ms));
        match evse.and_then(|(_, evse)| settings.declared_permille(evse)) {
            Some(permille) => Self {
                permille,
                grade: Grade::Declared,
            },
            None => Self {
                permille: settings.assumed_permille(at_ms),
                grade: Grade::Estimated,
            },
        }
    }
}

/// A session that is not over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OpenCharge {
    driver: Driver,
    /// Unknown when it had begun before the head unit woke.
    started_ms: Option<i64>,
    last_ms: i64,
    /// From where to where the counter has risen.
    stretch: Option<(u64, u64)>,
    power_max_w: f64,
    /// Power into the battery as it was last said.
    #[serde(default)]
    battery_w: Option<f64>,
    /// Power of the session as it was last said.
    #[serde(default)]
    average_w: Option<f64>,
    evse: String,
    steps: Vec<ChargeStep>,
    /// Time at which the flow stopped, while more may come.
    #[serde(default)]
    paused_ms: Option<i64>,
}

impl OpenCharge {
    pub(crate) fn start(
        driver: Driver,
        started_ms: Option<i64>,
        at_ms: i64,
        from_wh: Option<u64>,
    ) -> Self {
        Self {
            driver,
            started_ms,
            last_ms: at_ms,
            stretch: from_wh.map(|from_wh| (from_wh, from_wh)),
            power_max_w: 0.0,
            battery_w: None,
            average_w: None,
            evse: String::new(),
            steps: Vec::new(),
            paused_ms: None,
        }
    }

    /// Returns who charges.
    pub(crate) fn driver(&self) -> &Driver {
        &self.driver
    }

    /// Returns the energy so far, in watt-hours.
    pub(crate) fn energy_wh(&self) -> u64 {
        self.stretch
            .map_or(0, |(from_wh, to_wh)| to_wh.saturating_sub(from_wh))
    }

    /// Returns the time at which the flow stopped, while more may come.
    pub(crate) fn paused_ms(&self) -> Option<i64> {
        self.paused_ms
    }

    /// The flow stops; said again, it stopped when it was said first.
    pub(crate) fn pause(&mut self, at_ms: i64) {
        self.paused_ms.get_or_insert(at_ms);
    }

    /// The flow goes on.
    pub(crate) fn go_on(&mut self) {
        self.paused_ms = None;
    }

    /// The time of the bus was wrong by so many milliseconds.
    pub(crate) fn translate(&mut self, by_ms: i64) {
        let steps = self.steps.iter_mut();
        let steps = steps.flat_map(|step| [&mut step.from_ms, &mut step.to_ms]);
        let times = steps.chain(&mut self.started_ms).chain(&mut self.paused_ms);
        for at_ms in times.chain([&mut self.last_ms]) {
            *at_ms = at_ms.saturating_add(by_ms);
        }
    }

    /// From where to where its counter has risen; `None` before its first value.
    pub(crate) fn stretch_wh(&self) -> Option<(u64, u64)> {
        self.stretch
    }

    /// Begins at this value of the counter: what flowed until then is not of this charge.
    pub(crate) fn begin_at(&mut self, counter_wh: u64) {
        if let Some((from_wh, to_wh)) = &mut self.stretch
            && self.steps.is_empty()
        {
            *from_wh = counter_wh.max(*from_wh);
            *to_wh = counter_wh.max(*to_wh);
        }
    }

    /// Takes the power into the battery.
    pub(crate) fn battery_power(&mut self, watts: f64) {
        self.power_max_w = self.power_max_w.max(watts);
        self.battery_w = Some(watts);
    }

    /// Takes the average power of the session.
    pub(crate) fn average_power(&mut self, watts: f64) {
        self.power_max_w = self.power_max_w.max(watts);
        self.average_w = Some(watts);
    }

    /// Returns the power with which energy flows now, in watts: that into the battery, else the average; `None` while neither is said.
    pub(crate) fn power_w(&self) -> Option<f64> {
        let flows = |watts: &f64| *watts > FLOWING_MIN_W;
        let battery_w = self.battery_w.filter(flows);
        battery_w.or_else(|| self.average_w.filter(flows))
    }

    pub(crate) fn evse(&mut self, evse: &str) {
        if !evse.is_empty() {
            evse.clone_into(&mut self.evse);
        }
    }

    /// Begins at what is accounted for, when its first value is no higher than charging since its start allows, by alternating
    /// current until more power was seen: then nothing was charged unseen before it.
    pub(crate) fn reaches_back(
        &mut self,
        accounted_wh: Option<u64>,
        at_ms: i64,
        counter_wh: u64,
    ) -> bool {
        let (Some(from_wh), Some(started_ms)) = (accounted_wh, self.started_ms) else {
            return false;
        };
        let kind = match self.seen_current() {
            Current::Ac | Current::Unknown => Current::Ac,
            Current::Dc => Current::Dc,
        };
        let reaches =
            counter_wh.saturating_sub(from_wh) <= most_wh(kind, at_ms.saturating_sub(started_ms));
        if reaches {
            self.stretch = Some((from_wh, from_wh));
        }
        reaches
    }

    /// Takes a value of the counter; the energy since the last one is of the origin known before it. At first the
    /// better word counts: a station may speak up only once energy flows.
    pub(crate) fn take_counter(
        &mut self,
        at_ms: i64,
        counter_wh: u64,
        before: EnergyOrigin,
        now: EnergyOrigin,
    ) {
        let speaks_up = self.steps.is_empty() && now.grade < before.grade;
        let origin = if speaks_up { now } else { before };
        let from_ms = self.last_ms;
        self.last_ms = from_ms.max(at_ms);
        let Some((_, to_wh)) = &mut self.stretch else {
            self.stretch = Some((counter_wh, counter_wh));
            return;
        };
        let wh = counter_wh.saturating_sub(*to_wh);
        *to_wh = (*to_wh).max(counter_wh);
        if wh == 0 {
            return;
        }
        let EnergyOrigin { permille, grade } = origin;
        let full = self.steps.len() >= STEPS_MAX;
        match self.steps.last_mut() {
            Some(step) if step.permille == permille && step.grade == grade => {
                step.to_ms = at_ms;
                step.wh += wh;
            }
            Some(step) if full => {
                let weighted = step.wh * u64::from(step.permille) + wh * u64::from(permille);
                step.to_ms = at_ms;
                step.wh += wh;
                step.permille = u16::try_from(weighted / step.wh).unwrap_or(0);
                step.grade = step.grade.max(grade);
            }
            Some(_) | None => self.steps.push(ChargeStep {
                from_ms,
                to_ms: at_ms,
                wh,
                permille,
                grade,
            }),
        }
    }

    /// Ends it; `None` when no energy has flowed that is not settled yet. Raises the mark.
    pub(crate) fn finish(self, marks: &mut Marks, settings: &Settings) -> Option<Finished> {
        let (from_wh, to_wh) = self.stretch?;
        let charged = marks.unsettled(Meter::Charged, from_wh, to_wh)?;
        marks.raise(MeterMark::after(charged));
        let evidence = Charge {
            charged,
            started: self.started_ms.map(coarse),
            renewable_permille: self.renewable_permille(),
            grade: self.grade(),
            current: self.current(charged.length()),
        };
        let trace = ChargeTrace {
            started_ms: self.started_ms,
            ended_ms: self.last_ms,
            reconstructed: false,
            evse: self.evse,
            power_max_w: self.power_max_w.round() as u64,
            steps: self.steps,
        };
        Some(finished(
            evidence,
            self.driver,
            self.last_ms,
            trace,
            marks,
            settings,
        ))
    }

    fn renewable_permille(&self) -> u16 {
        let total_wh: u64 = self.steps.iter().map(|step| step.wh).sum();
        let weighted: u64 = self
            .steps
            .iter()
            .map(|step| step.wh * u64::from(step.permille))
            .sum();
        let rounded = (weighted + total_wh / 2).checked_div(total_wh).unwrap_or(0);
        u16::try_from(rounded).unwrap_or(0)
    }

    /// As good as the weakest word on more than a twentieth of the energy.
    fn grade(&self) -> Grade {
        let total_wh: u64 = self.steps.iter().map(|step| step.wh).sum();
        let stands = |grade: &Grade| {
            let of_grade = self.steps.iter().filter(|step| step.grade == *grade);
            of_grade.map(|step| step.wh).sum::<u64>() * WEAK_SHARE > total_wh
        };
        [Grade::Estimated, Grade::Declared]
            .into_iter()
            .find(stands)
            .unwrap_or(Grade::Metered)
    }

    /// Returns the kind to sign: that of the power that was seen, unless the cloud would doubt that it gave so much. Then some
    /// power was not seen.
    fn current(&self, wh: u64) -> Current {
        let seen = self.seen_current();
        let is_more = |started_ms: i64| {
            let span_s = coarse(self.last_ms).as_unix_s() - coarse(started_ms).as_unix_s();
            wh > seen.session_wh_max(span_s.max(0).unsigned_abs())
        };
        match self.started_ms {
            Some(started_ms) if is_more(started_ms) => Current::Unknown,
            Some(_) | None => seen,
        }
    }

    fn seen_current(&self) -> Current {
        if self.power_max_w > AC_MAX_W {
            Current::Dc
        } else if self.power_max_w > FLOWING_MIN_W {
            Current::Ac
        } else {
            Current::Unknown
        }
    }
}

/// Returns the watt-hours that a counter may rise while a charger of a kind gives energy.
fn most_wh(kind: Current, lasted_ms: i64) -> u64 {
    let lasted_ms = lasted_ms.max(0).unsigned_abs();
    lasted_ms.saturating_mul(kind.watts_max()) / 3_600_000 + COUNTER_STEP_WH
}

/// A rise of the counter that no session was open for: the head unit slept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unseen {
    /// From where to where the counter has risen, in watt-hours.
    pub(crate) stretch_wh: (u64, u64),
    /// Time at which it was found, in milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) found_ms: i64,
    /// Its renewable share as far as it can be told, in permille: an estimate in any case.
    pub(crate) permille: u16,
}

/// A session that only the counter tells of. `None` when all of it is settled. Raises the mark.
pub(crate) fn reconstructed(
    driver: Driver,
    unseen: Unseen,
    marks: &mut Marks,
    settings: &Settings,
) -> Option<Finished> {
    let Unseen {
        stretch_wh: (from_wh, to_wh),
        found_ms,
        permille,
    } = unseen;
    let charged = marks.unsettled(Meter::Charged, from_wh, to_wh)?;
    marks.raise(MeterMark::after(charged));
    let evidence = Charge {
        charged,
        started: None,
        renewable_permille: permille,
        grade: Grade::Estimated,
        current: Current::Unknown,
    };
    let trace = ChargeTrace {
        started_ms: None,
        ended_ms: found_ms,
        reconstructed: true,
        evse: String::new(),
        power_max_w: 0,
        steps: Vec::new(),
    };
    Some(finished(evidence, driver, found_ms, trace, marks, settings))
}

fn finished(
    evidence: Charge,
    driver: Driver,
    ended_ms: i64,
    trace: ChargeTrace,
    marks: &Marks,
    settings: &Settings,
) -> Finished {
    Finished {
        evidence: Evidence::Charge(evidence),
        driver,
        ended_ms,
        utc_offset_min: settings.utc_offset_min,
        private: PrivateEvidence::Charge(trace),
        marks: *marks,
    }
}

pub(crate) fn coarse(at_ms: i64) -> CoarseTime {
    CoarseTime::containing_unix_s(at_ms.div_euclid(1_000))
}
