//! What the scenarios do, worked out without a broker.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod support;

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use support::{number, numbers, of};
use vehicle_sim::{
    Command, Cycle, Delivery, Endpoint, EnergySource, Garbage, Options, Plan, Ready, Scenario,
    SimError, SimulatedCharge, SimulatedDriver, Simulator, VssSignal, VssValue,
};

fn simulator() -> Simulator {
    let now = "2026-11-22T03:00:00Z".parse().unwrap();
    let mut options = Options::new(Endpoint::local(1), now);
    options.zone = TimeZone::get("Asia/Shanghai").unwrap();
    Simulator::new(options).unwrap()
}

fn plan(steps: &[&str]) -> Plan {
    try_plan(steps).unwrap()
}

fn try_plan(steps: &[&str]) -> Result<Plan, SimError> {
    let steps: String = steps
        .iter()
        .map(|step| format!("[[step]]\n{step}\n"))
        .collect();
    let text = format!("about = \"a test\"\n{steps}");
    simulator().plan(&Command::Scenario(Scenario::parse("test", &text)?))
}

fn ready(name: &str) -> Plan {
    let ready = Ready::ALL.iter().find(|ready| ready.name == name).unwrap();
    simulator()
        .plan(&Command::Scenario(ready.scenario().unwrap()))
        .unwrap()
}

fn texts(plan: &Plan, signal: VssSignal) -> Vec<String> {
    of(plan, signal)
        .into_iter()
        .map(|message| match &message.value {
            VssValue::Text(text) => text.clone(),
            VssValue::Bool(_) | VssValue::Int(_) | VssValue::Float(_) => panic!("{message:?}"),
        })
        .collect()
}

/// The longest silence.
fn silence(plan: &Plan) -> SignedDuration {
    let silences = plan
        .messages
        .windows(2)
        .map(|pair| pair[1].at.duration_since(pair[0].at));
    silences.max().unwrap()
}

#[test]
fn a_drive_is_the_same_in_a_scenario() {
    let alone = simulator().plan(&Command::Drive(Cycle::Us06)).unwrap();
    assert_eq!(
        plan(&["drive = { cycle = \"us06\" }"]).messages,
        alone.messages
    );
    assert_eq!(
        plan(&["drive = { cycle = \"us06\" }", "park = {}"]).messages,
        alone.messages
    );
}

#[test]
fn without_faults_time_never_goes_back_and_the_car_ends_parked() {
    for one in Ready::ALL {
        let plan = ready(one.name);
        assert_eq!(
            texts(&plan, VssSignal::Ignition).last().unwrap(),
            "OFF",
            "{}",
            one.name
        );
        assert_eq!(
            of(&plan, VssSignal::SelectedGear).last().unwrap().value,
            VssValue::Int(126)
        );
        if one.name != "faulty-sensor" {
            assert!(
                plan.messages.is_sorted_by_key(|message| message.at),
                "{}",
                one.name
            );
        }
        let again = ready(one.name);
        assert_eq!(again, plan, "same arguments, same messages");
    }
}

#[test]
fn a_red_light_is_no_silence_and_no_park() {
    let plan = ready("red-lights");
    assert!(silence(&plan) <= SignedDuration::from_secs(1));
    assert_eq!(texts(&plan, VssSignal::Ignition), ["ON", "OFF"]);
    let gears: Vec<f64> = numbers(&plan, VssSignal::SelectedGear);
    assert_eq!(gears, [127.0, 0.0, 127.0, 126.0]);
    let standing = of(&plan, VssSignal::Speed)
        .into_iter()
        .filter(|message| number(&message.value) == 0.0);
    assert!(standing.count() > 45 + 90 + 240);
}

