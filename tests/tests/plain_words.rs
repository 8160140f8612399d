//! Ratchets of plain words: doc comments that open with a question word, type names that are declared more than once, and lines of
//! documents that are too long.
//!
//! Both numbers may only fall: a change that lowers one writes the new number here. The numbers are printed with `--nocapture`.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; helpers outside of test functions are tests too"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Doc comments that open with a question word, per thousand of all doc comments. The aim is 50.
const INTERROGATIVE_PERMILLE_MAX: usize = 5;
/// Type names that are declared more than once. The aim is 30.
const REPEATED_NAMES_MAX: usize = 6;

const QUESTION_WORDS: [&str; 9] = [
    "What", "How", "Whether", "Why", "Where", "Who", "Whose", "When", "Which",
];

/// Collects the Rust files below a folder that are neither tests nor benches of a crate, nor built by cargo.
fn sources(folder: &Path, is_crate: bool, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            let left_out = name.starts_with('.')
                || name == "target"
                || (is_crate && ["tests", "benches"].contains(&name));
            // The crate of the tests of the whole is a folder `tests` that is no crate's own.
            if !left_out {
                sources(&path, path.join("Cargo.toml").is_file() || is_crate, files);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") && name != "tests.rs" {
            files.push(path);
        }
    }
}

/// Returns the lines of a file before its `mod tests`, trimmed.
fn lines_before_tests(text: &str) -> Vec<&str> {
    let all: Vec<&str> = text.lines().map(str::trim).collect();
    let begins = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].ends_with('{');
    let end = all.windows(2).position(begins).unwrap_or(all.len());
    all[..end].to_vec()
}

/// Returns the text of a line of a doc comment.
fn doc_text(line: &str) -> Option<&str> {
    let text = line
        .strip_prefix("//!")
        .or_else(|| line.strip_prefix("///"))?;
    (!text.starts_with('/')).then(|| text.trim())
}

/// Returns the first line of each doc comment.
fn openings<'text>(lines: &[&'text str]) -> Vec<&'text str> {
    let mut before = false;
    let mut found = Vec::new();
    for line in lines {
        let text = doc_text(line);
        if let (Some(text), false) = (text, before) {
            found.push(text);
        }
        before = text.is_some();
    }
    found
}

fn is_interrogative(opening: &str) -> bool {
    let word = opening.split(|c: char| !c.is_alphabetic()).next();
    QUESTION_WORDS.contains(&word.unwrap_or_default())
}

/// Returns the name of the type that a line declares.
fn declared(line: &str) -> Option<&str> {
    let mut rest = line;
    if let Some(public) = line.strip_prefix("pub") {
        rest = public
            .strip_prefix('(')
            .and_then(|inner| inner.split_once(')'))
            .map_or(public, |(_, after)| after)
            .trim_start();
    }
    let rest = ["struct ", "enum ", "trait "]
        .iter()
        .find_map(|keyword| rest.strip_prefix(keyword))?;
    let name = rest.split(|c: char| !c.is_alphanumeric()).next()?;
    (!name.is_empty()).then_some(name)
}

#[test]
fn question_words_and_repeated_names_do_not_rise() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    sources(root, false, &mut files);
    assert!(files.len() > 300, "{} files found", files.len());

    let (mut all, mut interrogative) = (0, 0);
    let mut by_folder: BTreeMap<String, usize> = BTreeMap::new();
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let path = path.strip_prefix(root).unwrap().to_str().unwrap();
        let lines = lines_before_tests(&text);
        for opening in openings(&lines) {
            all += 1;
            if is_interrogative(opening) {
                interrogative += 1;
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                *by_folder.entry(folder.to_owned()).or_default() += 1;
            }
        }
        for name in lines.iter().filter_map(|line| declared(line)) {
            names
                .entry(name.to_owned())
                .or_default()
                .push(path.to_owned());
        }
    }
    let repeated: Vec<_> = names.iter().filter(|(_, paths)| paths.len() > 1).collect();
    println!(
        "doc comments that open with a question word: {interrogative} of {all}, {}.{} %; at most {}.{} %, aim 5 %",
        interrogative * 100 / all,
        interrogative * 1_000 / all % 10,
        INTERROGATIVE_PERMILLE_MAX / 10,
        INTERROGATIVE_PERMILLE_MAX % 10,
    );
    println!(
        "type names declared more than once: {} of {}; at most {REPEATED_NAMES_MAX}, aim 30",
        repeated.len(),
        names.len(),
    );
    assert!(
        interrogative * 1_000 <= all * INTERROGATIVE_PERMILLE_MAX,
        "let the component be the subject of a doc comment: {by_folder:#?}"
    );
    assert!(
        repeated.len() <= REPEATED_NAMES_MAX,
        "a type name is unique in the workspace: {repeated:#?}"
    );
}

#[test]
fn a_question_word_is_found_only_where_a_doc_comment_opens() {
    let text = "\
//! What a module is for.
//! How it does it.

/// Whether it is so.
fn a() {}

/// Returns it.
/// When it is there.
fn b() {}

//// Why not.
// Who knows.
/// Whatever it is.
fn c() {}

#[cfg(test)]
mod tests {
    /// Where it is.
    fn d() {}
}
";
    let lines = lines_before_tests(text);
    let openings = openings(&lines);
    let found: Vec<_> = openings
        .iter()
        .filter(|opening| is_interrogative(opening))
        .collect();
    assert_eq!(found, [&"What a module is for.", &"Whether it is so."]);
    assert_eq!(openings.len(), 4);
}

#[test]
fn a_declaration_is_found_with_and_without_visibility() {
    let found: Vec<_> = [
        "pub struct One(u8);",
        "pub(crate) enum Two {",
        "trait Three<T> {",
        "pub fn four() {",
        "let structure = 5;",
    ]
    .into_iter()
    .filter_map(declared)
    .collect();
    assert_eq!(found, ["One", "Two", "Three"]);
}

/// Columns of a line of the English documents; tables, code and pictures may be wider.
const COLUMNS_MAX: usize = 140;

/// Collects the documents below a folder; a line of Chinese is not wrapped, for a break in it would be a space.
fn documents(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "zh-CN" {
                documents(&path, files);
            }
        } else if name.ends_with(".md") && !name.ends_with(".zh-CN.md") {
            files.push(path);
        }
    }
}

/// Returns the numbers of the lines that are too long, from 1.
fn too_long(text: &str) -> Vec<usize> {
    let mut is_code = false;
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        let may_be_wide = is_code || line.starts_with('|') || line.starts_with("![");
        if !may_be_wide && line.chars().count() > COLUMNS_MAX {
            found.push(number + 1);
        }
    }
    found
}

#[test]
fn documents_wrap_at_140_columns() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    documents(root, &mut files);
    assert!(files.len() > 20, "{} documents found", files.len());
    let wide: Vec<_> = files
        .into_iter()
        .map(|path| (too_long(&fs::read_to_string(&path).unwrap()), path))
        .filter(|(lines, _)| !lines.is_empty())
        .collect();
    assert!(wide.is_empty(), "wrap these lines: {wide:#?}");
}

#[test]
fn only_prose_that_is_too_wide_is_found() {
    let wide = "x".repeat(141);
    let text = format!("{wide}\n| {wide} |\n```\n{wide}\n```\n{}\n", &wide[1..]);
    assert_eq!(too_long(&text), [1]);
}
