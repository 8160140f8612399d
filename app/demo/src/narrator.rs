//! Tells the story as it happens: captions on stdout (on stderr beside a JSON report), a progress bar on a terminal.

use std::io::{self, IsTerminal, Write};

use comfy_table::{CellAlignment, Table, presets};
use dashpoint_membership::Evidence;
use dashpoint_membership::policy::Carbon;
use indicatif::{ProgressBar, ProgressStyle};

use crate::amounts::{thousandth, trip_co2_g};
use crate::head_unit::{HeadUnitEntry, HeadUnitLedger};
use crate::report::PlayReport;
use crate::words;
use dashpoint_ui::locale::Language;

/// Says the captions.
pub struct Narrator {
    out: Box<dyn Write + Send>,
    language: Language,
    styled: bool,
    step: usize,
    bar: ProgressBar,
}

impl Narrator {
    /// Speaks on stdout, or on stderr when stdout is for the report.
    #[must_use]
    pub fn new(language: Language, beside_json: bool) -> Self {
        let (out, terminal): (Box<dyn Write + Send>, _) = if beside_json {
            (Box::new(io::stderr()), io::stderr().is_terminal())
        } else {
            (Box::new(io::stdout()), io::stdout().is_terminal())
        };
        Self {
            out,
            language,
            styled: terminal && std::env::var_os("NO_COLOR").is_none(),
            step: 0,
            bar: ProgressBar::hidden(),
        }
    }

    /// The language that it speaks.
    #[must_use]
    pub const fn language(&self) -> Language {
        self.language
    }

    /// Says what is played, and when in its own time.
    ///
    /// # Errors
    /// When nobody can hear it.
    pub fn title(&mut self, about: &str, day: &str, zone: &str) -> io::Result<()> {
        let title = self.bold(&format!("Dashpoint: {about}"));
        let simulated = self.language.choose("simulated time", "模拟时间");
        self.say(&title)?;
        match self.language {
            Language::English => self.say(&format!("{day}, {zone} ({simulated})")),
            Language::Chinese => self.say(&format!("{day}，{zone}（{simulated}）")),
        }
    }

    /// Begins the next step.
    ///
    /// # Errors
    /// When nobody can hear it.
    pub fn step(&mut self, title: &str) -> io::Result<()> {
        self.step += 1;
        let title = self.bold(title);
        let step = self.step;
        self.say(&format!("\n {step}  {title}"))
    }

    /// Says a line of the step, in the language that is spoken.
    ///
    /// # Errors
    /// When nobody can hear it.
    pub fn either(&mut self, en: &str, zh: &str) -> io::Result<()> {
        self.line(self.language.choose(en, zh))
    }

