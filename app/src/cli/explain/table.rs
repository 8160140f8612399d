//! The explanation as a person reads it.

use dashpoint_ui::locale::Language;
use jiff::tz::TimeZone;

use super::super::evidence_words::assumption;
use super::super::ledger_words::entry_kind;
use super::super::words::{points_noun, thousands};
use super::page::Page;
use crate::cli::out::outln;
use crate::explain::{
    Explanation, Found, NamedPolicy, Origin, Pooled, RecordingKind, Seen, Totals, decimal,
};

/// Prints an explanation.
pub(super) fn print(explanation: &Explanation, language: Language) {
    let zone = TimeZone::get(&explanation.zone).unwrap_or(TimeZone::UTC);
    let page = Page { zone, language };
    for line in page.lines(explanation) {
        outln!("{line}");
    }
}

/// Prints the totals by one policy or by two.
pub(super) fn print_totals(by: &[&Totals], language: Language) {
    let zone = TimeZone::UTC;
    for line in (Page { zone, language }).totals(by) {
        outln!("{line}");
    }
}

impl Page {
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
        if let (Some(points), Some(growth)) = (explanation.points, explanation.growth) {
            lines.push(String::new());
            lines.push(format!(
                "{}  {} {}{}{} {}",
                self.pick("in all", "合计"),
                thousands(points),
                points_noun(self.language, points),
                self.comma(),
                thousands(growth),
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
                predicted,
                paid,
                state,
                reason,
            } => {
                let comma = self.comma();
                let paid = paid.map_or_else(String::new, |paid| {
                    format!("{comma}{} {}", self.pick("paid", "到账"), thousands(paid))
                });
                lines.push(format!(
                    "{} {entry}   {} {}{paid}{comma}{}",
                    self.pick("entry", "记录"),
                    self.pick("predicted", "预计"),
                    thousands(*predicted),
                    self.language.pick(state)
                ));
                let reason = self.language.pick(reason);
                if !reason.is_empty() {
                    under.push(reason.to_owned());
                }
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
                lines.push(match self.language {
                    Language::English => format!("{file}: {columns}, {rows} rows"),
                    Language::Chinese => format!("{file}：{columns}，{rows} 行"),
                });
                under.extend(
                    assumed
                        .iter()
                        .map(|assumed| assumption(self.language, *assumed).to_owned()),
                );
                under.extend(unused.iter().map(|(path, rows)| match self.language {
                    Language::English => format!("{path}: {rows} rows not used"),
                    Language::Chinese => format!("{path}：{rows} 行未使用"),
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
            let path = signal.path;
            under.extend(
                signal
                    .refused
                    .iter()
                    .map(|(kind, times)| match self.language {
                        Language::English => format!("{path}: {times} refused ({kind})"),
                        Language::Chinese => format!("{path}：{times} 被拒（{kind}）"),
                    }),
            );
        }
        let policy = self.policy_name(&explanation.policy);
        let (version, zone) = (explanation.policy_version, &explanation.zone);
        under.push(match self.language {
            Language::English => format!("{policy}, version {version}; {zone}"),
            Language::Chinese => format!("{policy}，版本 {version}；{zone}"),
        });
        lines.extend(under.into_iter().map(|line| format!("  {line}")));
        lines
    }

    /// Names a policy; one of a file by the file.
    pub(super) fn policy_name<'a>(&self, name: &'a str) -> &'a str {
        match name {
            NamedPolicy::SHIPPED => self.language.choose(NamedPolicy::SHIPPED, "内置规则"),
            NamedPolicy::OF_ENTRY => self
                .language
                .choose(NamedPolicy::OF_ENTRY, "该记录所用的规则"),
            file => file,
        }
    }

    fn found(&self, found: &Found) -> Vec<String> {
        let shape = match found.seen {
            // Of a check-in five minutes are signed, and nothing more exact is kept.
            Seen::CheckIn => "%Y-%m-%d %H:%M",
            Seen::Trip(_) | Seen::Charge(_) | Seen::Discharge(_) => "%Y-%m-%d %H:%M:%S",
        };
        let started = found.started_ms.map_or_else(
            || self.pick("start not seen", "起始未知").to_owned(),
            |at_ms| self.time(at_ms, shape),
        );
        let until = match found.seen {
            Seen::CheckIn => String::new(),
            Seen::Trip(_) | Seen::Charge(_) | Seen::Discharge(_) => {
                format!(" - {}", self.time(found.ended_ms, "%H:%M:%S"))
            }
        };
        let mut lines = vec![format!(
            "{}  {}  {started}{until}{}",
            found.number,
            entry_kind(self.language, found.kind),
            self.driver(&found.driver),
        )];
        lines.extend(match &found.seen {
            Seen::Trip(trip) => self.trip(trip),
            Seen::Charge(charge) => self.charge(charge),
            Seen::Discharge(discharge) => vec![format!("   {} Wh", discharge.energy_wh)],
            Seen::CheckIn => Vec::new(),
        });
        for rule in &found.rules {
            lines.extend(self.rule(rule));
        }
        if let (Some(points), Some(growth)) = (found.points, found.growth) {
            let noun = points_noun(self.language, points);
            lines.push(match self.language {
                Language::English => format!("   earns  {points} {noun}, {growth} growth value"),
                Language::Chinese => format!("   获得  {points} {noun}，{growth} 成长值"),
            });
        }
        lines
    }

    fn pooled(&self, pooled: &Pooled) -> Vec<String> {
        let mut lines = vec![format!(
            "{}  {} {}{}{} {}",
            self.pick("all trips as one", "全部行程合并"),
            pooled.trips,
            self.pick("trips", "段行程"),
            self.comma(),
            decimal(i64::try_from(pooled.distance_m).unwrap_or(i64::MAX)),
            self.pick("km", "公里"),
        )];
        lines.extend(self.factors(&pooled.factors, pooled.score_x100, None));
        lines
    }
}
