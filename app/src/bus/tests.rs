//! The MQTT edge against a real broker: whatever is published, nothing stops and nothing is earned.

#[path = "../../../tests/tests/e2e/support/ports.rs"]
mod ports;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dashpoint_membership::{DEFAULT_POLICY_TOML, Policy};
use dashpoint_telematics::{Finished, Marks, Outcome, Sample, Settings, Signal, Telematics, Value};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rumqttc::{AsyncClient, IntoPublishPayload, MqttOptions, PublishOptions};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use self::ports::free_port;
use super::{Bus, BusInput, Mapping, TlsFiles, client_config, wait_for_vin};
use crate::bus::BusConfig;
use crate::engine::SignalWatch;

/// 2026-09-21T14:13:20Z.
const T0_MS: i64 = 1_790_000_000_000;
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of a payload that no signal has.
const TOO_LARGE: usize = 10 << 20;
const READY: &str = "ready";
const DONE: &str = "done";
const VIN: &str = "LDPTESTCAR0000001";

/// A mosquitto of its own; it ends with the test.
struct Broker {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Drop for Broker {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            self.child.wait().expect("a killed child ends");
        }
    }
}

/// Starts mosquitto with an open listener and what else is asked for; `None`, with a line, when there is none.
async fn broker(more: impl FnOnce(&Path) -> String) -> Option<Broker> {
    let found = [
        "/usr/sbin/mosquitto",
        "/usr/bin/mosquitto",
        "/usr/local/sbin/mosquitto",
    ]
    .into_iter()
    .map(PathBuf::from)
    .find(|path| path.exists());
    let Some(program) = found else {
        let required = std::env::var("DASHPOINT_REQUIRE").is_ok_and(|what| what == "all");
        assert!(!required, "missing: mosquitto");
        println!("skipped: mosquitto is missing");
        return None;
    };
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let text = format!(
        "per_listener_settings true\nuser root\nlistener {port} 127.0.0.1\nallow_anonymous true\n{}",
        more(folder.path())
    );
    let file = folder.path().join("mosquitto.conf");
    std::fs::write(&file, text).unwrap();
    let child = Command::new(program)
        .arg("-c")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut broker = Broker {
        child,
        port,
        folder,
    };
    let listens = async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_err()
        {
            let ended = broker.child.try_wait().unwrap();
            assert!(ended.is_none(), "mosquitto has ended: {ended:?}");
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, listens).await.expect("mosquitto listens");
    Some(broker)
}

impl Broker {
    fn config(&self) -> BusConfig {
        BusConfig {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            mapping: Mapping::default(),
            tls: None,
            login: None,
        }
    }
}

/// Whoever else speaks on the bus.
struct Speaker {
    client: AsyncClient,
    _tasks: JoinSet<()>,
}

impl Speaker {
    fn new(port: u16) -> Self {
        let mut options = MqttOptions::new("speaker", ("127.0.0.1", port));
        options.set_max_packet_size(TOO_LARGE * 2, TOO_LARGE * 2);
        let (client, mut events) = AsyncClient::builder(options).capacity(64).build();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { while events.poll().await.is_ok() {} });
        Self {
            client,
            _tasks: tasks,
        }
    }

    async fn raw(&self, path: &str, payload: impl IntoPublishPayload, retain: bool) {
        let topic = format!("vss/{}", path.replace('.', "/"));
        self.client
            .publish(
                topic,
                payload,
                PublishOptions::at_least_once().retain(retain),
            )
            .await
            .unwrap();
    }

    async fn say(&self, signal: Signal, value: &str, ts_ms: i64) {
        self.raw(signal.path(), point(value, ts_ms), false).await;
    }

    async fn keep(&self, signal: Signal, value: &str, ts_ms: i64) {
        self.raw(signal.path(), point(value, ts_ms), true).await;
    }
}

fn point(value: &str, ts_ms: i64) -> String {
    let ts = jiff::Timestamp::from_millisecond(ts_ms).unwrap();
    format!("{{\"value\":{value},\"ts\":\"{ts:.3}\"}}")
}