#[test]
fn asleep_nothing_is_published_until_the_car_wakes() {
    let charge = SimulatedCharge {
        kwh: 18.0,
        renewable_percent: 80,
        source: EnergySource::Iso15118,
        dc: false,
    };
    let plan = simulator().plan(&Command::ChargeAsleep(charge)).unwrap();
    // From 08:00 for 10,000 s, and then all at once.
    let wakes: Timestamp = "2026-11-22T02:46:40Z".parse().unwrap();
    assert!(plan.messages.iter().all(|message| message.at == wakes));
    assert!(
        plan.messages
            .iter()
            .all(|message| message.delivery == Delivery::State)
    );
    assert_eq!(numbers(&plan, VssSignal::ChargedEnergy), [18.0]);
    assert_eq!(
        of(&plan, VssSignal::IsCharging)[0].value,
        VssValue::Bool(false)
    );
    assert_eq!(texts(&plan, VssSignal::Ignition), ["OFF"]);
    assert!(of(&plan, VssSignal::RenewablePercentage).is_empty());

    let plan = ready("charge-asleep");
    assert!(silence(&plan) >= SignedDuration::from_mins(149));
    assert_eq!(numbers(&plan, VssSignal::ChargedEnergy), [0.0, 18.0]);
}

#[test]
fn drivers_change_and_a_guest_has_no_name() {
    let plan = ready("two-drivers");
    assert_eq!(texts(&plan, VssSignal::DriverSubject), ["chen", "wang", ""]);
    assert_eq!(texts(&plan, VssSignal::Language), ["en"]);
    let mut simulator = simulator();
    simulator.options_mut().identity.driver = Some(SimulatedDriver::guest());
    let plan = simulator.plan(&Command::Drive(Cycle::Us06)).unwrap();
    assert_eq!(texts(&plan, VssSignal::DriverSubject), [""]);
    simulator.options_mut().identity.driver = None;
    let plan = simulator.plan(&Command::Drive(Cycle::Us06)).unwrap();
    assert!(
        of(&plan, VssSignal::DriverSubject).is_empty(),
        "what is there stays"
    );
}

#[test]
fn the_clock_goes_to_the_next_such_time() {
    let local = |plan: &Plan, signal| {
        let at = of(plan, signal).last().unwrap().at;
        at.to_zoned(TimeZone::get("Asia/Shanghai").unwrap())
            .strftime("%F %T")
            .to_string()
    };
    let night = plan(&["clock = { to = \"23:45\" }", "night = {}"]);
    assert_eq!(local(&night, VssSignal::DayNight), "2026-11-22 23:45:01");
    let morning = plan(&["clock = { to = \"07:00\" }", "day = {}"]);
    assert_eq!(local(&morning, VssSignal::DayNight), "2026-11-23 07:00:01");
    let exact = plan(&["clock = { to = \"2026-12-01T00:00:00Z\" }", "day = {}"]);
    assert_eq!(local(&exact, VssSignal::DayNight), "2026-12-01 08:00:01");
    let error = try_plan(&["park = {}", "clock = { to = \"1970-01-01T00:00:00Z\" }"]).unwrap_err();
    assert!(
        matches!(&error, SimError::Step { line: 4, source, .. } if matches!(**source, SimError::ClockBack { .. })),
        "{error:?}"
    );
    assert!(error.is_usage());
}

#[test]
fn a_week_offline_is_a_week() {
    let plan = ready("week-offline");
    let (first, last) = plan.span();
    assert!(last.duration_since(first) > SignedDuration::from_hours(6 * 24));
    let online: Vec<&VssValue> = of(&plan, VssSignal::Connectivity)
        .into_iter()
        .map(|m| &m.value)
        .collect();
    assert_eq!(
        (online.first(), online.last()),
        (Some(&&VssValue::Bool(false)), Some(&&VssValue::Bool(true)))
    );
    let rises = numbers(&plan, VssSignal::ChargedEnergy);
    assert_eq!(rises.last(), Some(&12.0));
}

