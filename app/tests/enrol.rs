//! `dashpoint enrol`, run as a person runs it, while another program has the data folder.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::process::Command;

use dashpoint_store::{CheckDepth, Store, StoreOptions};
use dashpoint_wire::SigningKey;

/// Runs `enrol` on a folder in one language and returns its words.
fn refusal(folder: &tempfile::TempDir, language: &str) -> String {
    said(folder, &["enrol"], language)
}

/// Runs a command that is refused on a folder in one language and returns its words.
fn said(folder: &tempfile::TempDir, command: &[&str], language: &str) -> String {
    let refused = Command::new(env!("CARGO_BIN_EXE_dashpoint"))
        .args(command)
        .args(["--language", language, "--config"])
        .arg(folder.path().join("dashpoint.toml"))
        .env_remove("DASHPOINT_CONFIG")
        .env("LC_ALL", "C")
        .env("RUST_LOG", "off")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    String::from_utf8(refused.stderr).unwrap()
}

/// A data folder that a head unit which is nobody's yet has open.
fn open_head_unit() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap();
    let config = format!(
        "[bus]\nbroker = \"127.0.0.1:1\"\n[cloud]\nurl = \"http://127.0.0.1:1\"\nkey = \"{}.{}\"\n",
        key.public(),
        "5a".repeat(32)
    );
    fs::write(folder.path().join("dashpoint.toml"), config).unwrap();
    let options = StoreOptions {
        vfs: None,
        seal: None,
        nonces: Box::new(|| None),
        check: CheckDepth::Ends,
    };
    let store = Store::open(folder.path().join("dashpoint-data"), options).unwrap();
    (folder, store)
}

/// Keeps a code on the screen until then.
fn show_code(store: &mut Store, expires_unix_s: i64) {
    let code = format!(
        r#"{{"vin_end":"0001","code":"E7EW-4GNA","url":"http://127.0.0.1:1","expires_unix_s":{expires_unix_s}}}"#
    );
    store.put_checkpoint("enrolment", code.as_bytes()).unwrap();
}

#[test]
fn beside_an_open_head_unit_enrol_says_where_the_yes_is_given() {
    let (folder, mut store) = open_head_unit();
    assert_eq!(
        refusal(&folder, "en"),
        "dashpoint: a head unit is open on this data folder and enrols by itself: its window shows the code as soon as \
         the cloud answers; or close it, and run `dashpoint enrol` again\n"
    );
    assert_eq!(
        refusal(&folder, "zh"),
        "dashpoint: 已有车机程序在使用此数据目录，并会自行绑定：云端应答后，其窗口即显示绑定码；也可先关闭该程序，再运行 \
         `dashpoint enrol`\n"
    );
    show_code(&mut store, 9_999_999_999);
    assert_eq!(
        refusal(&folder, "en"),
        "dashpoint: the code E7EW-4GNA waits for the yes already: approve that one; or close the program that shows it, \
         and run `dashpoint enrol` again\n"
    );
    assert_eq!(
        refusal(&folder, "zh"),
        "dashpoint: 绑定码 E7EW-4GNA 已在等待确认：请确认该绑定码；也可先关闭显示它的程序，再运行 \
         `dashpoint enrol`\n"
    );
}

const ASKED: [&[&str]; 5] = [
    &["status"],
    &["ledger"],
    &["explain", "1-1"],
    &["sync"],
    &["check-in"],
];

/// A code that has expired waits for a press on the screen, not for the cloud; a program that has ended shows none.
#[test]
fn each_command_says_what_the_screen_of_an_open_head_unit_shows() {
    let (folder, mut store) = open_head_unit();
    for command in ASKED {
        let open = said(&folder, command, "en");
        assert!(open.contains("is open and not enrolled yet"), "{open}");
    }
    show_code(&mut store, 1);
    assert!(refusal(&folder, "en").contains("has expired: press New code there"));
    assert!(refusal(&folder, "zh").contains("已过期：请在屏幕上点“换新码”"));
    for command in ASKED {
        let expired = said(&folder, command, "en");
        assert!(
            expired.contains("press New code there"),
            "{command:?}: {expired}"
        );
        let expired = said(&folder, command, "zh");
        assert!(
            expired.contains("请在屏幕上点“换新码”"),
            "{command:?}: {expired}"
        );
    }
    show_code(&mut store, 9_999_999_999);
    for command in ASKED {
        let waits = said(&folder, command, "en");
        assert!(
            waits.contains("its screen shows the code E7EW-4GNA"),
            "{waits}"
        );
    }
    // Killed: nothing shows the code any more.
    drop(store);
    for command in ASKED {
        let ended = said(&folder, command, "en");
        assert!(
            ended.contains("not enrolled; run `dashpoint enrol` first"),
            "{ended}"
        );
    }
}
