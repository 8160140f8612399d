//! SIGKILL at random, again and again, under the simulated vehicle, while the network comes and goes.

#![expect(
    clippy::print_stderr,
    reason = "whoever reads of a failure needs to know where the kills were"
)]

use dashpoint_membership::Meter;
use jiff::SignedDuration;
use serde_json::Value;
use vehicle_sim::{Command, Cycle, SimulatedCharge};

use crate::support::{Gate, Kind, Manner, PATIENCE, World, answer, charge, free_port, until};

/// Kills, unless `DASHPOINT_KILLS` says how many.
const KILLS: u64 = 10;
/// Kills in one drive or one charge, at most.
const KILLS_AT_ONCE: u64 = 4;
/// Both commands last longer, by more than the vehicle may be ahead of its head unit: none ends while nobody listens.
const US06_S: u64 = 540;
const TOP_UP_S: u64 = 90;

/// Where and whom a kill meets: the same for the same seed.
struct Dice(u64);

impl Dice {
    /// SplitMix64.
    const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    const fn one_of(&mut self, sides: u64) -> bool {
        self.roll().is_multiple_of(sides)
    }

    fn stops(&mut self, count: u64, within_s: u64) -> Vec<SignedDuration> {
        let mut seconds: Vec<_> = (0..count).map(|_| 1 + self.roll() % within_s).collect();
        seconds.sort_unstable();
        seconds
            .into_iter()
            .map(|seconds| SignedDuration::from_secs(seconds.cast_signed()))
            .collect()
    }

    fn weather(&mut self, cloud: u16) -> Manner {
        match self.roll() % 5 {
            0 => Manner::LoseAnswers { cloud },
            1 => Manner::Say(answer("503 Service Unavailable", &[], b"")),
            2 => Manner::Deaf,
            _ => Manner::carry(cloud),
        }
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// A car under a kill: what it had shown before is there after it.
struct Victim {
    world: World,
    gate: Gate,
    cloud: u16,
    dice: Dice,
}

impl Victim {
    /// On a broker that keeps the order of what it hands over, so that nothing comes too late however busy the machine is.
    fn new(seed: u64) -> Option<Self> {
        let mut world = World::new(Kind::Mosquitto)?;
        world.cloud.stop();
        let cloud = free_port();
        world.cloud.serve_on(cloud);
        let gate = Gate::open(world.port, Manner::carry(cloud));
        world.car.start();
        Some(Self {
            world,
            gate,
            cloud,
            dice: Dice(seed),
        })
    }

    /// Does something, and is killed so many times meanwhile.
    fn live_through(
        &mut self,
        command: Command,
        within_s: u64,
        kills: u64,
    ) -> vehicle_sim::Summary {
        let stops = self.dice.stops(kills, within_s);
        eprintln!("killed after {stops:?}");
        let mut held = self.world.vehicle.run_held_at(command, stops);
        for kill in 0..kills {
            if kill > 0 {
                held.next();
            }
            self.gate.set(self.dice.weather(self.cloud));
            if self.dice.one_of(4) {
                self.world.cloud.kill();
                held.go_on();
                self.world.cloud.serve_on(self.cloud);
                continue;
            }
            // While it stands still, or just as it goes on.
            let stands_still = self.dice.one_of(2);
            if !stands_still {
                held.go_on();
            }
            self.kill_the_car();
            if stands_still {
                held.go_on();
            }
        }
        held.ended()
    }

    fn kill_the_car(&mut self) {
        let shown = self.hashes();
        self.world.car.kill();
        self.world.car.start();
        let now = self.hashes();
        assert_eq!(now[..shown.len()], shown, "an entry was lost or changed");
    }

    /// Every entry of the verified ledger, oldest first.
    fn hashes(&self) -> Vec<Value> {
        let rows = self.world.car.verified_ledger();
        rows.iter().rev().map(|row| row["hash"].clone()).collect()
    }

    /// Waits until the car claims all of a meter's rise, and no more; half a percent may be lost where a trip begins.
    fn claims(&self, meter: Meter, units: f64) {
        let mut before = 0.0;
        until("everything is claimed", PATIENCE, || {
            let claimed = self.world.car.claimed_units(meter) as f64;
            if claimed > before {
                eprintln!("{meter:?}: {claimed} of {units}");
                before = claimed;
            }
            assert!(claimed <= units + 1.0, "{claimed} of {units}");
            (claimed >= units * 0.995).then_some(())
        });
    }
}

#[test]
fn killed_at_random_it_loses_nothing_and_gets_nothing_twice() {
    let (kills, seed) = (
        number("DASHPOINT_KILLS", KILLS),
        number("DASHPOINT_SEED", 1),
    );
    eprintln!("DASHPOINT_KILLS={kills} DASHPOINT_SEED={seed}");
    let Some(mut victim) = Victim::new(seed) else {
        return;
    };
    let (mut left, mut metres, mut watt_hours) = (kills, 0.0, 0.0);
    while left > 0 {
        let kills = KILLS_AT_ONCE.min(left);
        left -= kills;
        let drive = victim.live_through(Command::Drive(Cycle::Us06), US06_S, kills);
        metres += drive.distance_m;
        victim.claims(Meter::Odometer, metres);

        let kills = KILLS_AT_ONCE.min(left);
        left -= kills;
        if kills > 0 {
            let top_up = Command::Charge(SimulatedCharge {
                kwh: 3.0,
                ..charge()
            });
            let charged = victim.live_through(top_up, TOP_UP_S, kills);
            watt_hours += charged.charged_kwh * 1_000.0;
            victim.claims(Meter::Charged, watt_hours);
        }
    }

    victim.gate.set(Manner::carry(victim.cloud));
    let Victim { world, .. } = &mut victim;
    world.car.reconcile();
    world.assert_agreed();
    for entry in world.cloud.entries() {
        assert!(entry["verdict"]["rejected"].is_null(), "{entry:#}");
    }
    for (meter, units) in [("odometer", metres), ("charged", watt_hours)] {
        let paid = world.cloud.paid_units(meter) as f64;
        assert!(
            paid <= units + 1.0 && paid >= units * 0.995,
            "{paid} of {units}"
        );
    }
    assert!(world.car.stop().success());
}
