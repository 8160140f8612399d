//! Entries reconciled and durable at the cloud, beside bare verifying and bare commits.

use std::path::Path;
use std::time::Duration;

use dashpoint_cloud::{ClockKind, CloudCore, PostOutcome, open_file};
use dashpoint_membership::ServerTime;
use dashpoint_wire::message::EntriesRequest;
use dashpoint_wire::{MAX_ENTRIES, SigningKey};

use super::chain::Life;
use super::enrolled::{BEGIN_S, Enrolled};
use super::floor::{BareKey, BareTable, ROW_BYTES};
use super::stopwatch::timed;
use super::table::Row;

const ENTRIES: usize = 10_000;

/// Batches of 100, each followed at once by the same number of bare verifications and one bare commit of as many rows.
pub fn measure(disk: &Path) -> Vec<Row> {
    let folder = tempfile::tempdir_in(disk).unwrap();
    let now = ServerTime::from_unix_s(BEGIN_S);
    let key = SigningKey::from_seed(&[0xc1; 32]);
    let db = open_file(&folder.path().join("cloud.db")).unwrap();
    let mut core = CloudCore::start(db, key, ClockKind::System, now).unwrap();
    let enrolled = Enrolled::at(&mut core, now).unwrap();
    let mut life = Life::begin(&enrolled);
    let bare_key = BareKey::new();
    let mut bare = BareTable::open(&folder.path().join("bare.db"), None);
    let (mut cloud, mut verify, mut commit) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut last_receipt = None;
    for _ in 0..ENTRIES / MAX_ENTRIES {
        let from = life.head().seq.next();
        let entries: Vec<_> = (0..MAX_ENTRIES).map(|_| life.next()).collect();
        let request = EntriesRequest {
            epoch: life.head().epoch,
            from,
            last_receipt,
            entries: entries.iter().map(|entry| entry.to_raw()).collect(),
        };
        let now = life.now();
        let (posted, took) = timed(|| core.post_entries(enrolled.device, &request, now));
        let Ok(PostOutcome::Settled(answer)) = posted else {
            panic!("{posted:?}");
        };
        last_receipt = Some(answer.receipt);
        cloud += took;
        life.receipt_at = now;
        let signed: Vec<_> = entries
            .iter()
            .map(|entry| &entry.raw()[..ROW_BYTES.min(entry.raw().len())])
            .map(|body| (body, bare_key.sign(body)))
            .collect();
        verify += timed(|| {
            for (body, signature) in &signed {
                bare_key.verify(body, signature);
            }
        })
        .1;
        commit += timed(|| bare.commit_many(entries.iter().map(|entry| entry.raw()))).1;
    }
    let per_second = |took: Duration| ENTRIES as f64 / took.as_secs_f64();
    let row = |what: &str, beside: f64, aim, least| Row {
        what: what.to_owned(),
        measured: per_second(cloud),
        beside,
        unit: "1/s",
        ratio: per_second(cloud) / beside,
        aim,
        met: per_second(cloud) >= beside * least,
    };
    vec![
        row(
            "10,000 entries at the cloud, beside verifying and commits",
            per_second(verify + commit),
            ">= 0.5",
            0.5,
        ),
        row(
            "the same, beside verifying alone",
            per_second(verify),
            "told, no aim",
            0.0,
        ),
    ]
}
