//! What the tests share: programs, a broker, a vehicle, a network.

mod bus;
mod car;
mod cloud;
mod disk;
mod display;
mod gate;
mod http;
mod lock;
pub mod nonsense;
mod ports;
mod privacy;
mod program;
mod world;
mod wrong_clock;

pub use bus::{Bus, Kind, Vehicle, charge};
pub use car::Car;
pub use cloud::MemberCloud;
pub use disk::SmallDisk;
pub use display::{Area, Display, WHOLE};
pub use gate::{Gate, Manner};
pub use http::answer;
pub use lock::WriteLock;
pub use ports::free_port;
pub use privacy::{assert_logs_name_nobody, assert_nothing_private_left};
pub use program::{Program, stderr, stdout};
pub use world::{EARNED_OFFLINE, World};
pub use wrong_clock::WrongClock;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// The salt of the tests' operator, as it stands behind the cloud's key in a configuration: the cloud never sees it.
pub const SALT: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

/// The member of these tests; his name must not be in any log.
pub const MEMBER_NAME: &str = "欧阳测试";
/// The car of these tests; its number must not be in any log, and must not leave the car.
pub const VIN: &str = "LDPTESTCAR0000042";
/// More than anything here takes on a busy machine; a condition that is met ends the wait at once.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Waits for a condition and gives what it found.
#[track_caller]
pub fn until<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let began = now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            began.elapsed() < patience,
            "waited {patience:?} in vain: {what}"
        );
        thread::sleep(LOOK_EVERY);
    }
}

/// Waits for a condition as long as there is progress towards it: it fails once there was none for so long.
#[track_caller]
pub fn until_progress_ends<T, P: PartialEq>(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> (P, Option<T>),
) -> T {
    let (mut before, mut since) = (None, now());
    loop {
        let (progress, found) = look();
        if let Some(found) = found {
            return found;
        }
        let progress = Some(progress);
        if progress != before {
            (before, since) = (progress, now());
        }
        assert!(
            since.elapsed() < patience,
            "no progress in {patience:?}: {what}"
        );
        thread::sleep(LOOK_EVERY);
    }
}

/// The clock on the wall, for bounds on waiting.
#[expect(clippy::disallowed_methods, reason = "the clock of the tests")]
pub fn now() -> Instant {
    Instant::now()
}

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "the clock of the tests")]
pub fn wall() -> Timestamp {
    Timestamp::try_from(std::time::SystemTime::now()).unwrap()
}

/// Whether something real is there to test with; says what is missing, and fails where everything is required.
pub fn is_there(what: &str, there: bool) -> bool {
    if there {
        return true;
    }
    let required = std::env::var("DASHPOINT_REQUIRE").is_ok_and(|what| what == "all");
    assert!(!required, "missing: {what}");
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    {
        eprintln!("skipped: {what} is missing");
    }
    false
}

/// A file of the recordings beside the repository.
pub fn recording(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.parent()?;
    let path = root.join("shared/data").join(name);
    is_there(&path.display().to_string(), path.exists()).then_some(path)
}

/// Every file of a folder but sockets, by its name, with its bytes.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    files
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, std::fs::read(file.path()).unwrap())
        })
        .collect()
}

/// Copies a folder with everything in it but sockets.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy_folder(&entry.path(), &target);
        } else if kind.is_file() {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
