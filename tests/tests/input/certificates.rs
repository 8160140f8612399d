//! The broker with certificates of docs/vehicle-bus.md: each client has the rights of its certificate, and no other comes in.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rumqttc::{Client, Connection, MqttOptions, TlsConfiguration, Transport};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tempfile::TempDir;

use crate::hearing::assert_only_the_gateway_is_heard;
use crate::page::{block, commands, programs, said, typed};
use crate::support::{Bus, Car, MemberCloud, PATIENCE, SALT, VIN, free_port, stderr, until};

/// The page with the configurations and commands.
const PAGE: &str = "docs/vehicle-bus.md";
/// Address of the broker on the page.
const WRITTEN: &str = "broker.car:8883";
/// The simulator's certificate on the page.
const HIS_CERTIFICATE: &str = "--cert vehicle-gateway.pem --key vehicle-gateway.key";

/// The broker of the page, with certificates for all of its clients.
struct Certified {
    bus: Bus,
    folder: TempDir,
}

impl Certified {
    /// Starts it as the page says, but on a port that is free here; `None` when there is no mosquitto.
    fn start() -> Option<Self> {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let text = block(PAGE, "# mosquitto.conf, with certificates\n");
        let text = text.replace("listener 8883", &format!("listener {port} 127.0.0.1"));
        // As root it would become somebody who cannot look into the folder of this test.
        fs::write(
            folder.path().join("mosquitto.conf"),
            format!("user root\n{text}"),
        )
        .unwrap();
        fs::write(folder.path().join("acl"), block(PAGE, "# acl\n")).unwrap();
        let authority = authority(folder.path(), "ca");
        certificate(folder.path(), "broker", Some("127.0.0.1"), &authority);
        for name in ["head-unit", "vehicle-gateway", "onlooker"] {
            certificate(folder.path(), name, None, &authority);
        }
        let other = authority_of_others(folder.path());
        certificate(folder.path(), "stranger", None, &other);
        let bus = Bus::configured(folder.path(), port)?;
        programs(folder.path());
        Some(Self { bus, folder })
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.bus.port())
    }

    /// Returns the command of the simulator on the page.
    fn drive(&self) -> String {
        let begins = "# the simulator in the gateway's place, with its certificate\n";
        let line = commands(&block(PAGE, begins))[0].replace(WRITTEN, &self.address());
        assert!(line.contains(HIS_CERTIFICATE), "{line}");
        format!("{line} --vin {VIN} --patience 60 --json")
    }

    /// Returns the part of `dashpoint.toml` on the page.
    fn bus_lines(&self) -> String {
        block(PAGE, "# dashpoint.toml, with certificates\n").replace(WRITTEN, &self.address())
    }

    fn client(&self, name: &str) -> (Client, Connection) {
        let file = |name: String| self.folder.path().join(name);
        let one = |file| CertificateDer::from_pem_file(file).unwrap();
        let mut authorities = RootCertStore::empty();
        authorities.add(one(file("ca.pem".to_owned()))).unwrap();
        let key = PrivateKeyDer::from_pem_file(file(format!("{name}.key"))).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(authorities)
            .with_client_auth_cert(vec![one(file(format!("{name}.pem")))], key)
            .unwrap();
        let mut options = MqttOptions::new(format!("test-{name}"), ("127.0.0.1", self.bus.port()));
        let config = TlsConfiguration::Rustls(Arc::new(config));
        options.set_transport(Transport::tls_with_config(config));
        Client::builder(options).capacity(16).build()
    }
}

/// Somebody who vouches for others; `NAME.pem` says who that is.
fn authority(folder: &Path, name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    fs::write(folder.join(format!("{name}.pem")), authority.pem()).unwrap();
    authority
}

/// An authority that vouches for nobody here.
fn authority_of_others(folder: &Path) -> CertifiedIssuer<'static, KeyPair> {
    authority(folder, "other-ca")
}

/// `NAME.pem` and `NAME.key`: the common name, and for a broker where it is found.
fn certificate(
    folder: &Path,
    name: &str,
    address: Option<&str>,
    authority: &CertifiedIssuer<'_, KeyPair>,
) {
    let key = KeyPair::generate().unwrap();
    let addresses: Vec<String> = address.map(str::to_owned).into_iter().collect();
    let mut params = CertificateParams::new(addresses).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    let signed = params.signed_by(&key, authority).unwrap();
    fs::write(folder.join(format!("{name}.pem")), signed.pem()).unwrap();
    fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
}