#[test]
fn each_small_step_is_said_once_and_as_the_tree_has_it() {
    let numbered = plan(&[
        "gear = { select = \"reverse\" }",
        "gear = { select = \"neutral\" }",
        "gear = { select = \"drive\" }",
        "gear = { select = \"park\" }",
    ]);
    let gears = numbers(&numbered, VssSignal::SelectedGear);
    assert_eq!(gears, [-1.0, 0.0, 127.0, 126.0]);

    let said = plan(&[
        "offline = {}",
        "online = {}",
        "night = {}",
        "day = {}",
        "language = { code = \"de\" }",
        "say = { signal = \"Vehicle.ADAS.ABS.IsEngaged\", value = true }",
    ]);
    let ways: Vec<&VssValue> = of(&said, VssSignal::Connectivity)
        .into_iter()
        .map(|message| &message.value)
        .collect();
    assert!(
        ways.ends_with(&[&VssValue::Bool(false), &VssValue::Bool(true)]),
        "{ways:?}"
    );
    let lights = texts(&said, VssSignal::DayNight);
    assert!(
        lights.ends_with(&["NIGHT".to_owned(), "DAY".to_owned()]),
        "{lights:?}"
    );
    assert_eq!(texts(&said, VssSignal::Language), ["de"]);
    let engaged = said
        .messages
        .iter()
        .filter(|m| m.path == "Vehicle.ADAS.ABS.IsEngaged");
    let engaged: Vec<&VssValue> = engaged.map(|message| &message.value).collect();
    assert_eq!(engaged, [&VssValue::Bool(true)]);

    let slept = plan(&["park = {}", "sleep = { for = \"8h\" }"]);
    assert!(silence(&slept) >= SignedDuration::from_hours(8));
    let odometers = of(&slept, VssSignal::Odometer).len();
    assert_eq!(odometers, 2, "every state is said anew when it wakes");

    let charged = plan(&["charge = { kwh = 3, renewable = 60, source = \"SITE\", dc = true }"]);
    assert_eq!(
        numbers(&charged, VssSignal::ChargedEnergy).last(),
        Some(&3.0)
    );
    assert!(texts(&charged, VssSignal::EnergyMixSource).contains(&"SITE".to_owned()));
    assert!(numbers(&charged, VssSignal::RenewablePercentage).contains(&60.0));
}

const US06: &str = "drive = { cycle = \"us06\", for = \"100s\" }";
const SPEED: &str = "Vehicle.Speed";

#[test]
fn faults_do_what_they_are_called() {
    let whole = plan(&[US06]);
    let with = |fault: &str| plan(&[fault, US06]);
    let speeds = |plan: &Plan| of(plan, VssSignal::Speed).len();

    let lost = with("fault = { does = \"omit\", signal = \"Vehicle.Speed\" }");
    assert_eq!(speeds(&lost), 0);
    assert_eq!(lost.messages.len(), whole.messages.len() - speeds(&whole));
    let half = with("fault = { does = \"lose\", signal = \"Vehicle.Speed\", percent = 50 }");
    assert!((30..=80).contains(&speeds(&half)), "{}", speeds(&half));
    let doubled = with(
        "fault = { does = \"double\" , after = \"10s\", for = \"20s\", signal = \"Vehicle.Speed\" }",
    );
    assert_eq!(speeds(&doubled), speeds(&whole) + 20);

    let late = with("fault = { does = { delay = \"5s\" }, signal = \"Vehicle.Speed\" }");
    let position = |plan: &Plan, path: &str, at: Timestamp| {
        plan.messages
            .iter()
            .position(|m| m.path == path && m.at == at)
            .unwrap()
    };
    let at = of(&whole, VssSignal::Speed)[50].at;
    let five_later = at + SignedDuration::from_secs(5);
    let power = VssSignal::BatteryPower.path();
    assert!(position(&late, SPEED, at) > position(&late, power, at + SignedDuration::from_secs(4)));
    assert!(position(&late, SPEED, at) < position(&late, power, five_later));
    assert_eq!(speeds(&late), speeds(&whole));

    let shuffled = with("fault = { does = { reorder = \"2s\" } }");
    assert!(!shuffled.messages.is_sorted_by_key(|message| message.at));
    assert_eq!(shuffled.messages.len(), whole.messages.len());
    let mut newest = Timestamp::MIN;
    for message in &shuffled.messages {
        newest = newest.max(message.at);
        assert!(newest.duration_since(message.at) <= SignedDuration::from_secs(2));
    }

    let frozen = with("fault = { does = \"freeze\", signal = \"Vehicle.Speed\", after = \"30s\" }");
    let values = numbers(&frozen, VssSignal::Speed);
    assert_eq!(&values[..30], &numbers(&whole, VssSignal::Speed)[..30]);
    assert!(values[30..].iter().all(|value| *value == values[30]));

    let leaps = with(
        "fault = { does = { shift = 1e7 }, signal = \"Vehicle.TraveledDistance\", after = \"40s\", for = \"3s\" }",
    );
    let back = with(
        "fault = { does = { shift = -1e7 }, signal = \"Vehicle.TraveledDistance\", after = \"40s\", for = \"3s\" }",
    );
    let (truth, leaps, back) = (
        numbers(&whole, VssSignal::Odometer),
        numbers(&leaps, VssSignal::Odometer),
        numbers(&back, VssSignal::Odometer),
    );
    let leapt = |seen: &[f64], is: fn(f64, f64) -> bool| {
        let others: Vec<_> = truth
            .iter()
            .zip(seen)
            .filter(|(truth, seen)| truth != seen)
            .collect();
        assert!(
            others.iter().all(|(truth, seen)| is(**truth, **seen)),
            "{others:?}"
        );
        others.len()
    };
    let far = leapt(&leaps, |truth, seen| seen - truth == 1e7);
    let nought = leapt(&back, |_, seen| seen == 0.0);
    assert!((1..=3).contains(&far) && nought == far, "{far} {nought}");

    let garbage = with("fault = { does = { garbage = \"nan\" }, signal = \"Vehicle.Speed\" }");
    assert!(
        of(&garbage, VssSignal::Speed)
            .iter()
            .all(|m| m.garbage == Some(Garbage::Nan))
    );
}

