//! `dashpoint enrol`, run as a person runs it, while another program has the data folder.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::process::Command;

use dashpoint_store::{CheckDepth, Store, StoreOptions};
use dashpoint_wire::SigningKey;

/// Runs `enrol` on a folder in one language and returns its words.
fn refusal(folder: &tempfile::TempDir, language: &str) -> String {
    let refused = Command::new(env!("CARGO_BIN_EXE_dashpoint"))
        .args(["enrol", "--language", language, "--config"])
        .arg(folder.path().join("dashpoint.toml"))
        .env("RUST_LOG", "off")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    String::from_utf8(refused.stderr).unwrap()
}

#[test]
fn beside_an_open_head_unit_enrol_says_where_the_yes_is_given() {
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
    let mut store = Store::open(folder.path().join("dashpoint-data"), options).unwrap();
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
    let code = r#"{"vin_end":"0001","code":"E7EW-4GNA","url":"http://127.0.0.1:1","expires_unix_s":9999999999}"#;
    store.put_checkpoint("enrolment", code.as_bytes()).unwrap();
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
