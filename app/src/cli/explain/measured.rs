//! A trip or a session as it was measured: distance, energy, and the factors of the score.

use comfy_table::{CellAlignment, Table, presets};
use dashpoint_membership::Factor;
use dashpoint_telematics::{BrakingSource, Driver, Spell};
use dashpoint_ui::locale::Language;

use super::super::evidence_words::{current, factor, grade, trip_end};
use super::page::{Page, indented};
use crate::explain::{ChargeReport, FactorReport, TripReport, decimal};

/// Spells shown of one factor: the worst ones; JSON has all.
const SPELLS_SHOWN: usize = 3;

impl Page {
    pub(super) fn driver(&self, driver: &Driver) -> String {
        match driver {
            Driver::Unidentified => String::new(),
            Driver::Guest => format!("  {}", self.pick("guest", "访客")),
            Driver::Named { issuer, subject } => format!("  {issuer}#{subject}"),
        }
    }

    fn minutes(&self, minutes: u32) -> String {
        match (minutes / 60, minutes % 60) {
            (0, minutes) => format!("{minutes} {}", self.pick("min", "分钟")),
            (hours, minutes) => format!("{hours}:{minutes:02} {}", self.pick("h", "小时")),
        }
    }

    fn clock(&self, seconds: u64) -> String {
        match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
            (0, 0, seconds) => format!("{seconds} {}", self.pick("s", "秒")),
            (0, minutes, seconds) => {
                format!("{minutes}:{seconds:02} {}", self.pick("min", "分钟"))
            }
            (hours, minutes, seconds) => {
                format!(
                    "{hours}:{minutes:02}:{seconds:02} {}",
                    self.pick("h", "小时")
                )
            }
        }
    }

    pub(super) fn trip(&self, trip: &TripReport) -> Vec<String> {
        let ended = trip.end.map_or_else(String::new, |end| {
            let end = trip_end(self.language, end);
            format!("   {}{end}", self.pick("ended: ", "结束："))
        });
        let comma = self.comma();
        let km = decimal(i64::try_from(trip.distance_m).unwrap_or(i64::MAX));
        let driving = self.minutes(trip.driving_min);
        let missed = self.clock(u64::from(trip.missed_s));
        let mut lines = vec![
            match self.language {
                Language::English => {
                    format!("   {km} km   {driving} driving, {missed} not seen{ended}")
                }
                Language::Chinese => {
                    format!("   {km} 公里   行驶 {driving}，未记录 {missed}{ended}")
                }
            },
            match trip.co2_avoided_g {
                Some(avoided_g) => format!(
                    "   {} {} Wh{comma}{} {} Wh{comma}{} {avoided_g} g CO2",
                    self.pick("drew", "耗电"),
                    trip.used_wh,
                    self.pick("put back", "回收"),
                    trip.regained_wh,
                    self.pick("avoided", "减排"),
                ),
                None => format!(
                    "   {}",
                    self.pick(
                        "the energy is not known, nor the CO2 avoided",
                        "耗电未知，减排未知"
                    )
                ),
            },
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

    pub(super) fn charge(&self, charge: &ChargeReport) -> Vec<String> {
        let comma = self.comma();
        let mut lines = vec![format!(
            "   {} kWh   {}{comma}{}{comma}{}{}",
            decimal(i64::try_from(charge.energy_wh).unwrap_or(i64::MAX)),
            match (self.language, permille(charge.renewable_permille)) {
                (Language::English, share) => format!("{share} renewable"),
                (Language::Chinese, share) => format!("可再生占比 {share}"),
            },
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

    pub(super) fn factors(
        &self,
        factors: &[FactorReport],
        score_x100: u16,
        braking_from: Option<BrakingSource>,
    ) -> Vec<String> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header([
            format!(
                "{} {}",
                self.pick("score", "驾驶评分"),
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
            format!("{}+{more}", self.semicolon())
        } else {
            String::new()
        };
        format!("{}{more}", shown.join(self.semicolon()))
    }
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
