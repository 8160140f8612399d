//! The rules as they were evaluated, and the caps that bound them.

use comfy_table::{CellAlignment, Table, presets};
use dashpoint_membership::Milli;
use dashpoint_membership::profile::Condition;
use dashpoint_ui::locale::Language;
use dashpoint_ui::reason::factor_name;

use super::super::evidence_words::period;
use super::super::reasons;
use super::super::words::points_noun;
use super::page::{Page, indented};
use crate::explain::{Explanation, RuleReport, decimal};
use crate::unpaid::observed_factor;

impl Page {
    pub(super) fn rule(&self, rule: &RuleReport) -> Vec<String> {
        let mark = if rule.held { "+" } else { "-" };
        let shadow = if rule.shadow {
            self.pick(" (shadow: pays nothing)", "（影子规则，不计分）")
        } else {
            ""
        };
        let mut line = format!(
            "   {mark} {}  {}{shadow}",
            rule.rule,
            self.language.pick(&rule.title)
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
                    let paid = format!("{} {}", decimal(paid), self.pick("paid", "到账"));
                    format!("       {cut}{}{paid}", self.semicolon())
                }
                None => format!("       {cut}"),
            });
        }
        if let (Some(points), true) = (rule.points, rule.held && !rule.shadow) {
            lines.push(self.whole_points(rule, points));
        }
        // Without energy the CO2 is a number that nothing stands behind.
        let is_unknown = |field: &str| {
            let used_wh = rule.fields.get("used_wh").map(ToString::to_string);
            field == "co2_avoided_g" && used_wh.as_deref() == Some("0")
        };
        lines.extend(rule.conditions.iter().map(|condition| {
            let held = if condition.field.is_some_and(is_unknown) {
                "?  "
            } else if condition.held {
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
                .map(|(name, value)| match is_unknown(name) {
                    true => format!("{name} = ?"),
                    false => format!("{name} = {value}"),
                })
                .collect();
            lines.push(format!("       {}", fields.join(self.comma())));
        }
        lines
    }

    /// Says the whole points of a rule, the part of them that was carried on from before, and what is carried on.
    fn whole_points(&self, rule: &RuleReport, points: i64) -> String {
        let comma = self.comma();
        let noun = points_noun(self.language, points);
        // What a recording pays is known; of an entry it is what the car expected.
        let mut line = match (rule.paid_milli, self.language) {
            (Some(_), _) => format!("       {points} {noun}"),
            (None, Language::English) => format!("       {points} {noun} predicted"),
            (None, Language::Chinese) => format!("       预计 {points} {noun}"),
        };
        if let Some(before) = rule.from_before_milli {
            line += comma;
            line += &reasons::from_before(self.language, Milli::new(before));
        }
        if let Some(carried) = rule.carried_milli {
            let carried = decimal(carried);
            line += &format!("{comma}{carried} {}", self.pick("carried on", "零头累计"));
        }
        line
    }

    /// Says of a condition on a factor's signal that it is one: its name reads like a judgement of the driving.
    fn signal_of(&self, condition: &Condition) -> String {
        let factor = condition.field.and_then(observed_factor);
        factor.map_or_else(String::new, |factor| {
            let factor = factor_name(factor, self.language);
            match self.language {
                Language::English => {
                    format!("  (needs a signal for {factor}; does not judge the driving)")
                }
                Language::Chinese => format!("  （需要“{factor}”的信号；不评判驾驶）"),
            }
        })
    }

    pub(super) fn caps(&self, explanation: &Explanation) -> Vec<String> {
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
                self.language.pick(&cap.over).to_owned(),
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
