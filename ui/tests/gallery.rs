//! The gallery, as it is made by hand: every page in every state, and no picture that repeats another without a reason.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::process::Command;

use dashpoint_ui::gallery::all;

#[test]
fn no_two_pictures_are_the_same_but_for_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = Command::new(env!("CARGO_BIN_EXE_gallery"))
        .arg("--out")
        .arg(folder.path())
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&drawn.stderr);
    assert!(drawn.status.success(), "{said}");
    let index = std::fs::read_to_string(folder.path().join("index.html")).unwrap();
    let mut seen = BTreeMap::<Vec<u8>, String>::new();
    for case in all() {
        let name = case.to_string();
        let picture = std::fs::read(folder.path().join(format!("{name}.png"))).unwrap();
        assert!(index.contains(&format!("src=\"{name}.png\"")), "{name}");
        if let Some(first) = seen.insert(picture, name.clone()) {
            let listed = format!("<li>{name} = ");
            assert!(index.contains(&listed), "{name} repeats {first} unlisted");
        }
    }
}

#[test]
fn a_text_that_no_picture_has_in_its_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = Command::new(env!("CARGO_BIN_EXE_gallery"))
        .args(["--only", "nothinglikethis", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&drawn.stderr);
    assert_eq!(drawn.status.code(), Some(2), "{said}");
    assert!(
        said.contains("no picture has \"nothinglikethis\""),
        "{said}"
    );
    assert!(!folder.path().join("index.html").exists());
}
