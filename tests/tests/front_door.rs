//! The front door: no picture is missing, each is a golden that is drawn again; both languages teach the same
//! commands; and no link of a page leads to nothing.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; helpers outside of test functions are tests too"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Pictures of the pages.
const GOLDENS: &str = "ui/tests/goldens/";
/// The test that draws each of its goldens again and compares it to the pixel.
const DRAWN_AGAIN: &str = "ui/tests/screen/goldens.rs";

#[test]
fn each_picture_of_the_readmes_is_what_the_program_draws_today() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let drawn_again = std::fs::read_to_string(root.join(DRAWN_AGAIN)).unwrap();
    for readme in ["README.md", "README.zh-CN.md"] {
        let text = std::fs::read_to_string(root.join(readme)).unwrap();
        let pictures: Vec<&str> = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .filter(|path| path.ends_with(".png"))
            .collect();
        assert!(pictures.len() > 2, "{readme}: {pictures:?}");
        for picture in pictures {
            assert!(
                root.join(picture).is_file(),
                "{readme}: {picture} is missing"
            );
            let name = picture.strip_prefix(GOLDENS).unwrap_or_default();
            let quoted = format!("{:?}", name.trim_end_matches(".png"));
            assert!(
                drawn_again.contains(&quoted),
                "{readme}: nobody draws {picture} again"
            );
        }
    }
}

/// What is typed or written into files, block by block, without comments and what is said in one language.
fn blocks(readme: &str) -> Vec<String> {
    let inside = readme.split("\n```").skip(1).step_by(2);
    let said = inside.map(|block| {
        let lines = block.lines().skip(1);
        let bare = lines.map(|line| line.split('#').next().unwrap_or(line).trim_end());
        let kept = bare.filter(|line| !line.is_empty() && !line.starts_with("about = "));
        kept.collect::<Vec<_>>().join("\n")
    });
    said.collect()
}

/// The pages of both languages, English first.
const PAGES: [[&str; 2]; 6] = [
    ["README.md", "README.zh-CN.md"],
    ["docs/cloud.md", "docs/zh-CN/cloud.md"],
    ["docs/privacy.md", "docs/zh-CN/privacy.md"],
    ["docs/rules.md", "docs/zh-CN/rules.md"],
    ["docs/testing.md", "docs/zh-CN/testing.md"],
    ["docs/vehicle-bus.md", "docs/zh-CN/vehicle-bus.md"],
];

#[test]
fn the_chinese_pages_teach_the_same_commands() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut compared = 0;
    for pair in PAGES {
        let [english, chinese] =
            pair.map(|page| blocks(&std::fs::read_to_string(root.join(page)).unwrap()));
        for block in &chinese {
            assert!(english.contains(block), "not in {}:\n{block}", pair[0]);
        }
        // Only what programs print stands in one language alone.
        for block in &english {
            let printed = block.starts_with("$ ");
            assert!(
                printed || chinese.contains(block),
                "not in {}:\n{block}",
                pair[1]
            );
        }
        compared += chinese.len();
    }
    assert!(compared > 20, "{compared} blocks");
}

#[test]
fn each_decision_record_has_a_number_of_its_own_and_is_in_the_index() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let records = root.join("docs/adr");
    let index = std::fs::read_to_string(records.join("README.md")).unwrap();
    let mut numbers = BTreeSet::new();
    for file in std::fs::read_dir(records).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if name == "README.md" {
            continue;
        }
        assert!(index.contains(&format!("({name})")), "{name}");
        let number = name.split('-').next().unwrap().to_owned();
        assert!(numbers.insert(number), "{name}");
    }
    assert!(numbers.len() > 15, "{numbers:?}");
}

/// Collects the Markdown files below a folder that are the repository's own.
fn markdown(folder: &Path, found: &mut Vec<PathBuf>) {
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            markdown(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            found.push(path);
        }
    }
}

/// Returns the name by which links reach a heading.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn each_link_of_a_page_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut pages = Vec::new();
    markdown(root, &mut pages);
    assert!(pages.len() > 30, "{pages:?}");
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        let prose = text.split("\n```").step_by(2).collect::<String>();
        let links = prose.split("](").skip(1);
        for link in links.filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.contains(' ') || link.is_empty() {
                continue;
            }
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                page.clone()
            } else {
                page.parent().unwrap().join(file)
            };
            assert!(target.exists(), "{}: {link}", page.display());
            if !place.is_empty() {
                let text = std::fs::read_to_string(&target).unwrap();
                let headings = text.lines().filter(|line| line.starts_with('#'));
                let mut anchors = headings.map(|line| anchor(line.trim_start_matches('#').trim()));
                // A heading that is there twice has a number at its end.
                let bare = place.trim_end_matches(|c: char| c.is_ascii_digit());
                let bare = bare.strip_suffix('-').unwrap_or(bare);
                assert!(
                    anchors.any(|anchor| anchor == place || anchor == bare),
                    "{}: {link}",
                    page.display()
                );
            }
        }
    }
}

/// Reads a file and, of a folder, each Rust file in it.
fn sources(path: &Path) -> String {
    if path.is_dir() {
        let inside = std::fs::read_dir(path).unwrap();
        return inside.map(|one| sources(&one.unwrap().path())).collect();
    }
    let is_rust = path.extension().is_some_and(|it| it == "rs");
    if is_rust {
        std::fs::read_to_string(path).unwrap()
    } else {
        String::new()
    }
}

/// Test programs of a package with their sources, those that they share included.
fn test_programs(package: &Path) -> Vec<(String, String)> {
    let Ok(inside) = std::fs::read_dir(package.join("tests")) else {
        return Vec::new();
    };
    let paths = inside.map(|one| one.unwrap().path());
    let programs = paths.filter(|path| path.join("main.rs").is_file() || path.is_file());
    let named = programs.filter_map(|path| {
        let own = sources(&path);
        let name = path.file_stem()?.to_str()?.to_owned();
        let shared = ["common", "support"].map(|shared| {
            let is_used = own.contains(&format!("mod {shared};"));
            let package = if own.contains("../e2e/support") {
                "tests/e2e"
            } else {
                "tests"
            };
            let folder = package_folder(&path).join(package).join(shared);
            if is_used {
                sources(&folder)
            } else {
                String::new()
            }
        });
        Some((name, own + &shared.concat()))
    });
    named.collect()
}

fn package_folder(program: &Path) -> PathBuf {
    program.parent().and_then(Path::parent).unwrap().to_owned()
}

#[test]
fn each_test_with_a_peer_runs_with_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let run = std::fs::read_to_string(root.join(".ci/run")).unwrap();
    let listed = run.split("with_peers=(").nth(1).unwrap();
    let listed: BTreeSet<&str> = listed
        .split(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let members = manifest.split("members = [").nth(1).unwrap();
    let members = members
        .split(']')
        .next()
        .unwrap()
        .split('"')
        .skip(1)
        .step_by(2);
    let mut programs = 0;
    for member in members {
        let package = root.join(member);
        let asks = |source: &str| source.contains("\"DASHPOINT_REQUIRE\"");
        assert!(!asks(&sources(&package.join("src"))) || listed.contains("--lib"));
        for (name, source) in test_programs(&package) {
            programs += usize::from(asks(&source));
            assert!(
                !asks(&source) || listed.contains(name.as_str()),
                "{member}: {name} asks for a peer, and `.ci/run` does not run it with the peers"
            );
        }
    }
    assert!(programs > 10, "{programs}");
}
