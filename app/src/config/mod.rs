//! The head unit's configuration: few keys, validated once, sliced to each part.

mod error;
mod keys;
mod reader;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dashpoint_wire::{CloudKey, NameSalt, PublicKey};
use jiff::tz::TimeZone;

use crate::bus::{BusConfig, BusLogin, Mapping, TlsFiles, client_config, host_and_port};
use crate::clock::ClockSource;
pub use error::ConfigError;
use reader::TableReader;

/// Longest wait of an entry that nobody waits for, unless the file says otherwise: as coarse as the times in entries.
const SEND_WITHIN_S: u64 = 300;
/// A car that is used for shorter than it waits would never send at rest.
const SEND_WITHIN_S_MAX: u64 = 3_600;

/// A validated configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folder of the ledger, the cache and the keys.
    pub data: PathBuf,
    /// Source of `now`.
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

/// Access to the member cloud, and the key that is trusted there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudConfig {
    /// Base address.
    pub url: String,
    /// Key that receipts, statements and policies are signed with.
    pub key: PublicKey,
    /// Salt of the names of vehicle and drivers; none in a configuration that is older than it.
    pub salt: Option<NameSalt>,
    /// Certificate of the operator's authority, for https.
    pub ca_file: Option<PathBuf>,
    /// Longest wait of what nobody waits for before it is sent.
    pub send_within: Duration,
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
        let root = TableReader::parse(text, path, &keys::ROOT)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let data = folder.join(root.text_or(keys::DATA, "dashpoint-data")?);
        let clock = root.choice(
            keys::CLOCK,
            ClockSource::System,
            &[("system", ClockSource::System), ("bus", ClockSource::Bus)],
        )?;
        let zone = root.parsed_or(keys::ZONE, "Asia/Shanghai", |name| TimeZone::get(name).ok())?;
        let bus = bus_config(&root, folder)?;
        let cloud = cloud_config(&root, folder)?;
        let vehicle = root.table(keys::VEHICLE, &keys::OF_VEHICLE)?;
        let vin = vehicle.parsed(keys::VIN, |text| is_vin(text).then(|| text.to_owned()))?;
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

fn bus_config(root: &TableReader<'_>, folder: &Path) -> Result<BusConfig, ConfigError> {
    let table = root.table(keys::BUS, &keys::OF_BUS)?;
    let (host, port) = table.parsed_or(keys::BROKER, "127.0.0.1:1883", host_and_port)?;
    let file = |text: &str| Some(folder.join(text));
    let mapping = table.parsed(keys::MAPPING, file)?;
    let vehicle = table.parsed(keys::NAME_IN_TOPICS, |text| Some(text.to_owned()))?;
    if let (Some(vehicle), None) = (&vehicle, &mapping) {
        let found = format!("{vehicle:?} is named, and there is no bus.mapping");
        return Err(table.refuse(keys::NAME_WITHOUT_MAPPING, found));
    }
    let login = match table.parsed(keys::USER, |text| Some(text.to_owned()))? {
        None if table.has(keys::PASSWORD_FILE) => {
            let found = "there is no bus.user".to_owned();
            return Err(table.refuse(keys::PASSWORD_WITHOUT_USER, found));
        }
        None => None,
        Some(user) => {
            let login = table.required(keys::PASSWORD_FILE, |text| {
                BusLogin::read(user.clone(), &folder.join(text)).ok()?
            })?;
            Some(login)
        }
    };
    let tls = tls_files(&table, folder)?;
    Ok(BusConfig {
        host,
        port,
        mapping: match mapping {
            Some(path) => Mapping::load(&path, vehicle.as_deref())?,
            None => Mapping::default(),
        },
        tls: tls.as_ref().map(client_config).transpose()?,
        login,
    })
}

/// `[bus.tls]`: no table, no TLS.
fn tls_files(bus: &TableReader<'_>, folder: &Path) -> Result<Option<TlsFiles>, ConfigError> {
    let Some(table) = bus.table_if_there(keys::TLS, &keys::OF_TLS)? else {
        return Ok(None);
    };
    let file = |text: &str| Some(folder.join(text));
    let ca = table.required(keys::CA, file)?;
    let own = match table.parsed(keys::CERTIFICATE, file)? {
        None => None,
        Some(certificate) => Some((certificate, table.required(keys::CERTIFICATE_KEY, file)?)),
    };
    Ok(Some(TlsFiles { ca, own }))
}

fn cloud_config(root: &TableReader<'_>, folder: &Path) -> Result<CloudConfig, ConfigError> {
    let table = root.table(keys::CLOUD, &keys::OF_CLOUD)?;
    let url = table.required(keys::URL, |text| {
        dashpoint_sync_http::check_base_url(text)
            .is_ok()
            .then(|| text.trim_end_matches('/').to_owned())
    })?;
    let key: CloudKey = table.required(keys::CLOUD_KEY, |text| text.parse().ok())?;
    let ca_file = table.parsed(keys::CA_FILE, |text| Some(folder.join(text)))?;
    let send_within_s = table.whole_or(keys::SEND_WITHIN_S, SEND_WITHIN_S, SEND_WITHIN_S_MAX)?;
    Ok(CloudConfig {
        url,
        key: key.public,
        salt: key.salt,
        ca_file,
        send_within: Duration::from_secs(send_within_s),
    })
}

