//! The explanation as a person reads it.

use crate::cli::out::outln;
use comfy_table::{CellAlignment, Table, presets};
use dashpoint_membership::Factor;
use dashpoint_membership::profile::Condition;
use dashpoint_telematics::{BrakingSource, Driver, Spell};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::args::Language;
use super::super::evidence_words::{assumption, current, factor, grade, period, trip_end};
use super::super::ledger_words::entry_kind;
use super::super::reasons::{self, factor_in_sentence};
use super::super::words::{pick, text, thousands};
use crate::explain::{
    ChargeReport, Explanation, FactorReport, Found, Origin, Pooled, RecordingKind, RuleReport,
    Seen, TripReport, decimal,
};
use crate::unpaid::observed_factor;

/// Spells shown of one factor: the worst ones; JSON has all.
const SPELLS_SHOWN: usize = 3;

/// Prints an explanation.
pub(super) fn print(explanation: &Explanation, language: Language) {
    let zone = TimeZone::get(&explanation.zone).unwrap_or(TimeZone::UTC);
    let page = Page { zone, language };
    for line in page.lines(explanation) {
        outln!("{line}");
    }
}

struct Page {
    zone: TimeZone,
    language: Language,
}

impl Page {
    fn pick<'a>(&self, en: &'a str, zh: &'a str) -> &'a str {
        pick(self.language, en, zh)
    }

    fn lines(&self, explanation: &Explanation) -> Vec<String> {
        let mut lines = self.head(explanation);
        for found in &explanation.found {
            lines.push(String::new());
            lines.extend(self.found(found));
        }
        if explanation.found.is_empty() {
            lines.push(String::new());
            let none = self.pick("no trip and no session found", "未发现行程或充电");
            lines.push(none.to_owned());
        }
        if let Some(pooled) = &explanation.pooled {
            lines.push(String::new());
            lines.extend(self.pooled(pooled));
        }
        lines.extend(self.caps(explanation));
        if explanation.found.iter().any(|found| found.points.is_some()) {
            lines.push(String::new());
            lines.push(format!(
                "{}  {} {}, {} {}",
                self.pick("in all", "合计"),
                thousands(explanation.points),
                self.pick("points", "积分"),
                thousands(explanation.growth),
                self.pick("growth value", "成长值"),
            ));
        }
        lines
    }

    fn head(&self, explanation: &Explanation) -> Vec<String> {
        let mut lines = Vec::new();
        let mut under = Vec::new();
        match &explanation.origin {
            Origin::Entry {
                entry,
                expected,
                paid,
            } => {
                let paid = match paid {
                    Some(paid) => format!("{} {}", self.pick("paid", "到账"), thousands(*paid)),
                    None => self.pick("not confirmed yet", "尚未确认").to_owned(),
                };
                lines.push(format!(
                    "{} {entry}   {} {}, {paid}",
                    self.pick("entry", "记录"),
                    self.pick("expected", "预计"),
                    thousands(*expected)
                ));
            }
            Origin::Recording {
                file,
                columns,
                rows,
                assumed,
                unused,
                still_charging,
            } => {
                let columns = match columns {
                    RecordingKind::SpeedTable => self.pick("speed table", "速度表"),
                    RecordingKind::RecordedDay => self.pick("recorded day", "行车记录"),
                    RecordingKind::VssRows => self.pick("VSS recording", "VSS 信号记录"),
                };
                let rows = thousands(i64::try_from(*rows).unwrap_or(i64::MAX));
                lines.push(format!(
                    "{file}: {columns}, {rows} {}",
                    self.pick("rows", "行")
                ));
                under.extend(
                    assumed
                        .iter()
                        .map(|assumed| assumption(self.language, *assumed).to_owned()),
                );
                under.extend(unused.iter().map(|(path, rows)| {
                    format!("{path}: {rows} {}", self.pick("rows not used", "行未使用"))
                }));
                if *still_charging {
                    let open = self.pick(
                        "a charging session is still open at its end and is worth nothing yet",
                        "记录结束时仍在充电，尚不计分",
                    );
                    under.push(open.to_owned());
                }
            }
        }
        for signal in &explanation.signals {
            under.extend(signal.refused.iter().map(|(kind, times)| {
                format!(
                    "{}: {times} {} ({kind})",
                    signal.path,
                    self.pick("refused", "被拒")
                )
            }));
        }
        under.push(format!(
            "{}, {} {}; {}",
            explanation.policy,
            self.pick("version", "版本"),
            explanation.policy_version,
            explanation.zone
        ));
        lines.extend(under.into_iter().map(|line| format!("  {line}")));
        lines
    }

