//! The totals of several recordings or entries as a person reads them, by one policy or by two.

use comfy_table::{CellAlignment, Table, presets};
use dashpoint_ui::locale::Language;

use super::super::words::thousands;
use super::page::{Page, indented};
use crate::explain::{RuleTotal, Totals, decimal};

impl Page {
    /// Says what each source and each rule is worth by each of the policies; the first is that of before.
    pub(super) fn totals(&self, by: &[&Totals]) -> Vec<String> {
        let mut lines = Vec::new();
        let names = [self.pick("before", "之前"), self.pick("after", "之后")];
        for (totals, name) in by.iter().zip(names).filter(|_| by.len() > 1) {
            let versions: Vec<_> = totals.policy_versions.iter().map(u32::to_string).collect();
            let versions = versions.join(self.comma());
            let policy = self.policy_name(&totals.policy);
            lines.push(match self.language {
                Language::English => format!("{name}: {policy}, version {versions}"),
                Language::Chinese => format!("{name}：{policy}，版本 {versions}"),
            });
        }
        lines.push(String::new());
        lines.extend(self.sources(by));
        lines.push(String::new());
        lines.extend(self.rule_totals(by));
        lines
    }

    fn sources(&self, by: &[&Totals]) -> Vec<String> {
        let mut header = vec![self.pick("what", "项目").to_owned()];
        for place in 0..by.len() {
            header.push(self.column(self.pick("worth", "价值"), place, by.len()));
            header.push(self.column(self.pick("points", "积分"), place, by.len()));
            header.push(self.column(self.pick("growth value", "成长值"), place, by.len()));
        }
        let mut rows: Vec<Vec<String>> = Vec::new();
        let sources = by.first().map_or(0, |totals| totals.sources.len());
        for place in 0..sources {
            let mut row = vec![by[0].sources[place].source.clone()];
            for totals in by {
                let source = &totals.sources[place];
                row.push(decimal(source.worth_milli));
                row.extend([source.points, source.growth].map(whole));
            }
            rows.push(row);
        }
        let mut all = vec![self.pick("in all", "合计").to_owned()];
        for totals in by {
            let sources = totals.sources.iter();
            all.push(decimal(sources.map(|source| source.worth_milli).sum()));
            let points = totals.sources.iter().map(|source| source.points);
            let growth = totals.sources.iter().map(|source| source.growth);
            all.extend([points.sum(), growth.sum()].map(whole));
        }
        rows.push(all);
        aligned(header, rows)
    }

    fn rule_totals(&self, by: &[&Totals]) -> Vec<String> {
        let mut header = vec![self.pick("rule", "规则").to_owned()];
        for place in 0..by.len() {
            header.push(self.column(self.pick("held", "成立"), place, by.len()));
            header.push(self.column(self.pick("worth", "价值"), place, by.len()));
            header.push(self.column(self.pick("growth value", "成长值"), place, by.len()));
        }
        let mut known: Vec<&RuleTotal> = Vec::new();
        for rule in by.iter().flat_map(|totals| &totals.rules) {
            if known.iter().all(|known| !is_same(known, rule)) {
                known.push(rule);
            }
        }
        let row = |rule: &&RuleTotal| {
            let shadow = match rule.shadow {
                true => self.pick(" (shadow: pays nothing)", "（影子规则，不计分）"),
                false => "",
            };
            let mut row = vec![format!("{}{shadow}", rule.rule)];
            for totals in by {
                let mut own = totals.rules.iter();
                let own = own.find(|own| is_same(own, rule));
                row.push(own.map_or_else(String::new, |own| self.held_of(own)));
                row.push(own.map_or_else(String::new, |own| decimal(own.worth_milli)));
                row.push(own.map_or_else(String::new, |own| decimal(own.growth_milli)));
            }
            row
        };
        let rows = known.iter().map(row).collect();
        aligned(header, rows)
    }

    fn held_of(&self, rule: &RuleTotal) -> String {
        let failed = match rule.failed {
            0 => String::new(),
            failed => format!("{}{failed} {}", self.comma(), self.pick("failed", "出错")),
        };
        format!("{} / {}{failed}", rule.held, rule.found)
    }

    /// Names a column, and of two policies which.
    fn column(&self, name: &str, place: usize, of: usize) -> String {
        match (of, place) {
            (1, _) => name.to_owned(),
            (_, 0) => format!("{name} {}", self.pick("before", "之前")),
            (_, _) => format!("{name} {}", self.pick("after", "之后")),
        }
    }
}

/// Writes whole points or growth value; nothing where only the ledger tells.
fn whole(amount: Option<i64>) -> String {
    amount.map_or_else(String::new, thousands)
}

fn is_same(one: &RuleTotal, other: &RuleTotal) -> bool {
    one.rule == other.rule && one.shadow == other.shadow
}

/// Lines of a table whose numbers stand right.
fn aligned(header: Vec<String>, rows: Vec<Vec<String>>) -> Vec<String> {
    let columns = header.len();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for column in 1..columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    indented(&table, "")
}