    /// Says a line of the step.
    ///
    /// # Errors
    /// When nobody can hear it.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        self.say(&format!("    {text}"))
    }

    /// Shows how far a command of the car has come; only on a terminal.
    pub fn begin(&mut self, messages: usize) -> ProgressBar {
        self.bar = ProgressBar::new(messages as u64);
        // Without a style of ours indicatif shows its own.
        if let Ok(style) = ProgressStyle::with_template("    {bar:32} {msg}") {
            self.bar.set_style(style);
        }
        self.bar.clone()
    }

    /// Takes the bar away.
    pub fn done(&mut self) {
        self.bar.finish_and_clear();
        self.bar = ProgressBar::hidden();
    }

    /// Shows what the head unit shows.
    ///
    /// # Errors
    /// When nobody can hear it.
    pub fn card(&mut self, card: &str) -> io::Result<()> {
        card.lines()
            .try_for_each(|line| self.say(&format!("      │ {line}")))
    }

    /// Says what became of each entry, and of all of them.
    ///
    /// # Errors
    /// When nobody can hear it.
    pub fn end(
        &mut self,
        did: &[(String, f64)],
        ledger: &HeadUnitLedger,
        report: &PlayReport,
        carbon: &Carbon,
    ) -> io::Result<()> {
        self.say("")?;
        for line in table(self.language, did, &ledger.entries, carbon).lines() {
            self.say(line.trim_end())?;
        }
        self.say("")?;
        for (what, line) in sums(self.language, ledger, report) {
            let wide = what.chars().filter(|c| !c.is_ascii()).count();
            let gap = " ".repeat(9_usize.saturating_sub(what.chars().count() + wide));
            self.say(&format!(" {what}{gap}{line}"))?;
        }
        Ok(())
    }

    /// Says the last line.
    ///
    /// # Errors
    /// When nobody can hear it.
    pub fn verdict(&mut self, text: &str) -> io::Result<()> {
        let text = self.bold(text);
        self.say(&format!("\n{text}"))
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        let out = &mut self.out;
        self.bar.suspend(|| {
            writeln!(out, "{line}")?;
            out.flush()
        })
    }

    fn bold(&self, text: &str) -> String {
        if self.styled {
            format!("\x1b[1m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Makes the lines about all entries together.
fn sums(
    language: Language,
    ledger: &HeadUnitLedger,
    report: &PlayReport,
) -> [(&'static str, String); 5] {
    let PlayReport {
        points,
        signals,
        entries,
        ..
    } = report;
    let checked: u64 = ledger
        .verification
        .iter()
        .flat_map(|verification| &verification.checks)
        .map(|check| check.looked_at)
        .sum();
    let verified = match (report.chain_verified, language) {
        (true, Language::English) => {
            format!("verifies: {checked} links, signatures, intervals, receipts and sums looked at")
        }
        (true, Language::Chinese) => {
            format!("校验通过：共检查 {checked} 项链接、签名、区间、回执与合计")
        }
        (false, _) => language.choose("does NOT verify", "校验未通过").to_owned(),
    };
    let (in_car, in_cloud) = match language {
        Language::English => (
            format!(
                "{} in the car, {} pending",
                points.confirmed, points.pending
            ),
            format!("{} in the cloud", points.cloud),
        ),
        Language::Chinese => (
            format!("车端 {}，待确认 {}", points.confirmed, points.pending),
            format!("云端 {}", points.cloud),
        ),
    };
    let counted = words::counted(language, &ledger.entries);
    let became = match language {
        Language::English => {
            format!(
                "{} signed: {counted}, {} twice",
                entries.signed, entries.duplicate
            )
        }
        Language::Chinese => {
            format!(
                "签名 {} 条：{counted}，重复 {}",
                entries.signed, entries.duplicate
            )
        }
    };
    let heard = match language {
        Language::English => format!(
            "{} sent, {} taken, {} rejected",
            signals.sent, signals.taken, signals.rejected
        ),
        Language::Chinese => format!(
            "发送 {}，接收 {}，拒收 {}",
            signals.sent, signals.taken, signals.rejected
        ),
    };
    let heard = format!("{heard}{}", words::rejected_signals(language, signals));
    [
        (
            language.choose("points", "积分"),
            match language {
                Language::English => format!("{in_car}; {in_cloud}"),
                Language::Chinese => format!("{in_car}；{in_cloud}"),
            },
        ),
        (language.choose("entries", "记录"), became),
        (language.choose("ledger", "账本"), verified),
        (language.choose("signals", "信号"), heard),
        (language.choose("kills", "断电"), report.kills.to_string()),
    ]
}

fn table(
    language: Language,
    did: &[(String, f64)],
    rows: &[HeadUnitEntry],
    carbon: &Carbon,
) -> String {
    let header = match language {
        Language::English => [
            "what",
            "how much",
            "score",
            "CO2 avoided",
            "predicted",
            "paid",
            "state",
        ],
        Language::Chinese => [
            "项目",
            "数量",
            "驾驶评分",
            "减少 CO2",
            "预计",
            "到账",
            "状态",
        ],
    };
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    for (row, (name, _)) in rows.iter().zip(did) {
        let (amount, score, co2) = match row.evidence() {
            Some(Evidence::Trip(trip)) => (
                format!("{:.2} km", thousandth(trip.odometer.length())),
                words::score(trip.score_x100),
                words::co2(trip_co2_g(trip, carbon)),
            ),
            Some(other) => (
                format!("{:.2} kWh", thousandth(other.interval().length())),
                String::new(),
                String::new(),
            ),
            None => Default::default(),
        };
        table.add_row([
            name.clone(),
            amount,
            score,
            co2,
            row.predicted.to_string(),
            row.paid
                .filter(|_| !words::is_nothing(row))
                .map_or_else(String::new, |paid| paid.to_string()),
            words::standing(language, row).to_owned(),
        ]);
    }
    for column in 1..=5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}
