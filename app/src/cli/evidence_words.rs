//! Words of the command line for evidence, and for how a policy counts it.

use dashpoint_membership::policy::Period;
use dashpoint_membership::{Current, Factor, Grade};
use dashpoint_telematics::TripEnd;

use super::args::Language;
use super::words::pick;
use crate::explain::Assumption;

/// A factor of the driving score.
#[must_use]
pub(super) const fn factor(language: Language, factor: Factor) -> &'static str {
    match factor {
        Factor::HardBraking => pick(language, "hard braking", "急刹车"),
        Factor::AggressiveTurning => pick(language, "aggressive turning", "急转弯"),
        Factor::UnsafeFollowing => pick(language, "unsafe following", "跟车过近"),
        Factor::LateNight => pick(language, "late night", "深夜驾驶"),
        Factor::ExcessiveSpeed => pick(language, "excessive speed", "超速"),
        Factor::Unbuckled => pick(language, "unbuckled", "未系安全带"),
    }
}

/// Names the reason of a trip's end.
#[must_use]
pub(super) const fn trip_end(language: Language, end: TripEnd) -> &'static str {
    match end {
        TripEnd::Parked => pick(language, "parked", "停车"),
        TripEnd::Gap => pick(language, "nothing seen for two minutes", "两分钟无信号"),
        TripEnd::DriverChanged => pick(language, "another driver", "更换驾驶人"),
        TripEnd::OdometerMoved => pick(language, "the odometer moved", "里程表跳变"),
    }
}

/// Names the grade of the energy's origin.
#[must_use]
pub(super) const fn grade(language: Language, grade: Grade) -> &'static str {
    match grade {
        Grade::Metered => pick(language, "metered", "实测"),
        Grade::Declared => pick(language, "declared", "申报"),
        Grade::Estimated => pick(language, "estimated", "估算"),
    }
}

/// Kind of current.
#[must_use]
pub(super) const fn current(language: Language, current: Current) -> &'static str {
    match current {
        Current::Ac => pick(language, "AC", "交流"),
        Current::Dc => pick(language, "DC", "直流"),
        Current::Unknown => pick(language, "AC or DC", "交流或直流"),
    }
}

/// A stretch of the calendar.
#[must_use]
pub(super) const fn period(language: Language, period: Period) -> &'static str {
    match period {
        Period::Day => pick(language, "day", "日"),
        Period::Week => pick(language, "week", "周"),
        Period::Month => pick(language, "month", "月"),
        Period::Year => pick(language, "year", "年"),
    }
}

/// Describes an assumption about a recording.
#[must_use]
pub(super) const fn assumption(language: Language, assumption: Assumption) -> &'static str {
    match assumption {
        Assumption::Ignition => pick(
            language,
            "assumed: ignition on at the first row, off after the last",
            "假定：首行点火，末行后熄火",
        ),
        Assumption::Odometer => pick(
            language,
            "assumed: odometer from the integral of speed, standing still across gaps",
            "假定：里程由车速累计，缺口处不动",
        ),
        Assumption::Consumption => pick(
            language,
            "assumed: energy by the stated consumption",
            "假定：按给定电耗计算用电",
        ),
        Assumption::NoEnergy => pick(
            language,
            "no energy in it: a rule that wants used_wh > 0 pays nothing (--kwh-per-100km gives it one)",
            "无用电信号：要求 used_wh > 0 的规则不给分（可用 --kwh-per-100km 给定）",
        ),
    }
}