#[test]
fn clocks_are_wrong_and_the_car_goes_on() {
    let whole = plan(&[US06]);
    let ahead = |plan: &Plan, path: &str| -> BTreeSet<i64> {
        let its = plan.messages.iter().filter(|m| m.path.starts_with(path));
        its.map(|m| m.stamp().duration_since(m.at).as_secs())
            .collect()
    };
    for (does, speed, battery) in [
        ("{ clock-ahead = \"1h\" }", 3_600, 3_600),
        ("{ clock-behind = \"1h\" }", -3_600, -3_600),
        ("{ two-clocks = \"40s\" }", 0, -40),
    ] {
        let fault = format!("fault = {{ does = {does}, after = \"30s\", for = \"20s\" }}");
        let wrong = plan(&[&fault, US06]);
        let expected = |seconds| BTreeSet::from([0, seconds]);
        assert_eq!(ahead(&wrong, SPEED), expected(speed), "{does}");
        let power = VssSignal::BatteryPower.path();
        assert_eq!(ahead(&wrong, power), expected(battery), "{does}");
        let values = |plan: &Plan| -> Vec<_> {
            let all = plan.messages.iter();
            all.map(|m| (m.path.clone(), m.value.clone(), m.at))
                .collect()
        };
        assert_eq!(values(&wrong), values(&whole), "{does}");
        let met = wrong.messages.iter().find(|m| m.stamp() != m.at).unwrap();
        assert!(met.payload().contains(&format!("{:.3}", met.stamp())));
    }
}

#[test]
fn a_sensor_holds_and_a_bus_says_only_what_changes() {
    let truth = numbers(&plan(&[US06]), VssSignal::Speed);
    let held = plan(&[
        "fault = { does = { hold = \"5s\" }, signal = \"Vehicle.Speed\" }",
        US06,
    ]);
    let held = numbers(&held, VssSignal::Speed);
    assert_eq!(held.len(), truth.len());
    for (at, speed) in held.iter().enumerate() {
        assert_eq!(*speed, truth[at / 5 * 5], "{at}");
    }

    let changes = plan(&["fault = { does = \"on-change\" }", US06]);
    let changes = numbers(&changes, VssSignal::Speed);
    assert!(changes.windows(2).all(|pair| pair[0] != pair[1]));
    let mut expected = truth;
    expected.dedup();
    assert_eq!(changes, expected);

    let nothing = plan(&[
        "fault = { does = { not-available = 4294967295 }, signal = \"Vehicle.TraveledDistance\" }",
        US06,
    ]);
    let odometer = numbers(&nothing, VssSignal::Odometer);
    assert!(
        odometer[1..]
            .iter()
            .all(|metres| *metres == 4_294_967_295.0)
    );
}