/// A head unit that only listens and folds.
struct Listener {
    inputs: mpsc::Receiver<BusInput>,
    bus: Bus,
    telematics: Telematics,
    watch: SignalWatch,
    finished: Vec<Finished>,
    _seen: watch::Sender<Option<i64>>,
}

impl Listener {
    fn start(config: BusConfig, marks: Marks) -> Self {
        let (sender, inputs) = mpsc::channel(64);
        let (seen, seen_receiver) = watch::channel(None);
        let policy: Policy = toml::from_str(DEFAULT_POLICY_TOML).unwrap();
        Self {
            inputs,
            bus: Bus::start(config, sender, seen_receiver),
            telematics: Telematics::new(Settings::new(&policy, 480), marks),
            watch: SignalWatch::default(),
            finished: Vec::new(),
            _seen: seen,
        }
    }

    /// Takes everything until somebody says this word.
    async fn until(&mut self, word: &str) {
        loop {
            let input = timeout(PATIENCE, self.inputs.recv())
                .await
                .expect("the bus goes on")
                .unwrap();
            match input {
                BusInput::Sample {
                    signal: Signal::Language,
                    value: Value::Text(said),
                    ..
                } => {
                    if said == word {
                        return;
                    }
                }
                BusInput::Sample {
                    signal,
                    value,
                    ts_ms,
                    retained,
                } => {
                    let outcomes = self.telematics.observe(&Sample {
                        signal,
                        value,
                        ts_ms: ts_ms.unwrap_or(T0_MS),
                        retained,
                    });
                    self.keep(outcomes);
                }
                BusInput::Refused { signal, error } => self.watch.refuse(signal, error),
                BusInput::UnknownTopic => self.watch.refuse_topic(),
                BusInput::Connected => {}
                BusInput::Lost => panic!("the connection was lost"),
            }
        }
    }

    fn keep(&mut self, outcomes: Vec<Outcome>) {
        for outcome in outcomes {
            if let Outcome::Finished(finished) = outcome {
                self.finished.push(*finished);
            }
        }
    }

    fn drain(&mut self) {
        let outcomes = self.telematics.drain();
        self.keep(outcomes);
    }