/// An enrolled head unit with these lines for its bus, and its cloud.
fn car(certified: &Certified, bus_lines: &str) -> (Car, MemberCloud, u16) {
    let (folder, port) = (certified.folder.path(), free_port());
    let cloud = MemberCloud::start(&folder.join("cloud"), port);
    let member = cloud.add_member();
    let car = Car::new(folder, certified.bus.port(), port, cloud.key());
    car.enrol(&cloud, &member);
    configure(&car, bus_lines, port, &cloud);
    (car, cloud, port)
}

fn configure(car: &Car, bus_lines: &str, port: u16, cloud: &MemberCloud) {
    let key = cloud.key();
    car.configure(&format!(
        "{bus_lines}[cloud]\nurl = \"http://127.0.0.1:{port}\"\nkey = \"{key}.{SALT}\"\nsend_within_s = 0\n[vehicle]\nvin = \"{VIN}\"\n"
    ));
}

#[test]
fn with_certificates_each_says_what_is_his_to_say() {
    let Some(certified) = Certified::start() else {
        return;
    };
    let (mut car, _cloud, _) = car(&certified, &certified.bus_lines());
    car.start();
    let summary = said(certified.folder.path(), &certified.drive());
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["seen"], "all", "{summary:#}");
    car.wait_for_entries(1);
    let trips = car.trips();
    assert_eq!((trips.len(), trips[0].score_x100), (1, 8_225), "{trips:?}");
    assert_only_the_gateway_is_heard(
        &car,
        certified.client("onlooker"),
        certified.client("vehicle-gateway"),
    );
    assert!(car.stop().success());

    let folder = certified.folder.path();
    fs::write(folder.join("car.toml"), "").unwrap();
    let listen = format!(
        "dashpoint check-mapping car.toml --listen 2s --broker {} --ca ca.pem --cert onlooker.pem --key onlooker.key --json",
        certified.address()
    );
    let told: Value = serde_json::from_str(&said(folder, &listen)).unwrap();
    let kept = told["heard"]["signals"].as_array().unwrap().iter();
    assert!(
        kept.filter(|one| one["retained"].as_u64() > Some(0))
            .count()
            > 5,
        "{told:#}"
    );
}

/// What is shown to the broker, instead of what the page says, and what whoever does so is told.
const NOT_LET_IN: [(&str, &str); 2] = [
    ("", "does not let this client in"),
    (
        "--cert stranger.pem --key stranger.key",
        "does not let this client in",
    ),
];

#[test]
fn a_simulator_that_cannot_show_who_it_is_says_so_in_one_line() {
    let Some(certified) = Certified::start() else {
        return;
    };
    let drive = certified.drive();
    let swapped = NOT_LET_IN.map(|(shown, why)| (drive.replace(HIS_CERTIFICATE, shown), why));
    let untrusted = drive.replace("--ca ca.pem", "--ca other-ca.pem");
    let open = drive
        .replace("--ca ca.pem", "")
        .replace(HIS_CERTIFICATE, "");
    let others = [
        (
            untrusted,
            "is not one that the authority of --ca vouches for",
        ),
        (open, "does not let this client in"),
    ];
    for (line, why) in swapped.into_iter().chain(others) {
        let output = typed(certified.folder.path(), &line);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{line}: {told}");
        assert!(told.contains(why), "{line}: {told}");
        assert_eq!(told.lines().count(), 1, "{line}: {told}");
    }
}

#[test]
fn a_head_unit_that_cannot_show_who_it_is_says_so_in_one_line() {
    let Some(certified) = Certified::start() else {
        return;
    };
    let right = certified.bus_lines();
    let own = right
        .lines()
        .filter(|line| line.starts_with("cert") || line.starts_with("key"));
    let without = own.fold(right.clone(), |lines, own| lines.replace(own, ""));
    let refused = "does not let the head unit in";
    let wrong = [
        (without, refused),
        (right.replace("head-unit.", "stranger."), refused),
        (
            right.replace("\"ca.pem\"", "\"other-ca.pem\""),
            "is not one that the authority in [bus.tls] vouches for",
        ),
    ];
    let (mut car, cloud, port) = car(&certified, &right);
    for (lines, why) in wrong {
        configure(&car, &lines, port, &cloud);
        let before = car.said().len();
        car.launch();
        let said = until("it has tried three times", PATIENCE, || {
            let said = car.said().split_off(before);
            (said.matches("bus connection").count() >= 3).then_some(said)
        });
        assert_eq!(said.matches(why).count(), 1, "{lines}\n{said}");
        assert_eq!(car.status()["live"]["bus"], false, "{lines}");
        assert!(car.stop().success());
    }
    // And it is nothing but that.
    configure(&car, &right, port, &cloud);
    car.start();
    assert!(car.stop().success());
}
