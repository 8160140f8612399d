//! The pages of the repository: what they tell people to write and to type.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Output};

use crate::support::{stderr, stdout};

/// The fenced blocks of a page of the repository, each with its lines.
fn blocks(page: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join(page)).unwrap();
    let fenced = text.split("\n```").enumerate();
    let inside = fenced.filter(|(place, _)| place % 2 == 1);
    inside
        .map(|(_, block)| block.split_once('\n').unwrap().1.to_owned() + "\n")
        .collect()
}

/// The one block that begins so.
pub fn block(page: &str, begins: &str) -> String {
    let found = blocks(page)
        .into_iter()
        .filter(|block| block.starts_with(begins));
    let found: Vec<_> = found.collect();
    assert_eq!(
        found.len(),
        1,
        "{page} has one block that begins {begins:?}"
    );
    found[0].clone()
}

/// Lines to type: no comments, nothing empty.
pub fn commands(block: &str) -> Vec<&str> {
    let typed = |line: &&str| !line.is_empty() && !line.starts_with('#');
    block.lines().filter(typed).collect()
}

/// The programs by their names, as after `cargo build`.
pub fn programs(folder: &Path) -> PathBuf {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).unwrap();
    for (name, program) in [
        ("dashpoint", env!("CARGO_BIN_EXE_head-unit")),
        ("dashpoint-cloud", env!("CARGO_BIN_EXE_member-cloud")),
        ("vehicle-sim", env!("CARGO_BIN_EXE_simulator")),
    ] {
        std::os::unix::fs::symlink(program, bin.join(name)).unwrap();
    }
    bin
}

/// Types lines into a shell in a folder, without what the shell of a developer has chosen.
pub fn typed(folder: &Path, lines: &str) -> Output {
    let path = std::env::var("PATH").unwrap();
    let bin = folder.join("bin");
    let cycles = concat!(env!("CARGO_MANIFEST_DIR"), "/../vehicle-sim/cycles");
    Process::new("sh")
        .args(["-e", "-c", lines])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("CYCLES", cycles)
        .env("LC_ALL", "C")
        .env_remove("DASHPOINT_CONFIG")
        .env_remove("DASHPOINT_DATA")
        .env_remove("DASHPOINT_BROKER")
        .env_remove("RUST_LOG")
        .output()
        .unwrap()
}

/// The same, of what must succeed.
pub fn said(folder: &Path, lines: &str) -> String {
    let output = typed(folder, lines);
    assert!(
        output.status.success(),
        "{lines}\n{}{}",
        stdout(&output),
        stderr(&output)
    );
    stdout(&output)
}
