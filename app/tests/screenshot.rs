//! `dashpoint screenshot`, run as a person runs it, on a head unit that is nobody's yet.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use dashpoint_store::{CheckDepth, Store, StoreOptions};
use dashpoint_wire::SigningKey;

/// First bytes of a PNG file, and where it says its size.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

fn screenshot(folder: &Path, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_dashpoint");
    Command::new(program)
        .arg("screenshot")
        .args(["--out", folder.join("page.png").to_str().unwrap()])
        .arg("--config")
        .arg(folder.join("dashpoint.toml"))
        .args(arguments)
        .env_remove("DASHPOINT_CONFIG")
        .env("LC_ALL", "C")
        .env("RUST_LOG", "off")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .unwrap()
}

fn head_unit() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap();
    let config = format!(
        "[bus]\nbroker = \"127.0.0.1:1\"\n[cloud]\nurl = \"http://127.0.0.1:1\"\nkey = \"{}\"\n",
        key.public()
    );
    fs::write(folder.path().join("dashpoint.toml"), config).unwrap();
    folder
}

#[test]
fn a_head_unit_that_never_ran_has_nothing_to_draw_and_says_what_to_do() {
    let folder = head_unit();
    let output = screenshot(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        said,
        "dashpoint: this head unit is not enrolled; run `dashpoint enrol` first\n"
    );
    assert!(!folder.path().join("page.png").exists());
}

#[test]
fn pages_are_drawn_without_a_display_in_the_size_that_was_asked_for() {
    let folder = head_unit();
    let options = StoreOptions {
        vfs: None,
        seal: None,
        nonces: Box::new(|| None),
        check: CheckDepth::Ends,
    };
    let store = Store::open(folder.path().join("dashpoint-data"), options).unwrap();
    let mut seen = Vec::new();
    for arguments in [
        ["--page", "home", "--theme", "day", "--language", "zh"],
        ["--page", "home", "--theme", "night", "--language", "zh"],
        ["--page", "home", "--theme", "night", "--language", "en"],
        ["--page", "settings", "--theme", "night", "--language", "en"],
        [
            "--page",
            "settings",
            "--drive-state",
            "standing",
            "--language",
            "en",
        ],
        ["--page", "enrol", "--theme", "day", "--language", "en"],
    ] {
        // While the folder has an owner: it is only read.
        let output = screenshot(folder.path(), &arguments);
        assert!(output.status.success(), "{output:?}");
        let png = fs::read(folder.path().join("page.png")).unwrap();
        assert!(png.starts_with(PNG));
        assert_eq!(png[16..20], 1_920_u32.to_be_bytes());
        assert_eq!(png[20..24], 720_u32.to_be_bytes());
        assert!(
            !seen.contains(&png),
            "{arguments:?} is drawn as another page"
        );
        seen.push(png);
    }
    drop(store);
    let trip = screenshot(folder.path(), &["--page", "trip", "--language", "en"]);
    assert_eq!(trip.status.code(), Some(1));
    let said = String::from_utf8(trip.stderr).unwrap();
    assert!(said.contains("there is no trip"), "{said}");
    // Without a page it draws what the window of a head unit that is nobody's yet shows.
    let unasked = screenshot(folder.path(), &["--theme", "day", "--language", "en"]);
    assert!(unasked.status.success(), "{unasked:?}");
    let png = fs::read(folder.path().join("page.png")).unwrap();
    assert!(Some(&png) == seen.last(), "it is not the page of enrolment");
    let narrow = screenshot(folder.path(), &["--width", "1280", "--json"]);
    assert!(narrow.status.success(), "{narrow:?}");
    let said: serde_json::Value = serde_json::from_slice(&narrow.stdout).unwrap();
    assert_eq!(said["width_px"], 1_280);
    assert_eq!(
        said["file"],
        folder.path().join("page.png").to_str().unwrap()
    );
    let png = fs::read(folder.path().join("page.png")).unwrap();
    assert_eq!(png[16..20], 1_280_u32.to_be_bytes());
}

#[test]
fn a_picture_that_cannot_be_written_leaves_no_half_of_it() {
    let folder = head_unit();
    let options = StoreOptions {
        vfs: None,
        seal: None,
        nonces: Box::new(|| None),
        check: CheckDepth::Ends,
    };
    drop(Store::open(folder.path().join("dashpoint-data"), options).unwrap());
    // In the place of the picture is a folder: the draft is written and cannot take its place.
    fs::create_dir(folder.path().join("page.png")).unwrap();
    let output = screenshot(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("page.png: cannot be written: "), "{said}");
    assert!(!folder.path().join("page.png.part").exists());
}
