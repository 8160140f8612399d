//! Finds what an operator may have meant otherwise in a policy that can be signed.

use super::error::ValuePlace;
use super::{Cap, CapOver, CompiledPolicy, CompiledRule, EarningRule, Expiry, Period, RuleKind};
use crate::points::Points;
use crate::profile::{Amount, Outlook};

/// A place in a policy that has no effect, or another than it seems to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyWarning {
    /// The place.
    pub place: ValuePlace,
    /// The problem and the way out, in one line.
    pub problem: String,
}

impl std::fmt::Display for PolicyWarning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl CompiledPolicy {
    /// Lists what has no effect, or always the same: rules that pay for everything or no points, caps that never cut, factors
    /// that never count. All of it may be meant, so that nothing is refused.
    #[must_use]
    pub fn warnings(&self) -> Vec<PolicyWarning> {
        let mut found = Vec::new();
        self.warn_of_rules(&mut found);
        self.warn_of_caps(&mut found);
        self.warn_of_score(&mut found);
        self.warn_of_reminders(&mut found);
        found
    }

    fn warn_of_rules(&self, found: &mut Vec<PolicyWarning>) {
        if !self.rules().any(|(rule, _)| !rule.shadow) {
            found.push(PolicyWarning {
                place: ValuePlace::key("rules"),
                problem:
                    "no rule pays anything; take `shadow = true` out of the rules that are to pay"
                        .to_owned(),
            });
        }
        for (index, rule) in self.policy().rules.iter().enumerate() {
            let Some((_, compiled)) = self.rule(&rule.id) else {
                continue;
            };
            let mut warn = |key, problem| {
                let place = ValuePlace::item(format!("rule {}", rule.id), "rules", index, key);
                found.push(PolicyWarning { place, problem });
            };
            if !rule.shadow && !pays_points(compiled) {
                warn(
                    "points",
                    "it can never pay points, growth value only; write an amount if points were meant".to_owned(),
                );
            }
            for part in always_true(rule, compiled) {
                warn("when", part);
            }
        }
    }

    fn warn_of_caps(&self, found: &mut Vec<PolicyWarning>) {
        let caps = &self.policy().caps;
        for (index, cap) in caps.iter().enumerate() {
            let is_over_points = self.rules().any(|(rule, compiled)| {
                !rule.shadow && pays_points(compiled) && cap.covers(&rule.id, Some(compiled.on()))
            });
            let lower = caps.iter().enumerate().find(|(other, by)| {
                *other != index
                    && self.covers_all_of(by, cap)
                    && most_in(by, cap.per) <= cap.points.get()
                    // Of two that say the same, the later one is told of.
                    && (*other < index || !self.covers_all_of(cap, by) || most_in(cap, by.per) > by.points.get())
            });
            let problem = if !is_over_points {
                "it bounds no rule that pays points, so it never cuts; remove it, or change what it is `over`".to_owned()
            } else if let Some((_, by)) = lower {
                format!(
                    "it never cuts, for cap {} lets at most {} through before; lower its `points`, or remove it",
                    by.id,
                    most_in(by, cap.per)
                )
            } else {
                continue;
            };
            let place = ValuePlace::item(format!("cap {}", cap.id), "caps", index, "points");
            found.push(PolicyWarning { place, problem });
        }
    }

    /// Returns whether a cap bounds every payment that another one bounds.
    fn covers_all_of(&self, cap: &Cap, other: &Cap) -> bool {
        match (&cap.over, &other.over) {
            (CapOver::All, _) => true,
            (CapOver::Kind(kind), CapOver::Rule(rule)) => {
                let of_rule = self.policy().rules.iter().find(|known| known.id == *rule);
                of_rule.is_some_and(|rule| rule.on == *kind)
            }
            (one, other) => one == other,
        }
    }

