//! The head unit as a process, and what can be asked of it.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};

use dashpoint_membership::{Charge, DeviceId, Entry, Evidence, Meter, Transaction, Trip};
use dashpoint_store::{SealKey, StoreReader};
use dashpoint_wire::PublicKey;
use serde_json::Value;

use super::program::{Program, ask, stderr, stdout};
use super::{MemberCloud, PATIENCE, SALT, VIN, WrongClock, copy_folder, until};

/// The head unit: its folder, and the program that runs on it.
pub struct Car {
    folder: PathBuf,
    key: PublicKey,
    running: Option<Program>,
    /// Where its window opens; without one it runs without a screen.
    display: Option<String>,
    /// What its programs take for the time, if it is not that.
    clock: Option<WrongClock>,
}

impl Car {
    /// A head unit with its configuration.
    pub fn new(folder: &Path, bus: u16, cloud: u16, key: PublicKey) -> Self {
        fs::create_dir_all(folder).unwrap();
        let car = Self {
            folder: folder.to_owned(),
            key,
            running: None,
            display: None,
            clock: None,
        };
        car.configure(&format!(
            "[bus]\nbroker = \"127.0.0.1:{bus}\"\n[cloud]\nurl = \"http://127.0.0.1:{cloud}\"\nkey = \"{key}.{SALT}\"\nsend_within_s = 0\n\
             [vehicle]\nvin = \"{VIN}\"\n"
        ));
        car
    }

    /// Writes the configuration anew.
    pub fn configure(&self, text: &str) {
        fs::write(self.config(), text).unwrap();
    }

    /// Enrols for a member, who says yes.
    pub fn enrol(&self, cloud: &MemberCloud, member: &str) {
        self.enrol_by(&["enrol"], cloud, member);
    }

    /// Enrols for a member whom the vehicle's bus names so, as ISSUER#SUBJECT.
    pub fn enrol_driver(&self, cloud: &MemberCloud, member: &str, driver: &str) {
        self.enrol_by(&["enrol", "--driver", driver], cloud, member);
    }

    fn enrol_by(&self, command: &[&str], cloud: &MemberCloud, member: &str) {
        let mut asking = Program::start(&mut self.command(command), &self.log());
        cloud.approve_who_waits(member);
        assert!(asking.ended().success(), "{}", self.said());
    }

    /// Begins to enrol and waits for nobody; what it says on standard output is added to `out`.
    pub fn begin_enrolment(&self, out: &Path) -> Program {
        let mut enrol = self.command(&["enrol", "--json"]);
        Program::start_apart(&mut enrol, out, &self.log())
    }

    /// Opens its window there from the next start on.
    pub fn show_on(&mut self, display: &str) {
        self.display = Some(display.to_owned());
    }

    /// Goes by another clock from the next start on, or by the right one again.
    pub fn goes_by(&mut self, clock: Option<WrongClock>) {
        self.clock = clock;
    }

    /// Starts it without waiting for anything.
    pub fn launch(&mut self) {
        let mut command = match &self.display {
            None => self.command(&["run", "--no-screen"]),
            Some(display) => {
                let mut command = self.command(&["run"]);
                command
                    .env("DISPLAY", display)
                    .env_remove("WAYLAND_DISPLAY");
                command
            }
        };
        // Everything that its own code has to say: the logs are searched for what must not be in them.
        command.env(
            "RUST_LOG",
            "info,dashpoint=trace,dashpoint_sync=trace,dashpoint_store=trace",
        );
        self.running = Some(Program::start(&mut command, &self.log()));
    }

    /// Starts it and returns when it listens to the bus.
    pub fn start(&mut self) {
        self.launch();
        until("the head unit is on the bus", PATIENCE, || {
            let ended = self.running.as_mut().unwrap().has_ended();
            assert!(ended.is_none(), "{ended:?}: {}", self.said());
            let status = self.try_status()?;
            (status["live"]["bus"] == true).then_some(())
        });
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.running.take().unwrap().kill();
    }

    /// SIGTERM.
    pub fn stop(&mut self) -> ExitStatus {
        self.running.take().unwrap().terminate()
    }

    /// Waits until it ends of itself.
    pub fn ended(&mut self) -> ExitStatus {
        self.running.take().unwrap().ended()
    }

    /// The running process.
    pub fn process(&self) -> u32 {
        self.running.as_ref().unwrap().id()
    }

    /// Runs a command of the program on this head unit.
    pub fn ask(&self, args: &[&str]) -> Output {
        ask(&mut self.command(args))
    }

    /// Asks for what the screen shows. A head unit that runs and is too busy to tell of itself is asked again.
    pub fn status(&self) -> Value {
        until("the head unit tells of itself", PATIENCE, || {
            let output = self.ask(&["status", "--json"]);
            assert!(output.status.success(), "{}", stderr(&output));
            let status: Value = serde_json::from_str(&stdout(&output)).unwrap();
            let is_busy = status["running"] == true && status["live"].is_null();
            (!is_busy).then_some(status)
        })
    }

    /// The same of a head unit whose ledger may be on its way from one file to another.
    pub fn try_status(&self) -> Option<Value> {
        let output = self.ask(&["status", "--json"]);
        serde_json::from_str(&stdout(&output)).ok()
    }

    /// The member's confirmed and pending points.
    pub fn points(&self) -> (i64, i64) {
        let member = &self.status()["members"][0];
        let points = |name: &str| member[name].as_i64().unwrap();
        (points("confirmed"), points("pending"))
    }