/// Returns whether a text has the form of ISO 3779.
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
            (config.bus.host.as_str(), config.bus.port),
            ("localhost", 1884)
        );
        assert_eq!(config.bus.mapping, Mapping::default());
        assert!(config.bus.tls.is_none() && config.bus.login.is_none());
        assert_eq!(config.cloud.url, "http://127.0.0.1:8460");
        assert_eq!(config.cloud.send_within, Duration::from_secs(300));
        assert_eq!(config.vin, None);
    }

    #[test]
    fn what_nobody_waits_for_waits_as_long_as_the_file_says_and_an_hour_at_most() {
        for (seconds, expected) in [
            ("0", Ok(0)),
            ("3600", Ok(3_600)),
            ("3601", Err(())),
            ("-1", Err(())),
            ("\"5\"", Err(())),
        ] {
            let text = format!("{GOOD}\nsend_within_s = {seconds}");
            let parsed = Config::parse(&text, Path::new("/etc/dashpoint.toml"));
            let taken = parsed.map(|config| config.cloud.send_within.as_secs());
            assert_eq!(taken.map_err(|_| ()), expected, "{seconds}");
        }
    }

    #[test]
    fn a_wrong_key_is_one_line_that_says_what_is_expected() {
        insta::assert_snapshot!(refusal("clock = 3"), @r#"/etc/dashpoint.toml: clock: found 3; expected "system" or "bus""#);
        insta::assert_snapshot!(refusal("clok = \"bus\"\n[cloud]\nurl = \"https://a.example\"\nkey = \"3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29\""), @"/etc/dashpoint.toml: clok: not a key of this file: did you mean `clock`?");
        insta::assert_snapshot!(refusal("[clod]"), @"/etc/dashpoint.toml: clod: not a key of this file: did you mean `cloud`?");
        insta::assert_snapshot!(refusal("[bus]\nwidth = 3"), @"/etc/dashpoint.toml: bus.width: not a key of this file; expected broker, mapping, vehicle, user, password_file, tls");
        insta::assert_snapshot!(refusal("[bus]\nvehicle = \"7\""), @r#"/etc/dashpoint.toml: bus.vehicle: "7" is named, and there is no bus.mapping; expected a mapping with + in its topics beside it"#);
        insta::assert_snapshot!(refusal("[bus]\nbroker = \"here\""), @r#"/etc/dashpoint.toml: bus.broker: found "here"; expected "HOST:PORT" of the in-vehicle broker"#);
        insta::assert_snapshot!(refusal(""), @"/etc/dashpoint.toml: cloud.url: missing; expected an https:// address (http:// only to this machine)");
        insta::assert_snapshot!(refusal("[cloud]\nurl = \"http://example.org\""), @r#"/etc/dashpoint.toml: cloud.url: found "http://example.org"; expected an https:// address (http:// only to this machine)"#);
        insta::assert_snapshot!(refusal("[cloud]\nurl = \"https://example.org\"\nkey = \"12\""), @r#"/etc/dashpoint.toml: cloud.key: found "12"; expected the cloud's public key and salt: KEY.SALT, as dashpoint-cloud key prints it"#);
        insta::assert_snapshot!(refusal("[cloud]\nurl = \"https://example.org\"\nkey = \"3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29\"\nsend_within_s = 1.5"), @"/etc/dashpoint.toml: cloud.send_within_s: found 1.5; expected whole seconds from 0 to 3600");
        insta::assert_snapshot!(refusal("[bus]\nuser = \"car\""), @"/etc/dashpoint.toml: bus.password_file: missing; expected a file with the password of bus.user in its first line");
        insta::assert_snapshot!(refusal("[bus]\npassword_file = \"a\""), @"/etc/dashpoint.toml: bus.password_file: there is no bus.user; expected the name at the broker beside it");
        insta::assert_snapshot!(refusal("[cloud]\nurll = \"https://a.example\""), @"/etc/dashpoint.toml: cloud.urll: not a key of this file: did you mean `url`?");
        insta::assert_snapshot!(refusal("[bus]\nbrokr = \"a\""), @"/etc/dashpoint.toml: bus.brokr: not a key of this file: did you mean `broker`?");
        insta::assert_snapshot!(refusal("[bus.tls]\ncert = \"a.pem\""), @"/etc/dashpoint.toml: bus.tls.ca: missing; expected a PEM file with the certificate of the broker's authority");
        insta::assert_snapshot!(refusal("[bus.tls]\nca = \"a.pem\"\ncert = \"b.pem\""), @"/etc/dashpoint.toml: bus.tls.key: missing; expected a PEM file with the key of bus.tls.cert");
        insta::assert_snapshot!(refusal("[bus.tls]\nca = \"no-such.pem\""), @"/etc/no-such.pem: expected a certificate, PEM");
        insta::assert_snapshot!(refusal("[bus]\nmapping = \"no-such.toml\""), @"/etc/no-such.toml: cannot be read");
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
