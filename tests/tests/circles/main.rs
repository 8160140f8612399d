//! Circles of modules in each crate: modules that need one another. There is none; `--nocapture` prints those of
//! each crate.
//!
//! The reader parses the sources and counts so:
//! - A node is a file, named by its module. A `mod name { }` within a file belongs to the file.
//! - A file needs another if it names something that the other defines: by an import, by a path in code, types and
//!   patterns, or by a path in the text of a macro or of an attribute. A re-export (`pub use`) is followed to the file that
//!   defines the name; of what lies below the module it is itself no need, and neither is `mod name;`.
//! - A circle by file is a set of two or more files that reach one another. A circle by folder is the same between the
//!   children of one module, each with all that is below it, if one of them is a folder: files may be free of circles and
//!   their folders not.
//! - Items under `#[cfg(test)]` do not count: a test may need whatever it likes.
//!
//! The reader does not see calls of methods on values whose type is not named, names that a macro makes (a path to one
//! counts for the module that it leads to), `#[path]`, and what a name in a string means.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; helpers outside of test functions are tests too"
)]

mod circle;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

use circle::{by_file, by_folder};
use tree::Tree;

/// Finds the folders of crates.
fn crates(folder: &Path, found: &mut Vec<PathBuf>) {
    if folder.join("src").is_dir() && folder.join("Cargo.toml").is_file() {
        found.push(folder.to_owned());
    }
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "src" {
            crates(&path, found);
        }
    }
}

/// The root files of a crate: library and programs are crates of their own.
fn roots(folder: &Path) -> Vec<PathBuf> {
    let src = folder.join("src");
    let mut roots = vec![src.join("lib.rs"), src.join("main.rs")];
    if let Ok(programs) = fs::read_dir(src.join("bin")) {
        roots.extend(programs.map(|entry| entry.unwrap().path()));
    }
    roots.retain(|root| root.is_file());
    roots
}

#[test]
fn no_module_needs_one_that_needs_it() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders = Vec::new();
    crates(top, &mut folders);
    assert!(folders.len() > 10, "{} crates found", folders.len());
    let (mut files, mut needs_all) = (0, 0);
    let mut circles_found = Vec::new();
    let mut total = 0;
    for folder in folders {
        let name = folder.strip_prefix(top).unwrap().to_str().unwrap();
        let (mut file_circles, mut folder_circles) = (Vec::new(), Vec::new());
        for root in roots(&folder) {
            let needs = Tree::read(&root).needs();
            files += needs.len();
            needs_all += needs.values().map(|needed| needed.len()).sum::<usize>();
            file_circles.extend(by_file(&needs));
            folder_circles.extend(by_folder(&needs));
        }
        let found = (file_circles.len(), folder_circles.len());
        println!("{name}: {} circles by file, {} by folder", found.0, found.1);
        for circle in file_circles.iter().chain(&folder_circles) {
            println!("    {}", circle.join(" "));
        }
        if found != (0, 0) {
            circles_found.push((name.to_owned(), file_circles, folder_circles));
        }
        total += found.0 + found.1;
    }
    println!("circles of modules: {total}; {needs_all} needs between {files} files");
    assert!(files > 300 && needs_all > 500, "{files}, {needs_all}");
    assert!(
        circles_found.is_empty(),
        "modules that need one another: {circles_found:#?}"
    );
}

/// Writes a crate of these files and returns its needs.
fn needs_of(sources: &[(&str, &str)]) -> circle::Needs {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in sources {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Tree::read(&folder.path().join("lib.rs")).needs()
}

#[test]
fn a_circle_is_found_by_import_by_path_and_within_a_macro() {
    for back in [
        "use crate::a::A; pub struct B(A);",
        "use super::a::{self as other}; pub struct B(other::A);",
        "pub struct B(super::a::A);",
        "pub struct B; fn b() { println!(\"{}\", crate::a::f()); }",
        "pub struct B; fn b(x: u8) { match x { crate::a::N => {} _ => {} } }",
        "pub struct B; mod inner { use super::super::a::A; }",
        "pub struct B; fn b() { use crate::a::A; }",
        "pub struct B(crate::A);",
        "pub struct B; pub use crate::a::A;",
    ] {
        let needs = needs_of(&[
            ("lib.rs", "mod a; mod b; pub use a::A;"),
            (
                "a.rs",
                "use crate::b::B; pub struct A(Box<B>); pub const N: u8 = 1;",
            ),
            ("b.rs", back),
        ]);
        assert_eq!(by_file(&needs), [["a", "b"]], "{back}");
        assert!(by_folder(&needs).is_empty(), "no folder is in it");
    }
}

#[test]
fn a_test_a_visibility_and_another_crate_make_no_circle() {
    for back in [
        "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }",
        "pub struct B; pub(in crate::a) struct C;",
        "pub struct B; use a::A;",
        "pub struct B; fn b() { let a = 1; println!(\"{}\", a); }",
    ] {
        let needs = needs_of(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A(B);"),
            ("b.rs", back),
        ]);
        assert!(by_file(&needs).is_empty(), "{back}: {needs:?}");
    }
}

#[test]
fn a_module_and_its_child_are_a_circle_if_each_names_the_other() {
    let needs = needs_of(&[
        ("lib.rs", "mod a;"),
        (
            "a/mod.rs",
            "mod child; pub struct Shared; fn f() { child::g() }",
        ),
        ("a/child.rs", "use super::Shared; pub fn g() {}"),
    ]);
    assert_eq!(by_file(&needs), [["a", "a::child"]]);
}

#[test]
fn folders_may_need_one_another_though_no_files_do() {
    let needs = needs_of(&[
        ("lib.rs", "mod a; mod b;"),
        (
            "a/mod.rs",
            "mod one; mod two; pub use one::One; pub use two::Two;",
        ),
        ("a/one.rs", "pub struct One;"),
        ("a/two.rs", "use crate::b::B; pub struct Two(B);"),
        ("b.rs", "use crate::a::One; pub struct B(One);"),
    ]);
    assert!(by_file(&needs).is_empty(), "{needs:?}");
    assert_eq!(by_folder(&needs), [["a", "b"]]);
}
