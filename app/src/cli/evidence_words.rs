//! Words of the command line for evidence, and for how a policy counts it.

use dashpoint_membership::policy::Period;
use dashpoint_membership::{Current, Evidence, Factor, Grade};
use dashpoint_telematics::TripEnd;
use dashpoint_ui::facts::thousandths;
use dashpoint_ui::locale::{Language, percent, score};

use crate::explain::Assumption;

/// Describes a trip or a session by the figures that its row has on the screen.
#[must_use]
pub(super) fn measured(language: Language, evidence: &Evidence) -> String {
    let amount = thousandths(evidence.interval().length());
    let kwh = language.choose("kWh", "度");
    match (evidence, language) {
        (Evidence::Trip(trip), _) => {
            let km = language.choose("km", "公里");
            let comma = language.choose(", ", "，");
            let used = if trip.tells_energy() {
                format!("{comma}{} {kwh}", thousandths(trip.used_wh.into()))
            } else {
                String::new()
            };
            let named = language.choose("score", "驾驶评分");
            let score = score(trip.score_x100);
            format!("{amount} {km}{used}{comma}{named} {score}")
        }
        (Evidence::Charge(charge), Language::English) => {
            let share = percent(charge.renewable_permille);
            format!("{amount} {kwh}, {share} % renewable")
        }
        (Evidence::Charge(charge), Language::Chinese) => {
            let share = percent(charge.renewable_permille);
            format!("{amount} {kwh}，可再生占比 {share} %")
        }
        (Evidence::Discharge(_), _) => format!("{amount} {kwh}"),
    }
}

/// A factor of the driving score.
#[must_use]
pub(super) const fn factor(language: Language, factor: Factor) -> &'static str {
    match factor {
        Factor::HardBraking => language.choose("hard braking", "急刹车"),
        Factor::AggressiveTurning => language.choose("sharp turning", "急转弯"),
        Factor::UnsafeFollowing => language.choose("close following", "跟车过近"),
        Factor::LateNight => language.choose("late at night", "深夜驾驶"),
        Factor::ExcessiveSpeed => language.choose("high speed", "超高速"),
        Factor::Unbuckled => language.choose("unbuckled", "未系安全带"),
    }
}

/// Names the reason of a trip's end.
#[must_use]
pub(super) const fn trip_end(language: Language, end: TripEnd) -> &'static str {
    match end {
        TripEnd::Parked => language.choose("parked", "停车"),
        TripEnd::Gap => language.choose("nothing seen for a while", "一段时间无信号"),
        TripEnd::DriverChanged => language.choose("another driver", "更换驾驶人"),
        TripEnd::OdometerMoved => language.choose("the odometer moved", "里程表跳变"),
    }
}

/// Names the grade of the energy's origin.
#[must_use]
pub(super) const fn grade(language: Language, grade: Grade) -> &'static str {
    match grade {
        Grade::Metered => language.choose("metered", "实测"),
        Grade::Declared => language.choose("declared", "申报"),
        Grade::Estimated => language.choose("estimated", "估算"),
    }
}

/// Kind of current.
#[must_use]
pub(super) const fn current(language: Language, current: Current) -> &'static str {
    match current {
        Current::Ac => language.choose("AC", "交流"),
        Current::Dc => language.choose("DC", "直流"),
        Current::Unknown => language.choose("AC or DC", "交流或直流"),
    }
}

/// A stretch of the calendar.
#[must_use]
pub(super) const fn period(language: Language, period: Period) -> &'static str {
    match period {
        Period::Day => language.choose("day", "日"),
        Period::Week => language.choose("week", "周"),
        Period::Month => language.choose("month", "月"),
        Period::Year => language.choose("year", "年"),
    }
}

/// Describes an assumption about a recording.
#[must_use]
pub(super) const fn assumption(language: Language, assumption: Assumption) -> &'static str {
    match assumption {
        Assumption::Ignition => language.choose("assumed: ignition on at the first row, off after the last",
            "假定：首行点火，末行后熄火",
        ),
        Assumption::Odometer => language.choose("assumed: odometer from the integral of speed, standing still across gaps",
            "假定：里程由车速累计，缺口处不动",
        ),
        Assumption::Consumption => language.choose("assumed: energy by the stated consumption",
            "假定：按给定电耗计算用电",
        ),
        Assumption::NoEnergy => language.choose("no energy in it: a rule that wants used_wh > 0 pays nothing (--kwh-per-100km gives it one)",
            "无用电信号：要求 used_wh > 0 的规则不给分（可用 --kwh-per-100km 给定）",
        ),
    }
}

#[cfg(test)]
mod tests {
    use dashpoint_membership::{Discharge, Meter, MeterInterval};

    use super::*;
    use crate::screen::tests::world::{charge, trip};

    /// A car that does not tell its energy has no kilowatt-hours in its row, rather than none used.
    #[test]
    fn a_row_has_what_was_measured() {
        let mut silent = trip(0, 23_270, 8_796);
        if let Evidence::Trip(trip) = &mut silent {
            trip.used_wh = 0;
        }
        let discharged = MeterInterval::of_first(Meter::Discharged, 0, 4_200);
        let given = Evidence::Discharge(Discharge {
            discharged,
            started: None,
        });
        for (evidence, en, zh) in [
            (silent, "23.3 km, score 87.9", "23.3 公里，驾驶评分 87.9"),
            (
                charge(18_000, 805, Grade::Metered),
                "18.0 kWh, 80.5 % renewable",
                "18.0 度，可再生占比 80.5 %",
            ),
            (given, "4.2 kWh", "4.2 度"),
        ] {
            assert_eq!(measured(Language::English, &evidence), en);
            assert_eq!(measured(Language::Chinese, &evidence), zh);
        }
    }

    /// The same names as on the screen: what is called one thing in one place is looked for by that name in the other.
    #[test]
    fn factors_are_called_as_on_the_screen() {
        let screen = include_str!("../../../ui/slint/widgets/words.slint");
        let chinese = include_str!("../../../ui/lang/zh_CN/LC_MESSAGES/dashpoint-ui.po");
        for one in [
            Factor::HardBraking,
            Factor::AggressiveTurning,
            Factor::UnsafeFollowing,
            Factor::LateNight,
            Factor::ExcessiveSpeed,
            Factor::Unbuckled,
        ] {
            let (en, zh) = (
                factor(Language::English, one),
                factor(Language::Chinese, one),
            );
            let (first, rest) = en.split_at(1);
            let title = format!("{}{rest}", first.to_uppercase());
            assert!(screen.contains(&format!("@tr({title:?})")), "{title}");
            let pair = format!("msgid {title:?}\nmsgstr {zh:?}\n");
            assert!(chinese.contains(&pair), "{pair}");
        }
    }
}
