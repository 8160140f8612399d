//! The whole way over a real broker.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod head_unit;
#[path = "../../../tests/tests/e2e/support/ports.rs"]
mod ports;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Stdio};
use std::time::Duration;

use head_unit::{IDLE, head_unit};
use ports::free_port;
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use tokio::io::{AsyncReadExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use vehicle_sim::{
    Broker, Command, Cycle, Delivery, Endpoint, EnergySource, Gateway, Message, Options, Plan,
    Progress, Ready, Scenario, SeenPart, SimError, SimulatedCharge, Simulator, Summary,
};

const NOW: &str = "2026-11-22T03:00:00Z";

fn simulator(broker: &Broker) -> Simulator {
    Simulator::new(Options::hosted(broker, NOW.parse().unwrap())).unwrap()
}

/// The topics that hold a retained message after a plan.
fn states(plan: &Plan) -> BTreeSet<String> {
    let states = plan
        .messages
        .iter()
        .filter(|message| message.delivery == Delivery::State);
    states.map(|message| message.path.to_string()).collect()
}

fn charge() -> Command {
    let source = EnergySource::Iso15118;
    Command::Charge(SimulatedCharge {
        kwh: 2.0,
        renewable_percent: 80,
        source,
        dc: false,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_sent_is_taken_in_time() {
    let broker = Broker::start(0).unwrap();
    let mut simulator = simulator(&broker);
    simulator.options_mut().patience = PATIENCE;
    // What is retained from the command before comes first.
    let mut retained = 0;
    for command in [Command::Drive(Cycle::Us06), charge()] {
        let plan = simulator.plan(&command).unwrap();
        let head_unit = head_unit(
            broker.port(),
            true,
            retained,
            plan.messages.len() + retained,
        )
        .await;
        let summary = simulator.run(&command).await.unwrap();
        let taken = head_unit.end().await;
        assert_eq!(summary.delivered.messages, plan.messages.len());
        assert_eq!(taken.total(), plan.messages.len() + retained);
        assert_eq!(taken.retained, retained);
        assert!(taken.late_ms <= 2_000, "{} ms late", taken.late_ms);
        assert_eq!(summary.delivered.seen, SeenPart::All);
        assert!(summary.all_seen() && summary.delivered.paced && summary.delivered.sent_again == 0);
        assert_eq!(simulator.state().clock, Some(plan.span().1));
        retained = states(&plan).len();
    }
    assert!((simulator.state().meters.odometer_m - 12_887.6).abs() < 1.0);
    assert_eq!(simulator.state().meters.charged_kwh, 2.0);
}

/// More than a broker takes to listen on a busy machine.
const STARTS_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// More than a head unit of these tests is busy with something else.
const PATIENCE: Duration = Duration::from_secs(60);

/// A mosquitto that ends with the test.
struct Mosquitto {
    process: Child,
    port: u16,
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Starts one, or says that there is none. With `DASHPOINT_REQUIRE=all` that fails the test.
fn mosquitto() -> Option<Mosquitto> {
    let port = free_port();
    let started = std::process::Command::new("mosquitto")
        .args(["-p", &port.to_string()])
        .stderr(Stdio::null())
        .spawn();
    let Ok(process) = started else {
        let required = std::env::var("DASHPOINT_REQUIRE").is_ok_and(|what| what == "all");
        assert!(!required, "missing: mosquitto");
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: mosquitto is missing");
        }
        return None;
    };
    let mut mosquitto = Mosquitto { process, port };
    let looks = STARTS_WITHIN.as_millis() / LOOK_EVERY.as_millis();
    let listens = (0..looks).any(|_| {
        let ended = mosquitto.process.try_wait().unwrap();
        assert!(ended.is_none(), "mosquitto has ended: {ended:?}");
        let is_there = std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        if !is_there {
            std::thread::sleep(LOOK_EVERY);
        }
        is_there
    });
    assert!(listens, "mosquitto does not listen");
    Some(mosquitto)
}

fn scenario(name: &str) -> Command {
    let ready = Ready::ALL.iter().find(|ready| ready.name == name).unwrap();
    Command::Scenario(ready.scenario().unwrap())
}

/// With messages that come twice and late.
const DRIVE: &str = r#"
about = "a short drive"
[[step]]
fault = { does = "double", percent = 10 }
[[step]]
fault = { does = { delay = "1s" }, percent = 10 }
[[step]]
drive = { cycle = "us06", for = "4m" }
[[step]]
guest = {}
[[step]]
traffic-light = { for = "20s" }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn through_mosquitto_everything_sent_is_taken() {
    let Some(mosquitto) = mosquitto() else { return };
    let mut options = Options::new(Endpoint::local(mosquitto.port), NOW.parse().unwrap());
    options.patience = PATIENCE;
    let mut simulator = Simulator::new(options).unwrap();
    let mut retained = BTreeSet::new();
    let Command::Charge(asleep) = charge() else {
        panic!("a charge")
    };
    let commands = [
        Command::Scenario(Scenario::parse("a drive", DRIVE).unwrap()),
        charge(),
        Command::ChargeAsleep(asleep),
    ];
    for command in commands {
        let plan = simulator.plan(&command).unwrap();
        let expected = plan.messages.len() + retained.len();
        let head_unit = head_unit(mosquitto.port, true, retained.len(), expected).await;
        let summary = simulator.run(&command).await.unwrap();
        let taken = head_unit.end().await;
        assert_eq!((taken.total(), taken.retained), (expected, retained.len()));
        assert!(taken.late_ms <= 2_000, "{} ms late", taken.late_ms);
        assert!(summary.all_seen() && summary.delivered.paced, "{summary}");
        retained.extend(states(&plan));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hosted_broker_restarts_in_the_middle_of_a_drive() {
    let broker = Broker::start(0).unwrap();
    let mut simulator = simulator(&broker);
    let mut said = Vec::new();
    let summary = simulator
        .run_reporting(
            &scenario("broker-restart"),
            &mut |progress| match progress {
                Progress::NobodyAnswers | Progress::Reconnecting => said.push(progress),
                Progress::Sent { .. } => {}
            },
        )
        .await
        .unwrap();
    assert!(said.contains(&Progress::Reconnecting), "{said:?}");
    assert_eq!(summary.delivered.sent_again, 0);
    // What the car said before is forgotten, and it has said everything again.
    let plan = simulator.plan(&scenario("broker-restart")).unwrap();
    let count = states(&plan).len();
    let taken = head_unit(broker.port(), false, count, count)
        .await
        .end()
        .await;
    assert_eq!(taken.retained, count);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_broker_is_not_restarted() {
    let Some(mosquitto) = mosquitto() else { return };
    let mut options = Options::new(Endpoint::local(mosquitto.port), NOW.parse().unwrap());
    options.patience = Duration::ZERO;
    let mut simulator = Simulator::new(options).unwrap();
    let outcome = simulator.run(&scenario("broker-restart")).await;
    assert!(matches!(outcome, Err(SimError::NotHosted { .. })));
    assert!(simulator.state().meters.odometer_m > 1_000.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_car_goes_on_from_step_to_step() {
    let broker = Broker::start(0).unwrap();
    let mut simulator = simulator(&broker);
    simulator.options_mut().patience = Duration::ZERO;
    let mut car = simulator.live().unwrap();
    let quiet: &mut (dyn FnMut(Progress) + Send) = &mut |_| {};
    let mut odometer_m = Vec::new();
    for line in [
        "drive = { cycle = \"us06\", for = \"60s\" }",
        "fault = { does = \"omit\", signal = \"Vehicle.Speed\" }",
        "drive = { cycle = \"us06\", for = \"60s\" }",
        "park",
    ] {
        let said = simulator
            .step(&mut car, &line.parse().unwrap(), quiet)
            .await
            .unwrap();
        assert_eq!(said.is_none(), line.starts_with("fault"), "{line}");
        odometer_m.push(simulator.state().meters.odometer_m);
    }
    assert!(odometer_m[0] > 500.0 && odometer_m[1] == odometer_m[0]);
    assert!((odometer_m[2] - 2.0 * odometer_m[0]).abs() < 1.0 && odometer_m[3] == odometer_m[2]);
    let clock = simulator.state().clock;
    let wrong = "clock = { to = \"1970-01-01T00:00:00Z\" }".parse().unwrap();
    assert!(simulator.step(&mut car, &wrong, quiet).await.is_err());
    assert_eq!(simulator.state().clock, clock);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_gateway_says_the_same() {
    let lines = [
        "drive = { cycle = \"us06\", for = \"60s\" }",
        "traffic-light = { for = \"20s\" }",
        "drive = { cycle = \"us06\", for = \"90s\" }",
    ];
    let steps = lines.map(|line| format!("[[step]]\n{line}\n")).concat();
    let about = "about = \"two drives\"\n";
    let whole = Scenario::parse("two drives", &format!("{about}{steps}")).unwrap();
    for gateway in [Gateway::Ovms, Gateway::TeslaMate, Gateway::SlowCloud] {
        let broker = Broker::start(0).unwrap();
        let mut simulator = simulator(&broker);
        simulator.options_mut().gateway = gateway;
        let whole = simulator.translate(&Command::Scenario(whole.clone()));
        let quiet: &mut (dyn FnMut(Progress) + Send) = &mut |_| {};
        let mut car = simulator.live().unwrap();
        let mut said = 0;
        let mut take = |summary: Option<Summary>| {
            said += summary.map_or(0, |summary| summary.delivered.messages);
        };
        for line in lines {
            let step = line.parse().unwrap();
            take(simulator.step(&mut car, &step, quiet).await.unwrap());
        }
        take(simulator.end(car, quiet).await.unwrap());
        assert_eq!(said, whole.unwrap().len(), "{gateway:?}");
        assert!(simulator.state().meters.odometer_m > 2_000.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_subscriber_learns_the_states_and_no_sample() {
    let broker = Broker::start(0).unwrap();
    let mut simulator = simulator(&broker);
    let expected = states(&simulator.plan(&charge()).unwrap()).len();
    simulator.run(&charge()).await.unwrap();
    let taken = head_unit(broker.port(), false, expected, expected)
        .await
        .end()
        .await;
    assert_eq!((taken.retained, taken.counts.len()), (expected, expected));
    assert!(!taken.counts.contains_key("vss/Vehicle/Speed"));
    let charged = &taken.last["vss/Vehicle/Powertrain/TractionBattery/AccumulatedChargedEnergy"];
    assert_eq!(charged, r#"{"value":2.0,"ts":"2026-11-22T08:18:32.111Z"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_it_goes_on_and_says_so_once() {
    let broker = Broker::start(0).unwrap();
    let mut simulator = simulator(&broker);
    let command = Command::Drive(Cycle::Us06);
    let plan = simulator.plan(&command).unwrap();
    let head_unit = head_unit(broker.port(), false, 0, plan.messages.len()).await;
    let mut said = Vec::new();
    let summary = simulator
        .run_reporting(&command, &mut |progress| match progress {
            Progress::NobodyAnswers | Progress::Reconnecting => said.push(progress),
            Progress::Sent { .. } => {}
        })
        .await
        .unwrap();
    assert_eq!(said, [Progress::NobodyAnswers]);
    assert_eq!(summary.delivered.seen, SeenPart::NoAnswer);
    assert!(!summary.delivered.paced);
    assert_eq!(head_unit.end().await.total(), plan.messages.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_keeps_what_it_keeps_and_waits_for_nobody() {
    let broker = Broker::start(0).unwrap();
    let mut simulator = simulator(&broker);
    simulator.options_mut().gateway = Gateway::Ovms;
    let said = simulator.translate(&charge()).unwrap();
    let summary = simulator.run(&charge()).await.unwrap();
    assert_eq!(summary.delivered.messages, said.len());
    assert_eq!(summary.delivered.samples, said.len());
    assert_eq!(summary.delivered.seen, SeenPart::Untold);
    assert!(!summary.delivered.paced && !summary.all_seen());
    assert_eq!(simulator.state().meters.charged_kwh, 2.0);

    let last = said.into_iter().map(|said| (said.topic, said.payload));
    let last: BTreeMap<String, String> = last.collect();
    // Nobody acknowledges QoS 0: the broker may take the end of it while somebody subscribes, who then gets it live.
    let kept = timeout(PATIENCE, async {
        loop {
            let (kept, is_retained) = taken_anew(broker.port(), "ovms/#", last.len()).await;
            if kept == last && is_retained {
                return kept;
            }
        }
    });
    let kept = kept.await.unwrap();
    assert_eq!(kept["ovms/simulator/SIM1/metric/v/c/charging"], "no");
    assert_eq!(kept["ovms/simulator/SIM1/metric/v/c/kwh"], "2");
}

/// After a clock that was ahead nothing that comes is newer, and a clock that is behind says nothing new at all.
const WRONG_CLOCK: &str = r#"
about = "a clock that is behind for a while"
[[step]]
fault = { does = { clock-behind = "1h" }, after = "10s", for = "10s" }
[[step]]
drive = { cycle = "us06", for = "30s" }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_waits_for_nobody() {
    let broker = Broker::start(0).unwrap();
    let mut simulator = simulator(&broker);
    let wrong = Scenario::parse("a clock", WRONG_CLOCK).unwrap();
    for command in [scenario("wrong-clocks"), Command::Scenario(wrong)] {
        // It answers, as it would to the right times.
        let head_unit = head_unit(broker.port(), true, 0, 1).await;
        let summary = simulator.run(&command).await.unwrap();
        head_unit.end().await;
        assert_eq!(summary.delivered.seen, SeenPart::Untold);
        assert!(!summary.delivered.paced, "{summary}");
        assert!(summary.to_string().contains("or wrong ones"), "{summary}");
    }
}

/// Subscribes anew and takes the last payload of each of so many topics; true when all of them were retained. It ends when
/// it has them all, or nothing more comes.
async fn taken_anew(port: u16, filter: &str, topics: usize) -> (BTreeMap<String, String>, bool) {
    let options = MqttOptions::new("late", ("127.0.0.1", port));
    let (client, mut events) = AsyncClient::builder(options).build();
    client.subscribe(filter, QoS::AtMostOnce).await.unwrap();
    let mut taken = BTreeMap::new();
    let mut is_retained = true;
    while taken.len() < topics
        && let Ok(event) = timeout(IDLE, events.poll()).await
    {
        if let Event::Incoming(Packet::Publish(publish)) = event.unwrap() {
            assert_eq!(publish.qos, QoS::AtMostOnce);
            is_retained &= publish.retain;
            let payload = String::from_utf8(publish.payload.to_vec()).unwrap();
            let topic = String::from_utf8(publish.topic.to_vec()).unwrap();
            taken.insert(topic, payload);
        }
    }
    (taken, is_retained)
}

/// Stands between the car and the broker, and cuts the first connection after so many bytes from the car.
async fn cut_once(broker: u16, after: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        for limit in [after, usize::MAX] {
            let (mut car, _) = listener.accept().await.unwrap();
            let mut broker = TcpStream::connect(("127.0.0.1", broker)).await.unwrap();
            let (mut from_car, mut to_car) = car.split();
            let (mut from_broker, mut to_broker) = broker.split();
            let mut limited = (&mut from_car).take(limit as u64);
            tokio::select! {
                _ = copy(&mut limited, &mut to_broker) => {}
                _ = copy(&mut from_broker, &mut to_car) => {}
            }
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_loses_no_message() {
    let broker = Broker::start(0).unwrap();
    let mut simulator = simulator(&broker);
    let cut = cut_once(broker.port(), 100_000).await;
    simulator.options_mut().broker = Endpoint::local(cut);
    let command = Command::Drive(Cycle::Us06);
    let plan = simulator.plan(&command).unwrap();
    let (client, mut events) =
        AsyncClient::builder(MqttOptions::new("witness", ("127.0.0.1", broker.port())))
            .capacity(10)
            .build();
    client.subscribe("vss/#", QoS::AtMostOnce).await.unwrap();
    while !matches!(
        events.poll().await.unwrap(),
        Event::Incoming(Packet::SubAck(_))
    ) {}
    let last = plan.messages.last().unwrap().payload();
    let witness = tokio::spawn(async move {
        let mut taken = BTreeSet::new();
        loop {
            let Event::Incoming(Packet::Publish(publish)) = events.poll().await.unwrap() else {
                continue;
            };
            let payload = String::from_utf8(publish.payload.to_vec()).unwrap();
            let is_last = payload == last;
            taken.insert((String::from_utf8(publish.topic.to_vec()).unwrap(), payload));
            if is_last {
                return taken;
            }
        }
    });
    let mut said = Vec::new();
    let summary = simulator
        .run_reporting(&command, &mut |progress| match progress {
            Progress::NobodyAnswers | Progress::Reconnecting => said.push(progress),
            Progress::Sent { .. } => {}
        })
        .await
        .unwrap();
    assert!(said.contains(&Progress::Reconnecting), "{said:?}");
    assert!(summary.delivered.sent_again > 0);
    let taken = witness.await.unwrap();
    let missing: Vec<_> = plan
        .messages
        .iter()
        .filter(|m| !taken.contains(&(m.topic(), m.payload())))
        .collect();
    assert_eq!(missing, Vec::<&Message>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_broker_is_said_at_once_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(Endpoint::local(1), NOW.parse().unwrap());
    options.state = Some(folder.path().join("state.json"));
    let mut simulator = Simulator::new(options).unwrap();
    let error = simulator
        .run(&Command::Drive(Cycle::Us06))
        .await
        .unwrap_err();
    assert!(matches!(error, SimError::Unreachable { .. }));
    assert!(!folder.path().join("state.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_drive_keeps_its_odometer_for_the_next_command() {
    let broker = Broker::start(0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(Endpoint::local(broker.port()), NOW.parse().unwrap());
    options.state = Some(folder.path().join("state.json"));
    let mut simulator = Simulator::new(options.clone()).unwrap();
    let stopper = simulator.stopper();
    let command = Command::Drive(Cycle::Us06);
    let stopped = simulator
        .run_reporting(&command, &mut |progress| match progress {
            Progress::Sent { messages, .. } if messages > 500 => stopper.stop(),
            Progress::Sent { .. } | Progress::NobodyAnswers | Progress::Reconnecting => {}
        })
        .await;
    assert!(matches!(stopped, Err(SimError::Stopped { .. })));
    let again = Simulator::new(options).unwrap();
    assert_eq!(again.state(), simulator.state());
    let odometer_m = again.state().meters.odometer_m;
    assert!((100.0..12_000.0).contains(&odometer_m), "{odometer_m}");
    let next = again.plan(&command).unwrap();
    assert!(Some(next.span().0) > again.state().clock);
}
