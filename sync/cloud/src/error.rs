//! Errors of the cloud, with messages for the operator.

mod name;
mod questions;

use std::path::PathBuf;

use dashpoint_membership::policy::PolicyError;
use dashpoint_membership::{
    AccountError, CatalogueError, DeviceId, EntryHash, EntryRef, MemberId, PolicyVersion,
    ServerTime,
};
use dashpoint_wire::{PublicKey, WireError};

use crate::clock::UnconfirmedClock;
use crate::lacking::Lacking;
use crate::random::spoken_code;

pub use name::{NameError, NamedKind};

/// A failure of the cloud. A verdict on an entry is never one: it is an answer.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// The database failed.
    #[error("the database refused: {0}")]
    Database(#[from] rusqlite::Error),
    /// A file or a socket failed.
    #[error("{what} {path}: {source}", path = path.display())]
    File {
        /// The action that failed.
        what: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// Error of the system.
        source: std::io::Error,
    },
    /// A backup that is not whole; nothing was changed.
    #[error("{} is damaged: take another backup; nothing was changed", .0.display())]
    Damaged(PathBuf),
    /// A database and a log that do not belong together, or that a disk damaged.
    #[error("{path} is damaged, or is a copy beside the log of another run; nothing was changed: restore a backup; if you have put a copy there yourself, move {path}-wal to another place and keep it", path = .0.display())]
    NotWhole(PathBuf),
    /// A database without a log that its last program did not close, and that is damaged.
    #[error("{} was not closed and is damaged; nothing was changed: restore a backup, or put the log back that lay beside it", .0.display())]
    NotWholeAlone(PathBuf),
    /// A restore that was cut off between keeping the old database and putting the backup in its place.
    #[error("a restore was cut off in {}: give it again, with the same backup", .0.display())]
    RestoreCutOff(PathBuf),
    /// A restore is at work: what a command writes would be gone with the old database.
    #[error("a restore is under way in {}: give the command again when it is done; nothing was changed", .0.display())]
    Restoring(PathBuf),
    /// A command is at work: a restore would put its work aside.
    #[error("a command is at work in {}: give the restore again when it is done; nothing was changed", .0.display())]
    CommandRuns(PathBuf),
    /// A file that would be written over.
    #[error("{} is there already: give another name", .0.display())]
    Exists(PathBuf),
    /// A backup at the place where a restore makes its copy ready.
    #[error("{} is where a restore makes its copy: give the backup another name; nothing was changed", .0.display())]
    InTheWay(PathBuf),
    /// The address to listen on cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Error of the system.
        source: std::io::Error,
    },
    /// Something signed, by this cloud or to be signed, is not sound.
    #[error("{0}")]
    Wire(#[from] WireError),
    /// An account would break, or is broken: nothing was written.
    #[error("an account is not sound, nothing was written: {0}")]
    Account(#[from] AccountError),
    /// A policy that must not be signed.
    #[error("the policy cannot be used: {0}")]
    Policy(#[from] PolicyError),
    /// A catalogue that must not be signed.
    #[error("the catalogue cannot be used: {0}")]
    Catalogue(#[from] CatalogueError),
    /// A zone that nobody knows.
    #[error("{0:?} is not a time zone: expected an IANA name such as Asia/Shanghai")]
    Zone(String),
    /// A version that is not higher than the newest.
    #[error("version {found} is not higher than the newest, {newest}: raise `version` in the file")]
    VersionNotHigher {
        /// The version in the file.
        found: u32,
        /// The newest version that was signed.
        newest: u32,
    },
    /// A version that is so far above the newest that an entry which names it would not be believed.
    #[error(
        "version {found} is too far above the newest: give `version` in the file at most {most}"
    )]
    VersionTooFar {
        /// The version in the file.
        found: PolicyVersion,
        /// The highest that may follow the newest.
        most: PolicyVersion,
    },
    /// A file of the operator's that cannot be read as what it should be.
    #[error("{path}: {reason}", path = path.display())]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// The problem, in one line.
        reason: String,
    },
    /// No member has this id.
    #[error("no member has the id {0}")]
    NoMember(MemberId),
    /// A name that means nobody, or several.
    #[error("{0}")]
    Name(NameError),
    /// No device has this id.
    #[error("no device has the id {0}")]
    NoDevice(DeviceId),
    /// A time that is over before it begins.
    #[error("no time lies between {since} and {until}: give an --until that is later than --since")]
    NoTime {
        /// The beginning.
        since: ServerTime,
        /// The end.
        until: ServerTime,
    },
    /// The restored database cannot be given what the one before has, for a reason that lies not with that one.
    #[error(
        "cannot take over what the database before has: {0}; nothing was changed: give the restore again, or move cloud.db to another place first to restore without it"
    )]
    NotTakenOver(#[source] Box<Self>),
    /// The device was shut out already.
    #[error("the device {0} is revoked already")]
    AlreadyRevoked(DeviceId),
    /// Nobody waits with this code.
    #[error(
        "no head unit waits with the code {code}: it is wrong, was answered, or its five minutes are over", code = spoken_code(.0)
    )]
    NoCode(String),
    /// The key is a point of small order, which is nobody's.
    #[error("the key is not one that a head unit can have")]
    WeakKey,
    /// The key belongs to the head unit of another vehicle.
    #[error("the key belongs to the head unit of another vehicle")]
    KeyOfAnotherVehicle,
    /// Another member has said yes to the request already, and it waits for the word of the vehicle's member.
    #[error("the code {code} waits for the word of a member of the vehicle: `device consent`", code = spoken_code(.0))]
    Claimed(String),
    /// Nobody said yes yet, so there is nothing to agree to.
    #[error("nobody has said yes to the code {code} yet: `device approve` comes first", code = spoken_code(.0))]
    NotClaimed(String),
    /// Only who is bound to the vehicle can agree to another member.
    #[error("the member {0} is not bound to the vehicle, and cannot agree")]
    NotOfTheVehicle(MemberId),
    /// Nothing is held back for the entry.
    #[error("nothing is held back for the entry {0}: see `review list`")]
    NotHeld(EntryRef),
    /// Another entry was paid for the stretch of the meter.
    #[error(
        "another entry holds the stretch that {0} claims: see `meter list`; free that one first, or refuse this one"
    )]
    MeterTaken(EntryRef),
    /// The entry holds no stretch of a meter.
    #[error("the entry {0} holds no stretch of a meter of this vehicle: see `meter list`")]
    HoldsNothing(EntryRef),
    /// The entry opens no meter, or was rejected.
    #[error("the entry {0} opens no meter: see `meter list`")]
    NoOpening(EntryRef),
    /// The meter is open, by this entry or by another one.
    #[error(
        "the meter that {0} opens is open already: see `meter list`; `meter correct` gives an open one other readings"
    )]
    OpenAlready(EntryRef),
    /// A reason of no words.
    #[error("a reason has at least one word")]
    NoReason,
    /// A reason that has no room in a statement.
    #[error("a reason has at most {0} bytes in UTF-8: say it in fewer words")]
    LongReason(usize),
    /// The database has no policy, which every cloud is begun with.
    #[error("the database has no policy")]
    NoPolicy,
    /// The database has no catalogue, which every cloud is begun with.
    #[error("the database has no catalogue")]
    NoCatalogue,
    /// The version of the policy does not exist.
    #[error("there is no policy of version {0}")]
    NoPolicyVersion(PolicyVersion),
    /// Entries name a policy that was signed after the backup which this database went back to.
    #[error(
        "entries wait for policy {named}, which this database lacks (its newest is {newest}): sign it again from its file"
    )]
    PolicyForgotten {
        /// The version that they were made under.
        named: PolicyVersion,
        /// The newest version here.
        newest: PolicyVersion,
    },
    /// A device names a binding, a policy or an epoch that is not here, and has not shown since what it holds of this cloud:
    /// the database may have gone back.
    #[error(
        "the device {device} has to show its proof of enrolment first: it names the {lacking}, which is not here"
    )]
    ProofWanted {
        /// The device.
        device: DeviceId,
        /// The first thing that is lacking.
        lacking: Lacking,
        /// The place in the chain that names it.
        place: EntryHash,
    },
    /// A device earns for a member who was made after the backup which this database went back to.
    #[error(
        "a device earns for the member {0}, who is not in this database: give the member back with `member add --id {0} --name NAME --zone ZONE`"
    )]
    MemberForgotten(MemberId),
    /// A proof of enrolment that this cloud did not sign for that device.
    #[error("the device {device} shows a proof of enrolment that this cloud did not sign")]
    NotProven {
        /// The device that was named.
        device: DeviceId,
        /// The cause.
        #[source]
        refused: WireError,
    },
    /// Too many head units wait to be enrolled.
    #[error("too many head units wait to be enrolled")]
    TooManyWaiting,
    /// The data folder has no cloud.
    #[error("there is no member cloud in {path}: `dashpoint-cloud init --data {path}` makes one, or name its folder with --data", path = .0.display())]
    NoCloud(PathBuf),
    /// A database whose key is not there.
    #[error("{} is missing beside its database: put the key back from where a copy is kept; without it no car believes this cloud, and only a new one in an empty folder can begin (`dashpoint-cloud init`)", .0.display())]
    KeyMissing(PathBuf),
    /// A key file without a key in it.
    #[error("{path} holds no key: put the file back from where a copy is kept", path = path.display())]
    NotAKey {
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        source: WireError,
    },
    /// A file that a person named and that is not there.
    #[error("{} does not exist", .0.display())]
    NotThere(PathBuf),
    /// A file that is no database.
    #[error("{} is not a database: name a file that `dashpoint-cloud backup` wrote, or a copy of cloud.db; nothing was changed", .0.display())]
    NotADatabase(PathBuf),
    /// An id that a member has already.
    #[error("the member {0} is here already: see `member list`")]
    MemberExists(MemberId),
    /// A member without a name.
    #[error("a member's name has at least one letter: give --name NAME")]
    NoName,
    /// A member's name that a terminal would obey.
    #[error(
        "a member's name has no control characters, line breaks or marks of direction: give it in letters"
    )]
    SteeringName,
    /// A member's name that no screen has room for.
    #[error("a member's name has at most {most} bytes: give a shorter one")]
    LongName {
        /// Bytes that it may have.
        most: usize,
    },
    /// Another program serves from the data folder.
    #[error("another program serves from {} already", .0.display())]
    Locked(PathBuf),
    /// The data folder was made for another clock.
    #[error("this cloud was made with `--clock {made}` and keeps it")]
    ClockKept {
        /// The clock it was made with.
        made: &'static str,
    },
    /// The clock is not believed: it leapt against the last time at which the database was at work.
    #[error(
        "the clock shows {now}, and this cloud was last at work at {known}: nothing is changed and no receipt is signed; set the clock right, or say `dashpoint-cloud serve --accept-clock REASON` when it is right"
    )]
    ClockLeapt {
        /// The last time at which the database was at work.
        known: ServerTime,
        /// The time that the clock shows.
        now: ServerTime,
    },
    /// Work that goes by the clock alone waits: the clock leapt ahead, and nothing has confirmed it.
    #[error("{0}")]
    ClockUnconfirmed(UnconfirmedClock),
    /// A database of another cloud beside the key, or a key of another cloud beside the database.
    #[error(
        "the database is of the cloud with the key {made}, and the key in the folder is {here}: put back the key and the database that belong together"
    )]
    OtherKey {
        /// The key that signed what the database holds.
        made: PublicKey,
        /// The key in the folder.
        here: PublicKey,
    },
    /// A key whose database is not there.
    #[error(
        "{} is missing beside its key: mount its disk, put a backup in its place with `dashpoint-cloud restore FILE`, or begin with nothing with `dashpoint-cloud init`", .0.display()
    )]
    DatabaseMissing(PathBuf),
    /// A database that was deleted or replaced while it was open.
    #[error(
        "{} was deleted or replaced while the cloud served from it: stop the cloud, put the file or a backup in its place and start again", .0.display()
    )]
    DatabaseGone(PathBuf),
    /// Less room on the disk than one batch of entries may need.
    #[error("the disk of {} is full but for {free_kib} KiB, less than a batch may need: make room on it", path.display())]
    NoRoom {
        /// Path of the database.
        path: PathBuf,
        /// Room that this program may still fill, in KiB.
        free_kib: u64,
    },
    /// A posted clock is for tests only.
    #[error("`--clock posted` is for tests only: add `--test`")]
    PostedWithoutTest,
    /// An existing database of no bytes: something outside truncated it.
    #[error("{} is empty: it was cut off from outside; restore it from a backup or move it away", .0.display())]
    EmptyDatabase(PathBuf),
    /// A database of another program.
    #[error("the database is not a member cloud's")]
    ForeignDatabase,
    /// A database of a newer program; nothing was changed.
    #[error(
        "the database has schema {found} and this program knows {known}: use the newer program; nothing was changed"
    )]
    NewerSchema {
        /// The schema in the file.
        found: i32,
        /// The newest schema that this program knows.
        known: i32,
    },
    /// The linked SQLite has a bug that loses commits.
    #[error("SQLite {0} can lose commits: 3.51.3 or newer is needed")]
    OldSqlite(&'static str),
    /// A device would have more stored than is its measure: nothing of the request was recorded.
    #[error("the device {device} has had its measure recorded: come back in {wait_s} s")]
    TooMuch {
        /// The device.
        device: DeviceId,
        /// Seconds until there is room again.
        wait_s: i64,
    },
    /// The ledger's queue is full: come back soon.
    #[error("the ledger is busy")]
    Busy,
    /// The ledger's thread has ended.
    #[error("the cloud is stopping")]
    Stopping,
}

impl CloudError {
    pub(crate) fn failed(
        what: &'static str,
        path: &std::path::Path,
        source: std::io::Error,
    ) -> Self {
        Self::File {
            what,
            path: path.to_owned(),
            source,
        }
    }
}
