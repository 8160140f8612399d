//! Draws every page in every state as PNG, without a display, with an HTML page that lists them.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use dashpoint_ui::gallery::{Case, Gallery, GalleryError, all};

/// Draws every page in every state.
#[derive(Debug, Parser)]
#[command(name = "gallery", version)]
struct GalleryArgs {
    /// The folder to write to; it is made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only the pictures whose name contains this, such as `home.` or `.longest.`.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

#[expect(clippy::print_stderr, reason = "a command line tool")]
fn main() -> ExitCode {
    let args = GalleryArgs::parse();
    let cases: Vec<Case> = all()
        .into_iter()
        .filter(|case| case.to_string().contains(&args.only))
        .collect();
    if cases.is_empty() {
        eprintln!(
            "gallery: no picture has {:?} in its name; names are like {}",
            args.only,
            all().first().map_or_else(String::new, ToString::to_string)
        );
        return ExitCode::from(2);
    }
    match draw(&args.out, &cases) {
        Ok(()) => {
            // Whoever stopped reading, as `head` does, has what he wanted.
            let told = writeln!(
                std::io::stdout(),
                "{} in {}",
                match cases.len() {
                    1 => "1 picture".to_owned(),
                    count => format!("{count} pictures"),
                },
                args.out.display()
            );
            drop(told);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("gallery: {error}");
            ExitCode::FAILURE
        }
    }
}

fn draw(out: &std::path::Path, cases: &[Case]) -> Result<(), GalleryError> {
    std::fs::create_dir_all(out).map_err(|source| GalleryError::Write {
        path: out.to_owned(),
        source,
    })?;
    let mut gallery = Gallery::open()?;
    for case in cases {
        gallery.save(case, out)?;
    }
    gallery.index(cases, out)
}
