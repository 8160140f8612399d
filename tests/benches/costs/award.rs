//! One award durable, beside one bare commit and one signature.

use std::path::Path;
use std::time::Duration;

use dashpoint_cloud::{ClockKind, CloudCore, open_in_memory};
use dashpoint_membership::ServerTime;
use dashpoint_wire::SigningKey;

use super::car::DrivenCar;
use super::enrolled::{BEGIN_S, Enrolled, open_store};
use super::floor::{BareKey, BareTable, ROW_BYTES};
use super::stopwatch::{Times, timed};
use super::table::Row;

const AWARDS: usize = 500;

/// A head unit that a cloud in memory has enrolled.
pub fn enrolled() -> Enrolled {
    let now = ServerTime::from_unix_s(BEGIN_S);
    let key = SigningKey::from_seed(&[0xc1; 32]);
    let db = open_in_memory().unwrap();
    let mut core = CloudCore::start(db, key, ClockKind::System, now).unwrap();
    Enrolled::at(&mut core, now).unwrap()
}

/// The step of the engine in which a trip ends and its signed entry comes to the disk; award and floor by turns.
pub fn measure(disk: &Path) -> Vec<Row> {
    let folder = tempfile::tempdir_in(disk).unwrap();
    let enrolled = enrolled();
    let mut store = open_store(&folder.path().join("car"), None);
    enrolled.keep(&mut store);
    let mut car = DrivenCar::new(&enrolled, store);
    let bare = BareTable::open(&folder.path().join("bare.db"), None);
    let key = BareKey::new();
    let body = [0x5a; ROW_BYTES];
    let (mut awards, mut floors) = (Times::default(), Times::default());
    for _ in 0..AWARDS {
        let mut last = Duration::ZERO;
        car.drive(|engine, inputs| {
            last = timed(|| DrivenCar::second(engine, inputs)).1;
        });
        awards.add(last);
        let floor = || {
            let signature = key.sign(&body);
            bare.commit_one(&body);
            signature
        };
        floors.add(timed(floor).1);
    }
    let row = |percent, aim, most: f64| {
        let (measured, beside) = (awards.percentile_us(percent), floors.percentile_us(percent));
        Row {
            what: format!("one award durable, beside a bare commit and signature, p{percent}"),
            measured,
            beside,
            unit: "us",
            ratio: measured / beside,
            aim,
            met: measured <= beside * most,
        }
    };
    vec![row(50, "<= 1.3", 1.3), row(99, "the floor's own p99", 1.0)]
}
