//! The figures, for people and for machines.

use serde::Serialize;

/// One figure beside its floor.
#[derive(Debug, Serialize)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// How much it was.
    pub measured: f64,
    /// What it stands beside.
    pub beside: f64,
    /// Of both.
    pub unit: &'static str,
    /// The one over the other, in the sense of the aim.
    pub ratio: f64,
    /// What the ratio, or the figure itself, should be.
    pub aim: &'static str,
    /// Whether it is.
    pub met: bool,
}

/// Prints all figures.
#[expect(clippy::print_stdout, reason = "the table is what a bench is for")]
pub fn print(rows: &[Row], json: bool) {
    if json {
        println!("{}", serde_json::to_string_pretty(rows).unwrap());
        return;
    }
    println!(
        "{:<58} {:>11} {:>11} {:<7} {:>6}  {:<20} met",
        "what", "measured", "beside", "unit", "ratio", "aim"
    );
    for row in rows {
        println!(
            "{:<58} {:>11.1} {:>11.1} {:<7} {:>6.2}  {:<20} {}",
            row.what,
            row.measured,
            row.beside,
            row.unit,
            row.ratio,
            row.aim,
            if row.met { "yes" } else { "no" }
        );
    }
}
