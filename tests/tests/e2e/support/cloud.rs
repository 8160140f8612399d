//! The member cloud as a process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use dashpoint_membership::Policy;
use dashpoint_wire::{PublicKey, SigningKey};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::program::{Program, ask, stderr, stdout};
use super::{MEMBER_NAME, PATIENCE, until};

/// The member cloud: its folder, and the program that serves from it.
pub struct MemberCloud {
    folder: PathBuf,
    port: u16,
    key: PublicKey,
    running: Option<Program>,
}

impl MemberCloud {
    /// A new cloud, serving.
    pub fn start(folder: &Path, port: u16) -> Self {
        fs::create_dir_all(folder).unwrap();
        let mut cloud = Self::of(folder, port, PublicKey::from_bytes([0; 32]));
        cloud.serve();
        cloud.key = until("the cloud tells its key", PATIENCE, || {
            cloud.said().lines().find_map(|line| {
                let said: Value = serde_json::from_str(line).ok()?;
                said["public_key"].as_str()?.parse().ok()
            })
        });
        cloud
    }

    /// A cloud that does not serve yet.
    pub fn of(folder: &Path, port: u16, key: PublicKey) -> Self {
        Self {
            folder: folder.to_owned(),
            port,
            key,
            running: None,
        }
    }

    /// Serves on the same port as ever, and returns when it does.
    pub fn serve(&mut self) {
        self.serve_on(self.port);
    }

    /// Serves again if it was stopped.
    pub fn serve_if_stopped(&mut self) {
        if self.running.is_none() {
            self.serve();
        }
    }