    fn refused(&mut self) -> String {
        let looked = self.watch.look(self.telematics.counts(), 0);
        let (refused, _) = looked.unwrap();
        let lines: Vec<String> = refused
            .iter()
            .map(|(kind, times)| format!("{kind} {times}"))
            .collect();
        lines.join(", ")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_counted_by_kind_earns_nothing_and_stops_nothing() {
    let Some(broker) = broker(|_| String::new()).await else {
        return;
    };
    let speaker = Speaker::new(broker.port);
    speaker
        .raw(Signal::Language.path(), format!("\"{READY}\""), true)
        .await;
    let mut listener = Listener::start(broker.config(), Marks::default());
    listener.until(READY).await;

    speaker.say(Signal::Ignition, "\"ON\"", T0_MS).await;
    speaker.say(Signal::Odometer, "50000000", T0_MS).await;
    speaker.say(Signal::ChargedEnergy, "4000.0", T0_MS).await;
    let speed = Signal::Speed.path();
    speaker.raw(speed, "hello world", false).await;
    speaker.raw(speed, "{\"value\": [1, 2]}", false).await;
    speaker.raw(speed, [0xff, 0xfe, 0], false).await;
    speaker.raw(speed, "", false).await;
    speaker.raw(speed, vec![b'7'; 1 << 20], false).await;
    speaker
        .raw(speed, "{\"value\": 1, \"ts\": \"yesterday\"}", false)
        .await;
    speaker
        .raw("Vehicle.CurrentLocation.Latitude", "43.4", false)
        .await;
    speaker.say(Signal::Speed, "\"NaN\"", T0_MS + 1_000).await;
    speaker.say(Signal::Speed, "900", T0_MS + 1_000).await;
    speaker.say(Signal::Odometer, "true", T0_MS + 1_000).await;
    speaker.say(Signal::Speed, "50", 4_070_908_800_000).await;
    speaker.say(Signal::Speed, "50", 0).await;
    speaker.say(Signal::Odometer, "10000", T0_MS + 2_000).await;
    speaker
        .say(Signal::Odometer, "60000000", T0_MS + 3_000)
        .await;
    // A drive in reverse order: each speed is ahead of the bus, waits for another signal, and is taken in its order once the bus
    // is quiet. Without an odometer it is no way.
    for second in (0..60).rev() {
        speaker
            .say(Signal::Speed, "72", T0_MS + 10_000 + second * 1_000)
            .await;
    }
    speaker
        .raw(Signal::Language.path(), format!("\"{DONE}\""), false)
        .await;
    listener.until(DONE).await;
    let outcomes = listener.telematics.quiet(5_000);
    listener.keep(outcomes);
    assert_eq!(listener.finished, []);
    insta::assert_snapshot!(listener.refused(), @"bad-time 1, empty 1, jumped 1, not-a-data-point 3, not-a-number 1, out-of-range 1, quarantined 2, too-long 1, went-back 1, wrong-type 1");

    // And then a drive as it should be.
    let start_ms = T0_MS + 100_000;
    for second in 0..=100 {
        let at_ms = start_ms + second * 1_000;
        speaker.say(Signal::Speed, "72", at_ms).await;
        let metres = 50_000_000 + second * 20;
        speaker
            .say(Signal::Odometer, &metres.to_string(), at_ms)
            .await;
    }
    speaker.say(Signal::Speed, "0", start_ms + 101_000).await;
    speaker.say(Signal::Gear, "126", start_ms + 101_000).await;
    speaker
        .say(Signal::Ignition, "\"OFF\"", start_ms + 102_000)
        .await;
    speaker
        .raw(Signal::Language.path(), format!("\"{DONE}\""), false)
        .await;
    listener.until(DONE).await;
    listener.drain();
    let [trip] = &listener.finished[..] else {
        panic!("{:?}", listener.finished);
    };
    assert_eq!(trip.evidence.interval().length(), 2_000);
    listener.bus.stop().await;
}

/// More than the broker leaves on its way unacknowledged.
const UNACKNOWLEDGED: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_too_large_are_counted_and_end_no_connection() {
    let Some(broker) = broker(|_| String::new()).await else {
        return;
    };
    let speaker = Speaker::new(broker.port);
    let speed = Signal::Speed.path();
    speaker.raw(speed, vec![b'7'; TOO_LARGE], true).await;
    speaker
        .raw(Signal::Language.path(), format!("\"{READY}\""), true)
        .await;
    // It panics when the connection is lost.
    let mut listener = Listener::start(broker.config(), Marks::default());
    listener.until(READY).await;
    for _ in 0..UNACKNOWLEDGED {
        speaker.raw(speed, vec![b'7'; 1 << 16], false).await;
    }
    speaker.raw(speed, vec![b'7'; TOO_LARGE], false).await;
    speaker
        .raw(Signal::Language.path(), format!("\"{DONE}\""), false)
        .await;
    listener.until(DONE).await;
    assert_eq!(
        listener.refused(),
        format!("too-long {}", UNACKNOWLEDGED + 2)
    );
    listener.bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_kept_of_a_charge_that_was_paid_is_not_paid_again() {
    let Some(broker) = broker(|_| String::new()).await else {
        return;
    };
    let speaker = Speaker::new(broker.port);
    speaker
        .keep(Signal::IsCharging, "true", T0_MS - 86_400_000)
        .await;
    speaker
        .keep(Signal::BatteryPower, "7000", T0_MS - 86_000_000)
        .await;
    speaker
        .keep(Signal::ChargedEnergy, "4012.0", T0_MS - 80_000_000)
        .await;
    speaker
        .raw(Signal::Language.path(), format!("\"{READY}\""), true)
        .await;
    for _ in 0..3 {
        let marks = Marks {
            charged: Some(4_012_000),
            ..Marks::default()
        };
        let mut listener = Listener::start(broker.config(), marks);
        listener.until(READY).await;
        // The retained state may come after the word: whatever is live comes behind all of it.
        speaker.say(Signal::IsCharging, "false", T0_MS).await;
        speaker
            .raw(Signal::Language.path(), format!("\"{DONE}\""), false)
            .await;
        listener.until(DONE).await;
        listener.drain();
        let outcomes = listener.telematics.quiet(150_000);
        listener.keep(outcomes);
        assert_eq!(listener.finished, []);
        listener.bus.stop().await;
    }
}

/// How long a broker may be silent is no matter of a test's patience.
const SILENT_AT_MOST: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_falls_silent_is_left_for_a_new_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = BusConfig {
        host: "127.0.0.1".to_owned(),
        port: listener.local_addr().unwrap().port(),
        mapping: Mapping::default(),
        tls: None,
        login: None,
    };
    let (sender, mut inputs) = mpsc::channel(64);
    let (_seen, seen) = watch::channel(None);
    let bus = Bus::start(config, sender, seen);
    let mut silent = Vec::new();
    for _ in 0..2 {
        let coming = timeout(SILENT_AT_MOST, listener.accept()).await;
        let (mut stream, _) = coming.expect("it comes, and comes again").unwrap();
        let mut connect = [0; 1];
        stream.read_exact(&mut connect).await.unwrap();
        stream.write_all(&[0x20, 2, 0, 0]).await.unwrap();
        // Open, and nothing is ever said on it any more.
        silent.push(stream);
        let input = timeout(PATIENCE, inputs.recv()).await.unwrap();
        assert_eq!(input, Some(BusInput::Connected));
        if silent.len() == 1 {
            let input = timeout(SILENT_AT_MOST, inputs.recv()).await.unwrap();
            assert_eq!(input, Some(BusInput::Lost));
        }
    }
    bus.stop().await;
}

/// An authority, a broker's certificate and a head unit's, as files.
fn certificates(folder: &Path) {
    let write = |name: &str, pem: String| std::fs::write(folder.join(name), pem).unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    write("ca.pem", authority.pem());
    for name in ["127.0.0.1", "head-unit"] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let certificate = params.signed_by(&key, &authority).unwrap();
        write(&format!("{name}.pem"), certificate.pem());
        write(&format!("{name}.key"), key.serialize_pem());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_asks_for_a_certificate_is_shown_one() {
    let port = free_port();
    let secured = broker(|folder| {
        certificates(folder);
        let file = |name: &str| folder.join(name).display().to_string();
        std::fs::write(folder.join("acl"), "user head-unit\ntopic read vss/#\n").unwrap();
        format!(
            "listener {port} 127.0.0.1\nrequire_certificate true\nuse_identity_as_username true\n\
             cafile {}\ncertfile {}\nkeyfile {}\nacl_file {}\n",
            file("ca.pem"),
            file("127.0.0.1.pem"),
            file("127.0.0.1.key"),
            file("acl")
        )
    });
    let Some(broker) = secured.await else {
        return;
    };
    let speaker = Speaker::new(broker.port);
    speaker
        .raw(Signal::Vin.path(), format!("\"{VIN}\""), true)
        .await;
    let file = |name: &str| broker.folder.path().join(name);
    let over_tls = |own| BusConfig {
        port,
        tls: Some(
            client_config(&TlsFiles {
                ca: file("ca.pem"),
                own,
            })
            .unwrap(),
        ),
        ..broker.config()
    };
    let own = (file("head-unit.pem"), file("head-unit.key"));
    let vin = wait_for_vin(over_tls(Some(own)), PATIENCE).await;
    assert_eq!(vin.as_deref(), Some(VIN));
    // Without its certificate it is nobody there.
    let vin = wait_for_vin(over_tls(None), Duration::from_secs(2)).await;
    assert_eq!(vin, None);

    let broken = TlsFiles {
        ca: file("acl"),
        own: None,
    };
    let line = client_config(&broken).unwrap_err().to_string();
    assert!(line.ends_with("acl: expected a certificate, PEM"), "{line}");
}