    fn time(&self, at_ms: i64, shape: &str) -> String {
        Timestamp::from_millisecond(at_ms).map_or_else(
            |_| at_ms.to_string(),
            |at| at.to_zoned(self.zone.clone()).strftime(shape).to_string(),
        )
    }

    fn found(&self, found: &Found) -> Vec<String> {
        let started = found.started_ms.map_or_else(
            || self.pick("start not seen", "起始未知").to_owned(),
            |at_ms| self.time(at_ms, "%Y-%m-%d %H:%M:%S"),
        );
        let mut lines = vec![format!(
            "{}  {}  {started} - {}{}",
            found.number,
            entry_kind(self.language, found.kind),
            self.time(found.ended_ms, "%H:%M:%S"),
            self.driver(&found.driver),
        )];
        lines.extend(match &found.seen {
            Seen::Trip(trip) => self.trip(trip),
            Seen::Charge(charge) => self.charge(charge),
            Seen::Discharge(discharge) => vec![format!("   {} Wh", discharge.energy_wh)],
        });
        for rule in &found.rules {
            lines.extend(self.rule(rule));
        }
        if let (Some(points), Some(growth)) = (found.points, found.growth) {
            lines.push(format!(
                "   {}  {points} {}, {growth} {}",
                self.pick("earns", "获得"),
                self.pick("points", "积分"),
                self.pick("growth value", "成长值"),
            ));
        }
        lines
    }

    fn driver(&self, driver: &Driver) -> String {
        match driver {
            Driver::Unidentified => String::new(),
            Driver::Guest => format!("  {}", self.pick("guest", "访客")),
            Driver::Named { issuer, subject } => format!("  {issuer}#{subject}"),
        }
    }

    fn trip(&self, trip: &TripReport) -> Vec<String> {
        let ended = trip.end.map_or_else(String::new, |end| {
            let end = trip_end(self.language, end);
            format!("   {} {end}", self.pick("ended:", "结束："))
        });
        let mut lines = vec![
            format!(
                "   {} km   {} {}, {} {}{ended}",
                decimal(i64::try_from(trip.distance_m).unwrap_or(i64::MAX)),
                minutes(trip.driving_min),
                self.pick("driving", "行驶"),
                clock(u64::from(trip.missed_s)),
                self.pick("not seen", "未记录"),
            ),
            format!(
                "   {} {} Wh, {} {} Wh, {} {} g CO2",
                self.pick("drew", "耗电"),
                trip.used_wh,
                self.pick("put back", "回收"),
                trip.regained_wh,
                self.pick("avoided", "减排"),
                trip.co2_avoided_g,
            ),
        ];
        if trip.contradicts {
            lines.push(format!(
                "   {} {} m",
                self.pick(
                    "odometer and speed tell two stories: the speed adds up to",
                    "里程表与车速不符，车速累计"
                ),
                trip.speed_integral_m
            ));
        }
        lines.extend(self.factors(&trip.factors, trip.score_x100, trip.braking_from));
        lines
    }

