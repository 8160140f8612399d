//! The borders between the rooms, as cargo resolves them: the compiler lets nothing through that is not linked.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; helpers outside of test functions are tests too"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Whose code an executable of the crate contains.
struct Graph {
    names: BTreeMap<String, String>,
    /// Normal dependencies only: nothing of a build script or of a test is linked.
    normal: BTreeMap<String, Vec<String>>,
    /// Of any kind.
    all: BTreeMap<String, Vec<String>>,
    members: BTreeSet<String>,
}

impl Graph {
    /// Reads the graph of the platform that the tests were built on: a build downloads the crates of no other one, and
    /// the tests must pass on a machine that has just built them.
    fn read() -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--offline", "--locked"])
            .args(["--filter-platform", &host_platform()])
            .arg("--manifest-path")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let list = |value: &Value| value.as_array().unwrap().clone();
        let mut graph = Self {
            names: BTreeMap::new(),
            normal: BTreeMap::new(),
            all: BTreeMap::new(),
            members: BTreeSet::new(),
        };
        for package in list(&metadata["packages"]) {
            graph
                .names
                .insert(text(&package["id"]), text(&package["name"]));
        }
        for member in list(&metadata["workspace_members"]) {
            graph.members.insert(graph.names[&text(&member)].clone());
        }
        for node in list(&metadata["resolve"]["nodes"]) {
            let deps = list(&node["deps"]);
            let is_normal = |dep: &&Value| {
                list(&dep["dep_kinds"])
                    .iter()
                    .any(|kind| kind["kind"].is_null())
            };
            let pkg = |dep: &Value| text(&dep["pkg"]);
            let id = text(&node["id"]);
            let normal = deps.iter().filter(is_normal).map(pkg).collect();
            graph.normal.insert(id.clone(), normal);
            graph.all.insert(id, deps.iter().map(pkg).collect());
        }
        graph
    }

    /// Names of everything that a crate of the workspace depends on, by these edges.
    fn closure(&self, name: &str, edges: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
        assert!(
            self.members.contains(name),
            "{name} is no room of the house"
        );
        let root = self.names.iter().find(|(_, named)| *named == name);
        let mut open = vec![root.unwrap().0.clone()];
        let mut reached = BTreeSet::new();
        while let Some(id) = open.pop() {
            for dep in &edges[&id] {
                if reached.insert(dep.clone()) {
                    open.push(dep.clone());
                }
            }
        }
        reached.iter().map(|id| self.names[id].clone()).collect()
    }

    #[track_caller]
    fn assert_free_of(&self, name: &str, forbidden: &[&str]) {
        let linked = self.closure(name, &self.normal);
        for crate_name in forbidden {
            assert!(!linked.contains(*crate_name), "{name} links {crate_name}");
        }
    }
}

/// Reads the target triple of the toolchain's own platform.
fn host_platform() -> String {
    let output = Command::new(env!("CARGO")).arg("-vV").output().unwrap();
    let version = String::from_utf8(output.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.unwrap().to_owned()
}

#[test]
fn what_is_linked_can_be_told() {
    let graph = Graph::read();
    let cloud = graph.closure("dashpoint-cloud", &graph.normal);
    for linked in [
        "tokio",
        "rusqlite",
        "ring",
        "libsqlite3-sys",
        "dashpoint-membership",
    ] {
        assert!(cloud.contains(linked), "{linked} is missing: {cloud:?}");
    }
    let head_unit = graph.closure("dashpoint", &graph.normal);
    for linked in [
        "rumqttc-v4-next",
        "reqwest",
        "dashpoint-store",
        "dashpoint-telematics",
    ] {
        assert!(head_unit.contains(linked), "{linked} is missing");
    }
    assert!(!head_unit.contains("rcgen"), "a dependency of tests only");
}

#[test]
fn the_pure_rooms_link_no_runtime_no_database_no_network_and_no_screen() {
    let graph = Graph::read();
    let forbidden = [
        "tokio",
        "rusqlite",
        "libsqlite3-sys",
        "rumqttc-v4-next",
        "mqtt5",
        "reqwest",
        "hyper",
        "axum",
        "rustls",
        "ring",
        "slint",
        "dashpoint-wire",
    ];
    graph.assert_free_of("dashpoint-membership", &forbidden);
    graph.assert_free_of("dashpoint-telematics", &forbidden);
}

#[test]
fn the_wire_and_the_store_link_no_runtime_and_no_network() {
    let graph = Graph::read();
    let network = [
        "tokio",
        "rumqttc-v4-next",
        "reqwest",
        "hyper",
        "axum",
        "mqtt5",
    ];
    graph.assert_free_of("dashpoint-wire", &network);
    graph.assert_free_of("dashpoint-wire", &["rusqlite"]);
    graph.assert_free_of("dashpoint-store", &network);
    graph.assert_free_of(
        "dashpoint-sync-http",
        &["rusqlite", "rumqttc-v4-next", "mqtt5"],
    );
}

#[test]
fn the_reconciler_links_no_http_client_no_tls_and_no_runtime() {
    let graph = Graph::read();
    let io = ["reqwest", "hyper", "axum", "rustls", "tokio", "mio"];
    graph.assert_free_of("dashpoint-sync", &io);
    graph.assert_free_of("dashpoint-sync", &["rusqlite", "rumqttc-v4-next", "mqtt5"]);
    let transport = graph.closure("dashpoint-sync-http", &graph.normal);
    assert!(
        transport.contains("reqwest"),
        "the transport is the one that may"
    );
}

#[test]
fn the_simulated_vehicle_shares_no_code_with_the_car() {
    let graph = Graph::read();
    let reached = graph.closure("vehicle-sim", &graph.all);
    let shared: Vec<_> = reached
        .iter()
        .filter(|name| *name != "vehicle-sim" && graph.members.contains(*name))
        .collect();
    assert_eq!(shared, Vec::<&String>::new());
}

#[test]
fn the_head_unit_links_neither_the_broker_nor_the_cloud_nor_the_simulator() {
    let graph = Graph::read();
    graph.assert_free_of(
        "dashpoint",
        &[
            "mqtt5",
            "dashpoint-cloud",
            "vehicle-sim",
            "axum",
            "dashpoint-tests",
            "dashpoint-demo",
        ],
    );
}

#[test]
fn only_the_screen_and_what_starts_it_link_slint() {
    let graph = Graph::read();
    let may = [
        "dashpoint",
        "dashpoint-ui",
        "dashpoint-demo",
        "dashpoint-one-page",
        "dashpoint-tests",
    ];
    for name in graph
        .members
        .iter()
        .filter(|name| !may.contains(&name.as_str()))
    {
        let linked = graph.closure(name, &graph.all);
        let slint = linked
            .iter()
            .find(|linked| *linked == "slint" || linked.starts_with("i-slint"));
        assert_eq!(slint, None, "{name}");
    }
}