    /// Tells it to reconcile now and does not wait for it; gives how far it was.
    pub fn sync(&self) -> Value {
        let output = self.ask(&["sync", "--json", "--wait", "0"]);
        let report = serde_json::from_str(&stdout(&output));
        report.unwrap_or_else(|_| panic!("{}", stderr(&output)))
    }

    /// Tells it to reconcile until the cloud has everything and everything is confirmed.
    pub fn reconcile(&self) -> Value {
        until("everything is confirmed", PATIENCE, || {
            self.sync();
            let status = self.status();
            let connection = &status["live"]["connection"]["state"];
            let settled = connection == "online"
                && status["live"]["entries_without_receipt"] == 0
                && status["members"][0]["pending_entries"] == Value::Array(Vec::new());
            settled.then_some(status)
        })
    }

    /// Waits until the chain has so many entries.
    pub fn wait_for_entries(&self, count: u64) {
        until("evidence becomes entries", PATIENCE, || {
            (self.status()["head"]["seq"].as_u64()? >= count).then_some(())
        });
    }

    /// `ledger --verify`, which must pass; gives the rows, newest first.
    pub fn verified_ledger(&self) -> Vec<Value> {
        let output = self.ask(&["ledger", "--verify", "--json", "--last", "10000"]);
        assert!(
            output.status.success(),
            "{}{}",
            stdout(&output),
            stderr(&output)
        );
        let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
        report["entries"].as_array().unwrap().clone()
    }

    /// Who the cloud says that it is.
    pub fn device(&self) -> DeviceId {
        let device = &self.status()["head"]["device"];
        device.as_str().unwrap().parse().unwrap()
    }

    /// The entries of the chain, verified, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        let reader = StoreReader::open(&self.data(), None, None).unwrap();
        let device = self.device();
        let certificate = reader.certificate().unwrap().unwrap();
        let certificate = certificate.verify(&self.key, &device).unwrap();
        let mut entries = Vec::new();
        reader
            .for_each_entry(|stored| {
                let signed = stored.raw.verify(&certificate.body().key, &device).unwrap();
                entries.push(signed.into_parts().1);
                ControlFlow::Continue(())
            })
            .unwrap();
        entries
    }

    /// The trips of the chain, oldest first.
    pub fn trips(&self) -> Vec<Trip> {
        let trip = |evidence| match evidence {
            Evidence::Trip(trip) => Some(trip),
            Evidence::Charge(_) | Evidence::Discharge(_) => None,
        };
        self.evidence().into_iter().filter_map(trip).collect()
    }

    /// The charging sessions of the chain, oldest first.
    pub fn charges(&self) -> Vec<Charge> {
        let charge = |evidence| match evidence {
            Evidence::Charge(charge) => Some(charge),
            Evidence::Trip(_) | Evidence::Discharge(_) => None,
        };
        self.evidence().into_iter().filter_map(charge).collect()
    }

    fn evidence(&self) -> Vec<Evidence> {
        let of = |entry: Entry| match entry.transaction() {
            Transaction::Earn { evidence, .. } => Some(evidence.clone()),
            Transaction::Member { .. } | Transaction::OpenMeter(_) => None,
        };
        self.entries().into_iter().filter_map(of).collect()
    }

    /// How much of a meter its entries claim.
    pub fn claimed_units(&self, meter: Meter) -> u64 {
        let claims = self.entries().into_iter();
        let claims = claims.filter_map(|entry| entry.transaction().interval());
        let of_meter = claims.filter(|interval| interval.meter == meter);
        of_meter.map(|interval| interval.length()).sum()
    }

    /// What is written down of the trip or session that is open.
    pub fn checkpoint(&self) -> Option<Vec<u8>> {
        let seal = fs::read(self.data().join("seal.key")).unwrap();
        let seal = SealKey::from_bytes(seal.try_into().unwrap());
        let reader = StoreReader::open(&self.data(), None, Some(seal)).unwrap();
        let name = format!("telematics/{}", self.device());
        reader.checkpoint(&name).unwrap()
    }

    /// The policies that it holds.
    pub fn policies(&self) -> Vec<u32> {
        let reader = StoreReader::open(&self.data(), None, None).unwrap();
        let held = reader.policies().unwrap().into_iter();
        held.map(|(version, _)| version.get()).collect()
    }

    /// Tells it to reconcile until it holds a policy.
    pub fn wait_for_policy(&self, version: u32) {
        until("the policy is held", PATIENCE, || {
            self.sync();
            self.policies().contains(&version).then_some(())
        });
    }

    /// Everything that the program has said.
    pub fn said(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// The same head unit beside itself in another folder, as it is now and on another bus. Neither runs.
    pub fn copied(&self, folder: &Path, bus: u16, cloud: u16) -> Self {
        copy_folder(&self.folder, folder);
        Self::new(folder, bus, cloud, self.key)
    }

    /// Puts the data folder back to what it was in a copy.
    pub fn restore(&self, copy: &Self) {
        fs::remove_dir_all(self.data()).unwrap();
        copy_folder(&copy.data(), &self.data());
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.join("dashpoint-data")
    }

    /// The configuration.
    pub fn config(&self) -> PathBuf {
        self.folder.join("dashpoint.toml")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_head-unit"));
        command.args(args).arg("--config").arg(self.config());
        command.env_remove("DASHPOINT_CONFIG");
        // What is read here is English, and the window's language that of the car.
        command.env("LC_ALL", "C");
        if let Some(clock) = &self.clock {
            clock.put_on(&mut command);
        }
        command
    }

    fn log(&self) -> PathBuf {
        self.folder.join("head-unit.log")
    }
}