    /// Serves on another port.
    pub fn serve_on(&mut self, port: u16) {
        self.port = port;
        let mut command = self.command(&["serve", "--listen", &format!("127.0.0.1:{port}")]);
        let mut program = Program::start(command.env("RUST_LOG", "debug"), &self.log());
        until("the cloud serves", PATIENCE, || {
            assert!(program.has_ended().is_none(), "{}", self.said());
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        self.running = Some(program);
    }

    /// Stops as by its service manager.
    pub fn stop(&mut self) {
        if let Some(program) = self.running.take() {
            assert!(program.terminate().success());
        }
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.running.take().unwrap().kill();
    }

    /// The devices that it knows.
    pub fn devices(&self) -> Vec<Value> {
        self.ask(&["device", "list"])["devices"]
            .as_array()
            .unwrap()
            .clone()
    }

    /// Shuts a device out.
    pub fn revoke(&self, device: &str) {
        self.ask(&["device", "revoke", device]);
    }

    /// Writes a copy of its database to a new file, and goes on serving if it does.
    pub fn back_up(&self, file: &Path) {
        self.ask(&["backup", &file.display().to_string()]);
    }

    /// Puts a backup in the place of its database; tells what the operator is told.
    pub fn restore(&self, backup: &Path) -> Value {
        self.ask(&["restore", &backup.display().to_string()])
    }

    /// The policy in force, to be changed and signed again.
    pub fn policy(&self) -> Policy {
        serde_json::from_value(self.ask(&["policy", "show"])).unwrap()
    }

    /// The file that an operator would sign.
    pub fn policy_file(&self, policy: &Policy) -> String {
        let file = self.folder.with_file_name("policy.toml");
        fs::write(&file, toml::to_string(policy).unwrap()).unwrap();
        file.display().to_string()
    }

    /// Signs a policy.
    pub fn sign_policy(&self, policy: &Policy) {
        self.ask(&["policy", "sign", &self.policy_file(policy)]);
    }

    /// The key that it signs with.
    pub fn signing_key(&self) -> SigningKey {
        let key = fs::read(self.folder.join("cloud-key.pk8")).unwrap();
        SigningKey::from_pkcs8(&key).unwrap()
    }

    /// Its database.
    pub fn database(&self) -> PathBuf {
        self.folder.join("cloud.db")
    }

    /// The key that verifies what it signs.
    pub const fn key(&self) -> PublicKey {
        self.key
    }

    /// Makes somebody a member.
    pub fn add_member(&self) -> String {
        let added = self.ask(&["member", "add", "--name", MEMBER_NAME]);
        added["member"].as_str().unwrap().to_owned()
    }

    /// Agrees as the operator to the only head unit that waits.
    pub fn consent_to_who_waits(&self) {
        let devices = self.ask(&["device", "list"]);
        let code = devices["waiting"][0]["code"].as_str().unwrap().to_owned();
        self.ask(&["device", "consent", &code, "--reason", "sold"]);
    }

    /// Says yes to the only head unit that waits.
    pub fn approve_who_waits(&self, member: &str) {
        let code = until("a head unit waits to be enrolled", PATIENCE, || {
            let devices = self.ask(&["device", "list"]);
            Some(devices["waiting"][0]["code"].as_str()?.to_owned())
        });
        self.ask(&["device", "approve", &code, "--member", member]);
    }

    /// The member's points, as the statement has them.
    pub fn points(&self, member: &str) -> i64 {
        let statement = self.ask(&["statement", member]);
        let lots = statement["account"]["lots"].as_array().unwrap();
        lots.iter()
            .map(|lot| lot["remaining"].as_i64().unwrap())
            .sum()
    }

    /// Every entry that it has, in the order they came.
    pub fn entries(&self) -> Vec<Value> {
        self.ask(&["entries"]).as_array().unwrap().clone()
    }

    /// Its folder: everything that it knows.
    pub fn data(&self) -> &Path {
        &self.folder
    }

    /// What it would tell the member.
    pub fn statement(&self, member: &str) -> Value {
        self.ask(&["statement", member])
    }

    /// Which life of its database this is.
    pub fn server_epoch(&self) -> i64 {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let db = Connection::open_with_flags(self.database(), flags).unwrap();
        db.query_row("SELECT server_epoch FROM cloud", [], |row| row.get(0))
            .unwrap()
    }

    /// How much of a meter it has paid for, by its own books; nothing of it twice.
    pub fn paid_units(&self, meter: &str) -> u64 {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let db = Connection::open_with_flags(self.database(), flags).unwrap();
        let mut rows = db
            .prepare("SELECT lo, hi FROM intervals WHERE meter = ?1 ORDER BY lo")
            .unwrap();
        let rows = rows.query_map([meter], |row| Ok((row.get(0)?, row.get(1)?)));
        let intervals: Vec<(u64, u64)> = rows.unwrap().map(Result::unwrap).collect();
        for pair in intervals.windows(2) {
            assert!(pair[0].1 <= pair[1].0, "{meter}: paid twice: {intervals:?}");
        }
        intervals.iter().map(|(lo, hi)| hi - lo).sum()
    }

    /// The meters that cars have opened, or ask to open, as `meter list` shows them.
    pub fn openings(&self) -> Vec<Value> {
        let shown = self.ask(&["meter", "list"]);
        shown["openings"].as_array().unwrap().clone()
    }

    /// Opens a meter as the operator who has seen the bill.
    pub fn accept_opening(&self, entry: &str) {
        self.ask(&["meter", "accept", entry, "--reason", "seen"]);
    }

    /// Everything that the program has said.
    pub fn said(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Runs a command of the program that may fail.
    pub fn try_ask(&self, args: &[&str]) -> Output {
        ask(&mut self.command(args))
    }

    fn ask(&self, args: &[&str]) -> Value {
        let output = self.try_ask(args);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        serde_json::from_str(&stdout(&output)).unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_member-cloud"));
        command
            .args(["--json", "--data"])
            .arg(&self.folder)
            .args(args)
            .env_remove("DASHPOINT_DATA");
        command
    }

    fn log(&self) -> PathBuf {
        self.folder.with_extension("log")
    }
}
