//! Commands that are refused: the line for a person, the JSON for a program, the exit code.

use std::process::ExitCode;

use crate::cli::run;

#[test]
fn what_is_wrong_is_told_to_people_and_with_json_to_programs() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let (_, out, err) = run(&["device", "aprove", "7K3M-Z0QA"]);
    assert!(out.is_empty() && err.contains("'approve'"), "{err}");
    // A command of a group that was typed without it is found there, not the least unlike one of the first level.
    let (_, _, err) = run(&["aprove", "7K3M-Z0QA"]);
    assert!(err.contains("did you mean `device approve`?"), "{err}");
    // A command that its group does not have is looked for in no other group.
    let (_, _, err) = run(&["catalogue", "list"]);
    assert!(err.contains("`catalogue` has show, check, sign"), "{err}");
    let (_, _, err) = run(&["serv"]);
    assert!(err.contains("'serve'"), "{err}");
    for (line, code, part) in [
        (&["member", "list"][..], 2, "`dashpoint-cloud init --data"),
        (&["device", "aprove"], 2, "unrecognized subcommand 'aprove'"),
        (&["device", "aprove"], 2, "'approve'"),
    ] {
        let words = [&["--json", "--data", data], line].concat();
        let (exit, out, err) = run(&words);
        assert_eq!(exit, ExitCode::from(code), "{err}");
        let told: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert!(told["error"].as_str().unwrap().contains(part), "{out}");
        assert!(err.contains(part), "{err}");
    }
    let (exit, ..) = run(&["--data", data, "init"]);
    assert_eq!(exit, ExitCode::SUCCESS);
    let nameless = ["--data", data, "member", "add", "--name", " "];
    let (exit, _, err) = run(&nameless);
    assert_eq!(exit, ExitCode::from(2), "{err}");
    for name in [
        "Li\nHan",
        "Li\u{1b}[2J",
        "Li\u{7f}",
        "Li\u{9b}1m",
        "Li\u{202e}naH",
        "Li\u{200f}",
        "Li\u{61c}",
        "Li\u{2028}",
    ] {
        let (exit, _, err) = run(&["--data", data, "member", "add", "--name", name]);
        assert_eq!(exit, ExitCode::from(2), "{name:?}");
        assert!(err.contains("control characters"), "{err}");
    }
    let (exit, out, _) = run(&["--data", data, "member", "list"]);
    assert!(exit == ExitCode::SUCCESS && !out.contains("Li"), "{out}");

    let gone = folder.path().join("gone.db");
    let (exit, _, err) = run(&["--data", data, "restore", gone.to_str().unwrap()]);
    assert!(
        exit == ExitCode::from(2) && err.contains("gone.db does not exist"),
        "{err}"
    );
    let circle = folder.path().join("circle.db");
    std::os::unix::fs::symlink(&circle, &circle).unwrap();
    let (exit, _, err) = run(&["--data", data, "restore", circle.to_str().unwrap()]);
    assert!(
        exit != ExitCode::SUCCESS && err.contains("cannot read") && err.contains("symbolic links"),
        "{err}"
    );
    let text = folder.path().join("notes.txt");
    std::fs::write(
        &text,
        "no database, but long enough to be read as one".repeat(40),
    )
    .unwrap();
    let (exit, _, err) = run(&["--data", data, "restore", text.to_str().unwrap()]);
    assert!(
        exit == ExitCode::from(2) && err.contains("notes.txt is not a database"),
        "{err}"
    );
}

#[test]
fn a_database_without_its_key_is_told_apart_from_no_cloud() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    assert_eq!(run(&["--data", data, "init"]).0, ExitCode::SUCCESS);
    let key = folder.path().join("cloud-key.pk8");
    std::fs::remove_file(&key).unwrap();
    for command in [
        &["member", "list"][..],
        &["serve", "--listen", "127.0.0.1:0"],
        &["init"],
    ] {
        let words = [&["--data", data], command].concat();
        let (exit, _, err) = run(&words);
        assert_ne!(exit, ExitCode::SUCCESS, "{command:?}");
        let part = if command == ["init"] {
            "is there already"
        } else {
            "missing beside its database: put the key back"
        };
        assert!(err.contains(part), "{command:?}: {err}");
    }
    std::fs::write(&key, b"").unwrap();
    let (exit, _, err) = run(&["--data", data, "member", "list"]);
    assert!(
        exit == ExitCode::from(1) && err.contains("cloud-key.pk8 holds no key"),
        "{err}"
    );
}
