//! The head unit's configuration: few keys, validated once, sliced to each part.

mod reader;

use std::fs;
use std::path::{Path, PathBuf};

use dashpoint_wire::PublicKey;
use jiff::tz::TimeZone;

use crate::bus::{Mapping, MappingError};
use reader::Reader;

/// Why a configuration was refused, with the key and what is expected there.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{}: cannot be read; give the head unit's configuration with --config FILE", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{}: line {line}: not TOML: {what}", path.display())]
    NotToml {
        /// Which file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What the parser says.
        what: String,
    },
    /// The mapping that it names.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// A key has not the value that it should have.
    #[error("{}: {key}: {found}; expected {expected}", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// Which key, with its tables.
        key: String,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
}

/// Where `now` comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockSource {
    /// The operating system.
    System,
    /// The newest event time on the bus: a week replays in a minute. Only with `--test`.
    Bus,
}

/// A validated configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folder of the ledger, the cache and the keys.
    pub data: PathBuf,
    /// Where `now` comes from.
    pub clock: ClockSource,
    /// Zone of the local day until a statement names the member's.
    pub zone: TimeZone,
    /// The in-vehicle broker.
    pub bus: BusConfig,
    /// The member cloud.
    pub cloud: CloudConfig,
    /// VIN, when the bus does not tell it.
    pub vin: Option<String>,
}

/// How to reach the in-vehicle broker, and what is said there.
#[derive(Debug, Clone, PartialEq)]
pub struct BusConfig {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Where each signal is published.
    pub mapping: Mapping,
}

/// How to reach the member cloud, and whom to believe there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudConfig {
    /// Base address.
    pub url: String,
    /// Key that receipts, statements and policies are signed with.
    pub key: PublicKey,
    /// Certificate of the operator's authority, for https.
    pub ca_file: Option<PathBuf>,
}

impl Config {
    /// Reads and validates a file; paths in it are relative to its folder.
    ///
    /// # Errors
    /// [`ConfigError`], one line that names the key and what is expected.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// Validates a text; `path` is where it stands.
    ///
    /// # Errors
    /// [`ConfigError`], as for [`Config::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut root = Reader::parse(text, path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let data = folder.join(root.text_or("data", "a folder", "dashpoint-data")?);
        let clock = root.choice(
            "clock",
            "\"system\" or \"bus\"",
            ClockSource::System,
            &[("system", ClockSource::System), ("bus", ClockSource::Bus)],
        )?;
        let zone = root.parsed_or(
            "zone",
            "an IANA zone such as \"Asia/Shanghai\"",
            "Asia/Shanghai",
            |name| TimeZone::get(name).ok(),
        )?;
        let bus = bus_config(&mut root, folder)?;
        let cloud = cloud_config(&mut root, folder)?;
        let mut vehicle = root.table("vehicle")?;
        let vin = vehicle.parsed(
            "vin",
            "a VIN: 17 capital letters and digits without I, O, Q",
            |text| is_vin(text).then(|| text.to_owned()),
        )?;
        vehicle.done()?;
        root.done()?;
        Ok(Self {
            data,
            clock,
            zone,
            bus,
            cloud,
            vin,
        })
    }
}

fn bus_config(root: &mut Reader<'_>, folder: &Path) -> Result<BusConfig, ConfigError> {
    const EXPECTED: &str = "\"HOST:PORT\" of the in-vehicle broker";
    let mut table = root.table("bus")?;
    let (host, port) = table.parsed_or("broker", EXPECTED, "127.0.0.1:1883", |text| {
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse().ok()?;
        (!host.is_empty()).then(|| (host.to_owned(), port))
    })?;
    let mapping = table.parsed("mapping", "a TOML file", |text| Some(folder.join(text)))?;
    table.done()?;
    let mapping = match mapping {
        Some(path) => Mapping::load(&path)?,
        None => Mapping::default(),
    };
    Ok(BusConfig {
        host,
        port,
        mapping,
    })
}