    fn warn_of_score(&self, found: &mut Vec<PolicyWarning>) {
        let score = &self.policy().score;
        for (index, factor) in score.factors.iter().enumerate() {
            let mut warn = |key, problem: &str| {
                let name = format!("score factor {:?}", factor.factor);
                found.push(PolicyWarning {
                    place: ValuePlace::item(name, "score.factors", index, key),
                    problem: problem.to_owned(),
                });
            };
            if factor.cap_percent.units() == 0 {
                warn(
                    "cap_percent",
                    "it never counts, for at most 0 percent of it do; raise its cap_percent, or remove it",
                );
            } else if factor.coefficient.units() == 100_000_000 {
                warn(
                    "coefficient",
                    "it never counts, for its coefficient is 1; raise it, or remove the factor",
                );
            }
        }
        for (index, late) in score.late_hours.iter().enumerate() {
            if late.weight_percent == 0 {
                let name = format!("late hour {}", late.hour);
                found.push(PolicyWarning {
                    place: ValuePlace::item(name, "score.late_hours", index, "weight_percent"),
                    problem: "it weighs nothing, as an hour that is not listed; raise its weight_percent, or remove it".to_owned(),
                });
            }
        }
        if score.worst_x100() == 10_000 {
            found.push(PolicyWarning {
                place: ValuePlace::key("score.intercept"),
                problem: "every drive has the score 100; lower it if the driving is to count"
                    .to_owned(),
            });
        }
    }

    fn warn_of_reminders(&self, found: &mut Vec<PolicyWarning>) {
        let months = match self.policy().expiry {
            Expiry::Months(months) => u32::from(months),
            Expiry::CalendarYears(years) => u32::from(years) * 12,
        };
        for day in &self.policy().remind_days {
            if u32::from(*day) > months * 31 {
                found.push(PolicyWarning {
                    place: ValuePlace::key("remind_days"),
                    problem: format!(
                        "{day} days are longer than points live, so that the member is always reminded; write fewer"
                    ),
                });
            }
        }
    }
}

fn pays_points(compiled: &CompiledRule) -> bool {
    let outlook = Outlook::of(compiled.on());
    let given = outlook.assume(&compiled.when).unwrap_or(outlook);
    let most = EarningRule::PAYS_MAX.get();
    matches!(given.amount(&compiled.points, most), Amount::Payable { greatest } if greatest > 0)
}

/// Words the parts of a condition that hold for any evidence. A check-in has none to ask of.
fn always_true(rule: &EarningRule, compiled: &CompiledRule) -> Vec<String> {
    let noun = match rule.on {
        RuleKind::Known(on) if on.is_measured() => on.name(),
        RuleKind::Known(_) | RuleKind::Unknown(_) => return Vec::new(),
    };
    let all = Outlook::of(compiled.on());
    let parts = compiled.parts();
    let is_alone = parts.len() == 1;
    parts
        .into_iter()
        .filter(|(part, _)| all.always_holds(part))
        .map(|(_, source)| {
            if is_alone {
                format!("{source:?} is always true, so that every {noun} is paid; ask for something if that is not meant")
            } else {
                format!("{source:?} is always true, so that it asks for nothing; change it, or remove it")
            }
        })
        .collect()
}

/// The most that a cap lets through in a stretch of the calendar.
const fn most_in(cap: &Cap, stretch: Period) -> i64 {
    // So many stretches of the cap touch one of the other kind: a week may lie in two months.
    let touched = match (stretch, cap.per) {
        (Period::Day, _)
        | (Period::Week, Period::Week)
        | (Period::Month, Period::Month | Period::Year)
        | (Period::Year, Period::Year) => 1,
        (Period::Week, Period::Month | Period::Year) => 2,
        (Period::Week, Period::Day) => 7,
        (Period::Month, Period::Week) => 6,
        (Period::Month, Period::Day) => 31,
        (Period::Year, Period::Month) => 12,
        (Period::Year, Period::Week) => 54,
        (Period::Year, Period::Day) => 366,
    };
    Points::get(cap.points).saturating_mul(touched)
}