#[test]
fn meters_and_batteries_are_exchanged() {
    let replaced = plan(&[
        US06,
        "meter-replaced = { meter = \"odometer\", reads = 0.5 }",
        "meter-replaced = { meter = \"charged-energy\", reads = 7.0 }",
        "meter-replaced = { meter = \"consumed-energy\" }",
        US06,
    ]);
    let odometer = numbers(&replaced, VssSignal::Odometer);
    let back = odometer.windows(2).position(|pair| pair[1] < pair[0]);
    let back = back.unwrap();
    assert_eq!(odometer[back + 1], 500.0);
    let driven = odometer.last().unwrap() - 500.0;
    assert!((driven - odometer[back]).abs() <= 1.0, "{driven}");
    assert_eq!(numbers(&replaced, VssSignal::ChargedEnergy), [0.0, 7.0]);
    assert!(numbers(&replaced, VssSignal::ConsumedEnergy).contains(&0.0));

    let swapped = plan(&[US06, "swap = { percent = 90, charged = 5012.5 }", US06]);
    assert_eq!(numbers(&swapped, VssSignal::ChargedEnergy), [0.0, 5_012.5]);
    assert!(numbers(&swapped, VssSignal::StateOfCharge).contains(&90.0));
    assert_eq!(
        texts(&swapped, VssSignal::Ignition),
        ["ON", "OFF", "ON", "OFF"]
    );
    let charging = of(&swapped, VssSignal::IsCharging);
    assert!(charging.iter().all(|m| m.value == VssValue::Bool(false)));
    let kept = plan(&["swap = { percent = 90 }"]);
    assert_eq!(numbers(&kept, VssSignal::ChargedEnergy), [0.0]);
}

#[test]
fn what_was_disturbed_is_said_as_it_is_when_all_is_well() {
    let plan = plan(&[
        "fault = { does = \"freeze\", signal = \"Vehicle.TraveledDistance\" }",
        US06,
        "heal = {}",
    ]);
    let odometer = numbers(&plan, VssSignal::Odometer);
    let (truth, frozen) = odometer.split_last().unwrap();
    assert!(*truth > 1_000.0 && frozen.iter().skip(1).all(|metres| *metres == frozen[1]));
}

#[test]
fn chance_is_that_of_the_seed() {
    let lossy = |seed| {
        let mut simulator = simulator();
        simulator.options_mut().seed = seed;
        let text = format!(
            "about = \"x\"\n[[step]]\nfault = {{ does = \"lose\", percent = 50 }}\n[[step]]\n{US06}\n"
        );
        let scenario = Scenario::parse("x", &text).unwrap();
        simulator
            .plan(&Command::Scenario(scenario))
            .unwrap()
            .messages
    };
    assert_eq!(lossy(7), lossy(7));
    assert_ne!(lossy(7), lossy(8));
}

#[test]
fn what_makes_no_sense_is_refused_with_its_line() {
    for (step, part) in [
        (
            "say = { signal = \"Vehicle.Speed\", value = 900.0 }",
            "the car itself publishes",
        ),
        (
            "say = { signal = \"speed\", value = 900.0 }",
            "not a VSS path",
        ),
        (
            "fault = { does = \"lose\", signal = \"speed\" }",
            "not a VSS path",
        ),
        ("language = { code = \"english\" }", "ISO 639-1"),
        ("charge = { kwh = 50.0, renewable = 80 }", "has room for"),
    ] {
        let error = try_plan(&["park = {}", step]).unwrap_err();
        let whole = format!("{:#}", anyhow::Error::from(error));
        assert!(whole.contains("line 4") && whole.contains(part), "{whole}");
    }
    // Found when it is read, at its place in the step.
    let charge = "charge = { kwh = -1.0, renewable = 80 }";
    let error = try_plan(&["park = {}", charge]).unwrap_err();
    let whole = format!("{:#}", anyhow::Error::from(error));
    assert!(
        whole.contains("line 5") && whole.contains("expected a number above 0"),
        "{whole}"
    );
}
