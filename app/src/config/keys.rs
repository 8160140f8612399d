//! The keys of the configuration: each with its name and the value that is expected, in the tables that they belong in.

use super::reader::ConfigKey;

pub(super) const ROOT: [ConfigKey; 6] = [DATA, CLOCK, ZONE, BUS, CLOUD, VEHICLE];
pub(super) const OF_BUS: [ConfigKey; 6] =
    [BROKER, MAPPING, NAME_IN_TOPICS, USER, PASSWORD_FILE, TLS];
pub(super) const OF_TLS: [ConfigKey; 3] = [CA, CERTIFICATE, CERTIFICATE_KEY];
pub(super) const OF_CLOUD: [ConfigKey; 4] = [URL, CLOUD_KEY, CA_FILE, SEND_WITHIN_S];
pub(super) const OF_VEHICLE: [ConfigKey; 1] = [VIN];

pub(super) const DATA: ConfigKey = key("data", "a folder");
pub(super) const CLOCK: ConfigKey = key("clock", "\"system\" or \"bus\"");
pub(super) const ZONE: ConfigKey = key("zone", "an IANA zone such as \"Asia/Shanghai\"");
pub(super) const BUS: ConfigKey = key("bus", "a table");
pub(super) const CLOUD: ConfigKey = key("cloud", "a table");
pub(super) const VEHICLE: ConfigKey = key("vehicle", "a table");

pub(super) const BROKER: ConfigKey = key("broker", "\"HOST:PORT\" of the in-vehicle broker");
pub(super) const MAPPING: ConfigKey = key("mapping", "a TOML file");
pub(super) const NAME_IN_TOPICS: ConfigKey = key(
    "vehicle",
    "the name of this vehicle in the topics, in the place of +",
);
/// The name of the vehicle where `bus.mapping`, whose topics it stands in, is missing.
pub(super) const NAME_WITHOUT_MAPPING: ConfigKey = key(
    NAME_IN_TOPICS.name,
    "a mapping with + in its topics beside it",
);
pub(super) const USER: ConfigKey = key("user", "a name at the broker");
pub(super) const PASSWORD_FILE: ConfigKey = key(
    "password_file",
    "a file with the password of bus.user in its first line",
);
pub(super) const TLS: ConfigKey = key("tls", "a table");
/// The password file where `bus.user`, the name that it belongs to, is missing.
pub(super) const PASSWORD_WITHOUT_USER: ConfigKey =
    key(PASSWORD_FILE.name, "the name at the broker beside it");

pub(super) const CA: ConfigKey = key(
    "ca",
    "a PEM file with the certificate of the broker's authority",
);
pub(super) const CERTIFICATE: ConfigKey =
    key("cert", "a PEM file with the head unit's certificate");
pub(super) const CERTIFICATE_KEY: ConfigKey = key("key", "a PEM file with the key of bus.tls.cert");

pub(super) const URL: ConfigKey = key("url", "an https:// address (http:// only to this machine)");
pub(super) const CLOUD_KEY: ConfigKey = key(
    "key",
    "the cloud's public key and salt: KEY.SALT, as dashpoint-cloud key prints it",
);
pub(super) const CA_FILE: ConfigKey = key("ca_file", "a PEM file");
pub(super) const SEND_WITHIN_S: ConfigKey = key("send_within_s", "whole seconds from 0 to 3600");

pub(super) const VIN: ConfigKey = key(
    "vin",
    "a VIN: 17 capital letters and digits without I, O, Q",
);

const fn key(name: &'static str, expected: &'static str) -> ConfigKey {
    ConfigKey { name, expected }
}