    fn charge(&self, charge: &ChargeReport) -> Vec<String> {
        let mut lines = vec![format!(
            "   {} kWh   {} {}, {}, {}{}",
            decimal(i64::try_from(charge.energy_wh).unwrap_or(i64::MAX)),
            permille(charge.renewable_permille),
            self.pick("renewable", "可再生"),
            grade(self.language, charge.grade),
            current(self.language, charge.current),
            if charge.reconstructed {
                self.pick(", found by its counter alone", "，仅由电量计得知")
            } else {
                ""
            },
        )];
        lines.extend(charge.steps.iter().map(|step| {
            format!(
                "     {} - {}  {} Wh  {} {}",
                self.time(step.from_ms, "%H:%M:%S"),
                self.time(step.to_ms, "%H:%M:%S"),
                step.wh,
                permille(step.permille),
                grade(self.language, step.grade),
            )
        }));
        lines
    }

    fn factors(
        &self,
        factors: &[FactorReport],
        score_x100: u16,
        braking_from: Option<BrakingSource>,
    ) -> Vec<String> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header([
            format!(
                "{} {}",
                self.pick("score", "驾驶分"),
                hundredths(score_x100)
            ),
            self.pick("against", "不利时长").to_owned(),
            self.pick("of", "总时长").to_owned(),
            self.pick("share", "占比").to_owned(),
            self.pick("costs", "扣分").to_owned(),
            self.pick("when", "时刻").to_owned(),
        ]);
        for report in factors {
            let name = factor(self.language, report.factor);
            if !report.observed {
                let counts = format!(
                    "{} {:.1} %",
                    self.pick("no signal; counts as", "无信号，按"),
                    report.percent
                );
                let costs = hundredths(report.costs_x100);
                table.add_row([name, "", "", "-", &costs, &counts]);
                continue;
            }
            let source = match braking_from {
                Some(BrakingSource::Speed) if report.factor == Factor::HardBraking => {
                    self.pick(" (from speed)", "（由车速推算）")
                }
                Some(BrakingSource::Speed | BrakingSource::Acceleration) | None => "",
            };
            let capped = if report.percent > report.cap_percent {
                format!(" ({} {:.1})", self.pick("cap", "上限"), report.cap_percent)
            } else {
                String::new()
            };
            table.add_row([
                format!("{name}{source}"),
                seconds(report.against_ms),
                seconds(report.base_ms),
                format!("{:.2} %{capped}", report.percent),
                hundredths(report.costs_x100),
                self.spells(&report.spells),
            ]);
        }
        for column in 1..=4 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        indented(&table, "  ")
    }

    /// The worst spells, oldest first.
    fn spells(&self, spells: &[Spell]) -> String {
        let mut worst: Vec<&Spell> = spells.iter().collect();
        worst.sort_by_key(|spell| match spell.factor {
            Factor::UnsafeFollowing => spell.worst,
            Factor::HardBraking
            | Factor::AggressiveTurning
            | Factor::LateNight
            | Factor::ExcessiveSpeed
            | Factor::Unbuckled => -spell.worst,
        });
        worst.truncate(SPELLS_SHOWN);
        worst.sort_by_key(|spell| spell.from_ms);
        let shown: Vec<String> = worst
            .iter()
            .map(|spell| {
                let lasted_ms = spell.to_ms.abs_diff(spell.from_ms);
                let at = self.time(spell.from_ms, "%H:%M:%S");
                format!("{at} {} {}", seconds(lasted_ms), extent(spell))
            })
            .collect();
        let more = spells.len().saturating_sub(SPELLS_SHOWN);
        let more = if more > 0 {
            format!("; +{more}")
        } else {
            String::new()
        };
        format!("{}{more}", shown.join("; "))
    }

    fn rule(&self, rule: &RuleReport) -> Vec<String> {
        let mark = if rule.held { "+" } else { "-" };
        let shadow = if rule.shadow {
            self.pick(" (shadow: pays nothing)", "（影子规则，不计分）")
        } else {
            ""
        };
        let mut line = format!(
            "   {mark} {}  {}{shadow}",
            rule.rule,
            text(self.language, &rule.title)
        );
        if rule.held {
            line += &format!("  {} = {}", rule.formula, decimal(rule.raw_milli));
        }
        if let Some(problem) = &rule.problem {
            line += &format!("  {problem}");
        }
        let mut lines = vec![line];
        if let Some(cap) = &rule.cut_by {
            let cut = reasons::cut(self.language, &cap.limit());
            lines.push(match rule.paid_milli {
                Some(paid) => {
                    let paid = format!("{} {}", decimal(paid), self.pick("paid", "入账"));
                    format!("       {cut}; {paid}")
                }
                None => format!("       {cut}"),
            });
        }
        if let (Some(points), Some(carried), true) =
            (rule.points, rule.carried_milli, rule.held && !rule.shadow)
        {
            lines.push(format!(
                "       {points} {}, {} {}",
                self.pick("points", "积分"),
                decimal(carried),
                self.pick("carried on", "零头累计")
            ));
        }
        lines.extend(rule.conditions.iter().map(|condition| {
            let held = if condition.held {
                self.pick("yes", "是")
            } else {
                self.pick("NO ", "否")
            };
            format!(
                "       {held}  {}{}",
                condition.source,
                self.signal_of(condition)
            )
        }));
        if !rule.fields.is_empty() {
            let fields: Vec<String> = rule
                .fields
                .iter()
                .map(|(name, value)| format!("{name} = {value}"))
                .collect();
            lines.push(format!("       {}", fields.join(", ")));
        }
        lines
    }

    /// Says of a condition on a factor's signal that it is one: its name reads like a judgement of the driving.
    fn signal_of(&self, condition: &Condition) -> String {
        let factor = condition.field.and_then(observed_factor);
        factor.map_or_else(String::new, |factor| {
            let factor = factor_in_sentence(self.language, factor);
            match self.language {
                Language::En => {
                    format!("  (needs a signal for {factor}; does not judge the driving)")
                }
                Language::Zh => format!("  （需要“{factor}”的信号；不评判驾驶）"),
            }
        })
    }

    fn pooled(&self, pooled: &Pooled) -> Vec<String> {
        let mut lines = vec![format!(
            "{}  {} {}, {} km",
            self.pick("all trips as one", "全部行程合并"),
            pooled.trips,
            self.pick("trips", "段行程"),
            decimal(i64::try_from(pooled.distance_m).unwrap_or(i64::MAX)),
        )];
        lines.extend(self.factors(&pooled.factors, pooled.score_x100, None));
        lines
    }

    fn caps(&self, explanation: &Explanation) -> Vec<String> {
        if explanation.caps.is_empty() {
            return Vec::new();
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header([
            self.pick("cap", "上限"),
            self.pick("per", "周期"),
            self.pick("from", "起始"),
            self.pick("used", "已用"),
            self.pick("most", "最多"),
        ]);
        for cap in &explanation.caps {
            table.add_row([
                text(self.language, &cap.over).to_owned(),
                period(self.language, cap.per).to_owned(),
                cap.from.clone(),
                decimal(cap.used_milli),
                cap.most.to_string(),
            ]);
        }
        for column in [3, 4] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let mut lines = vec![String::new()];
        lines.extend(indented(&table, ""));
        lines
    }
}

fn indented(table: &Table, by: &str) -> Vec<String> {
    let text = table.to_string();
    text.lines()
        .map(|line| format!("{by}{}", line.trim_end()))
        .collect()
}

fn hundredths(x100: u16) -> String {
    format!("{}.{:02}", x100 / 100, x100 % 100)
}

fn permille(permille: u16) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
}

fn minutes(minutes: u32) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours}:{minutes:02} h"),
    }
}

fn clock(seconds: u64) -> String {
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes}:{seconds:02} min"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02} h"),
    }
}

/// The worst of a spell, with its unit.
fn extent(spell: &Spell) -> String {
    let worst = spell.worst;
    match spell.factor {
        Factor::HardBraking | Factor::AggressiveTurning => format!("{} g", decimal(worst)),
        Factor::UnsafeFollowing => format!("{} s", decimal(worst)),
        Factor::LateNight => format!("{worst} %"),
        Factor::ExcessiveSpeed | Factor::Unbuckled => format!("{} km/h", worst / 1_000),
    }
}