fn cloud_config(root: &mut Reader<'_>, folder: &Path) -> Result<CloudConfig, ConfigError> {
    const URL: &str = "an https:// address (http:// only to this machine)";
    const KEY: &str =
        "the cloud's public key: 64 digits in hex, as dashpoint-cloud serve prints it";
    let mut table = root.table("cloud")?;
    let url = table.required("url", URL, |text| {
        dashpoint_sync::driver::check_base_url(text)
            .is_ok()
            .then(|| text.trim_end_matches('/').to_owned())
    })?;
    let key = table.required("key", KEY, |text| text.parse().ok())?;
    let ca_file = table.parsed("ca_file", "a PEM file", |text| Some(folder.join(text)))?;
    table.done()?;
    Ok(CloudConfig { url, key, ca_file })
}

/// Whether a text has the shape of ISO 3779.
#[must_use]
pub fn is_vin(text: &str) -> bool {
    let allowed = |byte: u8| {
        (byte.is_ascii_uppercase() || byte.is_ascii_digit()) && !matches!(byte, b'I' | b'O' | b'Q')
    };
    text.len() == 17 && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        clock = "bus"
        [bus]
        broker = "localhost:1884"
        [cloud]
        url = "http://127.0.0.1:8460/"
        key = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"
    "#;

    fn refusal(text: &str) -> String {
        let refused = Config::parse(text, Path::new("/etc/dashpoint.toml"));
        refused.map_or_else(
            |error| error.to_string(),
            |config| format!("taken: {config:?}"),
        )
    }

    #[test]
    fn defaults_fill_what_is_not_said() {
        let config = Config::parse(GOOD, Path::new("/etc/dashpoint.toml")).unwrap();
        assert_eq!(config.data, Path::new("/etc/dashpoint-data"));
        assert_eq!(config.clock, ClockSource::Bus);
        assert_eq!(
            config.bus,
            BusConfig {
                host: "localhost".into(),
                port: 1884,
                mapping: Mapping::default(),
            }
        );
        assert_eq!(config.cloud.url, "http://127.0.0.1:8460");
        assert_eq!(config.vin, None);
    }

    #[test]
    fn a_wrong_key_is_one_line_that_says_what_is_expected() {
        insta::assert_snapshot!(refusal("clock = 3"), @r#"/etc/dashpoint.toml: clock: found 3; expected "system" or "bus""#);
        insta::assert_snapshot!(refusal("clok = \"bus\"\n[cloud]\nurl = \"https://a.example\"\nkey = \"3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29\""), @"/etc/dashpoint.toml: clok: not a key of this file; expected data, clock, zone, bus, cloud, vehicle");
        insta::assert_snapshot!(refusal("[bus]\nbroker = \"here\""), @r#"/etc/dashpoint.toml: bus.broker: found "here"; expected "HOST:PORT" of the in-vehicle broker"#);
        insta::assert_snapshot!(refusal(""), @"/etc/dashpoint.toml: cloud.url: missing; expected an https:// address (http:// only to this machine)");
        insta::assert_snapshot!(refusal("[cloud]\nurl = \"http://example.org\""), @r#"/etc/dashpoint.toml: cloud.url: found "http://example.org"; expected an https:// address (http:// only to this machine)"#);
        insta::assert_snapshot!(refusal("[cloud]\nurl = \"https://example.org\"\nkey = \"12\""), @r#"/etc/dashpoint.toml: cloud.key: found "12"; expected the cloud's public key: 64 digits in hex, as dashpoint-cloud serve prints it"#);
        insta::assert_snapshot!(refusal("bus = 3"), @"/etc/dashpoint.toml: bus: found 3; expected a table");
        insta::assert_snapshot!(refusal("zone = \"Mars/Base\""), @r#"/etc/dashpoint.toml: zone: found "Mars/Base"; expected an IANA zone such as "Asia/Shanghai""#);
    }

    #[test]
    fn a_file_that_is_no_toml_is_one_line() {
        let line = refusal("data = \"x\"\nclock = = 3");
        assert!(
            line.starts_with("/etc/dashpoint.toml: line 2: not TOML: "),
            "{line}"
        );
        assert!(!line.contains('\n'), "{line}");
    }

    #[test]
    fn a_vin_has_seventeen_characters_without_i_o_q() {
        assert!(is_vin("LDPTESTCAR0000001"));
        for bad in [
            "",
            "LDPTESTCAR000001",
            "LDPTESTCAR000000I",
            "ldptestcar0000001",
        ] {
            assert!(!is_vin(bad), "{bad}");
        }
    }
}
