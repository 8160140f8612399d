//! What the head unit's window takes, beside a window with one page, of the same size and in the same font.
//!
//! `cargo bench -p dashpoint-tests --bench screen`. Both are programs of their own on one display in memory, in one run:
//! from their start to their first frame, by turns; and the memory that they hold, the head unit's also after an hour of
//! driving and after a second one, played as fast as it is taken. `-- frame` and `-- memory` are a half each.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot go on stops, and says what it found"
)]

#[expect(
    dead_code,
    unused_imports,
    reason = "shared with the tests of the whole; each uses another part"
)]
#[path = "../tests/e2e/support/mod.rs"]
mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use vehicle_sim::{Command as Does, Cycle};

use crate::support::{Display, Kind, PATIENCE, World, now, until};

/// Starts of each program.
const STARTS: usize = 15;
const RATIO_FRAME: f64 = 1.5;
const RATIO_MEMORY: f64 = 2.0;
/// An hour and three minutes, of every kind of road.
const AN_HOUR: [Cycle; 3] = [Cycle::Wltc3b, Cycle::Udds, Cycle::Us06];
/// More than a window needs to come to rest.
const REST: Duration = Duration::from_secs(3);
/// What a second hour may add and still be called flat.
const GROWTH_KIB: u64 = 1_024;

fn main() -> ExitCode {
    let only = std::env::args().nth(1).unwrap_or_default();
    let Some(display) = Display::open() else {
        return ExitCode::SUCCESS;
    };
    let world = World::new(Kind::Rumqttd).unwrap();
    // The cloud has been met, so that there is something to show; then it is gone.
    let mut head_unit = Program::head_unit(&world, &display);
    world.car.reconcile();
    world.vehicle.run(&Does::Drive(Cycle::Us06));
    world.car.reconcile();
    head_unit.end();
    drop(head_unit);
    if only != "memory" {
        first_frames(&world, &display);
    }
    if only != "frame" {
        memory(&world, &display);
    }
    ExitCode::SUCCESS
}

/// From the start of a program to its first frame, by turns.
fn first_frames(world: &World, display: &Display) {
    let (mut pages, mut cars) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        pages.push(Program::one_page(display).first_frame);
        let mut car = Program::head_unit(world, display);
        cars.push(car.first_frame);
        car.end();
    }
    let (page, car) = (median(&mut pages), median(&mut cars));
    println!(
        "first frame      one page {:>6.1} ms   head unit {:>6.1} ms   {:.2}   aim {RATIO_FRAME}",
        page.as_secs_f64() * 1_000.0,
        car.as_secs_f64() * 1_000.0,
        car.as_secs_f64() / page.as_secs_f64()
    );
}

/// What each holds at rest, and the head unit after an hour of driving and another one.
fn memory(world: &World, display: &Display) {
    let page = Program::one_page(display);
    thread::sleep(REST);
    let page_kib = page.resident_kib();
    drop(page);
    let mut car = Program::head_unit(world, display);
    thread::sleep(REST);
    let tell = |when: &str, kib: u64| {
        println!(
            "memory {when:<18} one page {page_kib:>6} KiB   head unit {kib:>6} KiB   {:.2}   aim {RATIO_MEMORY}",
            kib as f64 / page_kib as f64
        );
    };
    tell("at rest", car.resident_kib());
    let mut hours = [0; 3];
    for (number, kib) in hours.iter_mut().enumerate() {
        let began = now();
        for cycle in AN_HOUR {
            world.vehicle.run(&Does::Drive(cycle));
        }
        thread::sleep(REST);
        *kib = car.resident_kib();
        let what = format!(
            "after {} h ({:.0} s)",
            number + 1,
            began.elapsed().as_secs_f64()
        );
        tell(&what, *kib);
    }
    let flat = hours[2] <= hours[0] + GROWTH_KIB;
    println!("memory is {}", if flat { "flat" } else { "NOT flat" });
    car.end();
}

/// A program with a window.
struct Program {
    child: Child,
    first_frame: Duration,
}

impl Program {
    fn one_page(display: &Display) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_one-page"));
        Self::start(&mut command, display)
    }

    /// The head unit; it has heard the vehicle when it is there.
    fn head_unit(world: &World, display: &Display) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_head-unit"));
        command.args(["run", "--config"]).arg(world.car.config());
        let started = Self::start(command.env("RUST_LOG", "info"), display);
        until("the head unit is on the bus", PATIENCE, || {
            (world.car.status()["live"]["bus"] == true).then_some(())
        });
        started
    }

    fn start(command: &mut Command, display: &Display) -> Self {
        let began: Instant = now();
        let mut child = command
            .env("DISPLAY", display.name())
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("SLINT_BACKEND")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = lines.find(|line| line.as_ref().unwrap().contains("first frame"));
        first.expect("a first frame").unwrap();
        let first_frame = began.elapsed();
        // What it says later must not wait for anybody.
        thread::spawn(move || lines.for_each(drop));
        Self { child, first_frame }
    }

    fn resident_kib(&self) -> u64 {
        let status = Path::new("/proc").join(self.child.id().to_string());
        let status = fs::read_to_string(status.join("status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line.unwrap().split_whitespace().nth(1).unwrap();
        kib.parse().unwrap()
    }

    /// SIGTERM, and its orderly end.
    fn end(&mut self) {
        let told = Command::new("sh")
            .args(["-c", &format!("kill -TERM {}", self.child.id())])
            .status();
        assert!(told.unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
