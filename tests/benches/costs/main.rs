//! What Dashpoint costs, each figure beside what it cannot be below, measured in the same run.
//!
//! `cargo bench -p dashpoint-tests --bench costs` prints a table, with `-- --json` for machines. The files lie on a real disk.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot measure ends by panicking"
)]

mod award;
mod bytes;
mod car;
mod chain;
mod enrolled;
mod floor;
mod reconcile;
mod sizes;
mod stopwatch;
mod table;
mod wire;

use std::path::Path;

use clap::Parser;

use table::Row;

/// What Dashpoint costs, beside what it cannot be below.
#[derive(Debug, Parser)]
struct Args {
    /// For machines.
    #[arg(long)]
    json: bool,
    /// Only these: award, bytes, wire, reconcile, sizes.
    only: Vec<String>,
    /// What cargo says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Measures on a disk.
type Measure = fn(&Path) -> Vec<Row>;

fn main() {
    let args = Args::parse();
    // On the disk of the build: the folder for temporary files may be memory, which syncs for nothing.
    let disk = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let benches: [(&str, Measure); 5] = [
        ("award", award::measure),
        ("bytes", bytes::measure),
        ("wire", wire::measure),
        ("reconcile", reconcile::measure),
        ("sizes", sizes::measure),
    ];
    let mut rows = Vec::new();
    for (name, measure) in benches {
        if args.only.is_empty() || args.only.iter().any(|only| only == name) {
            rows.extend(measure(disk));
        }
    }
    table::print(&rows, args.json);
}
