//! The three programs and a real mosquitto by hand, line by line as README has it.

use std::fs;
use std::path::Path;
use std::process::Command as Process;

use serde_json::Value;

use crate::page::{block, programs, said};
use crate::support::{Bus, PATIENCE, Program, free_port, until};

/// Lines of the block: those that go on, with what they go on with.
fn lines(block: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut here_document = false;
    for line in block.lines() {
        if here_document {
            let last = lines.last_mut().unwrap();
            *last += &format!("\n{line}");
            here_document = line != "EOF";
        } else if !line.is_empty() && !line.starts_with('#') {
            here_document = line.ends_with("<<EOF");
            let bare = line.split(" #").next().unwrap().trim_end();
            lines.push(bare.to_owned());
        }
    }
    lines
}

/// A line that goes on beside the next ones.
fn beside(folder: &Path, line: &str, log: &str) -> Program {
    let path = std::env::var("PATH").unwrap();
    let line = line.strip_suffix('&').unwrap();
    let mut shell = Process::new("sh");
    shell
        .args(["-c", &format!("exec {line}")])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", folder.join("bin").display()))
        .env("LC_ALL", "C")
        .env_remove("DASHPOINT_CONFIG")
        .env_remove("DASHPOINT_DATA")
        .env_remove("DASHPOINT_BROKER");
    Program::start(&mut shell, &folder.join(log))
}

/// What a command says in JSON.
fn told(folder: &Path, line: &str) -> Value {
    serde_json::from_str(&said(folder, &format!("{line} --json"))).unwrap()
}

#[test]
fn three_programs_by_hand_end_with_the_same_points_on_both_sides() {
    let block = block("README.md", "cargo build --release -p dashpoint");
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let (bus_port, cloud_port) = (free_port(), free_port());
    programs(folder);
    let (mut bus, mut cloud, mut car) = (None, None, None);
    let (mut member, mut code, mut agreed) = (String::new(), String::new(), false);
    let mut pending = 0;
    for line in lines(&block) {
        let line = line
            .replace("1883", &bus_port.to_string())
            .replace("8460", &cloud_port.to_string())
            .replace("MEMBER", &member)
            .replace("CODE", &code);
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            // Built by cargo for this test, and in a folder of its own.
            ["cargo", "build", ..] | ["export", ..] | ["cd", ..] | ["CLOUD=$!"] => {}
            ["mosquitto", ..] => {
                let Some(started) = Bus::configured(folder, bus_port) else {
                    return;
                };
                bus = Some(started);
            }
            ["dashpoint-cloud", "serve", ..] => {
                let line = line.replace('&', &format!("--listen 127.0.0.1:{cloud_port} &"));
                cloud = Some(beside(folder, &line, "cloud.log"));
                until("the cloud serves", PATIENCE, || {
                    std::net::TcpStream::connect(("127.0.0.1", cloud_port)).ok()
                });
            }
            ["dashpoint-cloud", "member", ..] => {
                let added = told(folder, &line);
                added["member"].as_str().unwrap().clone_into(&mut member);
            }
            ["dashpoint", "enrol", ..] => {
                car = Some(beside(folder, &line, "enrol.log"));
                code = until("the head unit shows its code", PATIENCE, || {
                    let said = fs::read_to_string(folder.join("enrol.log")).unwrap();
                    let shown = told(folder, "dashpoint-cloud device list --data cloud");
                    let code = shown["waiting"][0]["code"].as_str()?;
                    said.contains(code).then(|| code.to_owned())
                });
            }
            ["dashpoint-cloud", "device", "approve", ..] => {
                said(folder, &line);
                assert!(car.take().unwrap().ended().success());
            }
            ["kill", ..] => assert!(cloud.take().unwrap().terminate().success()),
            ["dashpoint", "run", ..] => car = Some(beside(folder, &line, "car.log")),
            ["vehicle-sim", ..] => {
                said(
                    folder,
                    &format!("{line} --broker 127.0.0.1:{bus_port} --patience 60"),
                );
            }
            ["dashpoint", "status"] => {
                // What was said last is on its way to the ledger, and to the cloud, still.
                let is_back = cloud.is_some();
                let status = until("the head unit shows what came of it", PATIENCE, || {
                    let status = told(folder, &line);
                    let held = status["members"][0]["pending"].as_i64()?;
                    let as_awaited = if is_back {
                        held == 0 && status["live"]["entries_without_receipt"] == 0
                    } else {
                        held > 0
                    };
                    as_awaited.then_some(status)
                });
                pending = status["members"][0]["pending"].as_i64().unwrap();
                assert_eq!(pending > 0, !is_back, "{status:#}");
            }
            ["dashpoint-cloud", "statement", ..] => {
                let statement = told(folder, &line);
                let lots = statement["account"]["lots"].as_array().unwrap();
                let there = lots.iter().map(|lot| lot["remaining"].as_i64().unwrap());
                let here = told(folder, "dashpoint status");
                let here = here["members"][0]["confirmed"].as_i64().unwrap();
                assert!(here > 0);
                assert_eq!(there.sum::<i64>(), here);
                agreed = true;
            }
            ["dashpoint-cloud", "init", ..]
            | ["printf" | "cat", ..]
            | ["dashpoint", "sync"]
            | ["dashpoint", "ledger", ..] => {
                said(folder, &line);
            }
            _ => panic!("nobody knows what to do with {line}"),
        }
    }
    assert!(agreed && pending == 0, "the block goes on to its end");
    assert!(car.unwrap().terminate().success());
    assert!(cloud.unwrap().terminate().success());
    drop(bus);
}
