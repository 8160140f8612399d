//! Uses of the program that the arguments alone do not refuse.

use std::path::PathBuf;

/// A use of the program that the arguments alone do not refuse.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// The clock of the bus is for tests.
    #[error("clock = \"bus\" is for tests only; add --test, or set clock = \"system\"")]
    BusClock,
    /// Neither the bus nor the configuration tells the VIN.
    #[error(
        "the bus does not tell the VIN; start the vehicle, or set vehicle.vin in the configuration"
    )]
    NoVin,
    /// The configuration is older than the salt.
    #[error(
        "cloud.key has no salt, and the VIN would leave the car for anybody to look up; set it to what \
         `dashpoint-cloud key` prints: KEY.SALT"
    )]
    NoSalt,
    /// A driver that is not issuer and subject.
    #[error(
        "--driver {0:?}: expected ISSUER#SUBJECT, both as the vehicle's bus spells them, such as \
         https://id.example.com#42"
    )]
    Driver(String),
    /// A zone that is none.
    #[error("--zone {0:?}: expected an IANA zone such as Asia/Shanghai")]
    Zone(String),
}

/// A file that a command was to make cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be written", path.display())]
pub struct NotWritten {
    /// Path of the file.
    pub path: PathBuf,
    /// The cause.
    pub source: std::io::Error,
}

/// No file can be made in the data folder.
#[derive(Debug, thiserror::Error)]
#[error(
    "no file can be made in {}; make the folder writable for this program, as with `chmod 700`: the socket that `dashpoint \
     status` asks lies there",
    folder.display()
)]
pub struct FolderShut {
    /// Path of the folder.
    pub folder: PathBuf,
    /// The cause.
    pub source: std::io::Error,
}

/// The certificate of the cloud's authority cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: cloud.ca_file cannot be read", path.display())]
pub struct AuthorityUnread {
    /// Path of the file.
    pub path: PathBuf,
    /// The cause.
    pub source: std::io::Error,
}
