//! Verification of the whole ledger: every link, signature, interval, receipt and sum.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use dashpoint_membership::{DeviceId, Entry, EntryHash, Meter, MeterInterval, Seq};
use dashpoint_store::{StoreReader, StoredEntry};
use dashpoint_sync::DeviceIdentity;
use dashpoint_wire::PublicKey;
use serde::Serialize;

use crate::books::{SaltedEvidence, bound_statements, certificate};

/// Faults listed of one check; more are counted in the last line.
const FAULTS_MAX: usize = 20;

/// Result of the verification: its checks and their faults.
#[derive(Debug, Default, Serialize)]
pub(super) struct Verification {
    pub(super) checks: Vec<Check>,
}

/// One thing that must hold.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    /// Name of the check.
    pub(super) what: &'static str,
    /// Its name in Chinese.
    #[serde(skip)]
    pub(super) what_zh: &'static str,
    /// The number of items that were checked.
    pub(super) looked_at: u64,
    /// The places where the check fails.
    pub(super) faults: Vec<String>,
}

impl Verification {
    /// Returns whether everything holds.
    pub(super) fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.faults.is_empty())
    }
}

impl Check {
    const fn new(what: &'static str, what_zh: &'static str) -> Self {
        Self {
            what,
            what_zh,
            looked_at: 0,
            faults: Vec::new(),
        }
    }

    fn see(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        self.looked_at += 1;
        if holds {
            return;
        }
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault());
        } else if self.faults.len() == FAULTS_MAX {
            self.faults.push("and more".to_owned());
        }
    }
}

/// Verifies everything that the data folder holds against the cloud's key and the device's certificate.
///
/// # Errors
/// When the folder cannot be read at all, or was never enrolled.
pub(super) fn verify(reader: &StoreReader, cloud_key: PublicKey) -> anyhow::Result<Verification> {
    let certificate = certificate(reader, &cloud_key)?;
    let device = certificate.body().device;
    let mut grants = Check::new("grants of epochs", "纪元授权");
    let mut starts = BTreeMap::new();
    for epoch in reader.epochs()? {
        starts.insert(epoch.epoch, epoch.hash);
        let verified = epoch.raw.verify(&cloud_key, &device);
        grants.see(verified.is_ok(), || {
            format!("epoch {}: the grant does not verify", epoch.epoch)
        });
    }
    let mut walk = Walk::new(starts);
    reader.for_each_entry(|stored| {
        let verified = stored.raw.clone().verify(&certificate.body().key, &device);
        walk.see(&stored, verified.ok().map(|signed| signed.into_parts().1));
        ControlFlow::Continue(())
    })?;
    let marks = reader.marks()?;
    let mut checks = vec![grants];
    checks.extend(walk.finish(&marks));
    checks.push(receipts(reader, &cloud_key, &device)?);
    checks.push(bindings(reader, &cloud_key, &device)?);
    checks.push(terms(reader, &cloud_key)?);
    let who = DeviceIdentity {
        device,
        device_key: certificate.body().key,
        cloud_key,
    };
    checks.extend(statements(reader, &who)?);
    Ok(Verification { checks })
}

/// The walk along the chain.
struct Walk {
    grants: BTreeMap<dashpoint_membership::Epoch, EntryHash>,
    before: Option<StoredPlace>,
    signatures: Check,
    links: Check,
    digests: Check,
    intervals: Check,
    claimed: BTreeMap<Meter, Vec<(MeterInterval, String)>>,
    said: BTreeSet<EntryHash>,
}

#[derive(Clone, Copy)]
struct StoredPlace {
    epoch: dashpoint_membership::Epoch,
    seq: Seq,
    hash: EntryHash,
}

impl Walk {
    const fn new(grants: BTreeMap<dashpoint_membership::Epoch, EntryHash>) -> Self {
        Self {
            grants,
            before: None,
            signatures: Check::new("signatures of entries", "记录签名"),
            links: Check::new("links of the chain", "链的衔接"),
            digests: Check::new("digests of private evidence", "私有凭据的摘要"),
            intervals: Check::new("meter intervals, each paid once", "计量区间只计一次"),
            claimed: BTreeMap::new(),
            said: BTreeSet::new(),
        }
    }

    fn see(&mut self, stored: &StoredEntry, entry: Option<Entry>) {
        let point = stored.point;
        let place = format!("entry {}-{}", point.epoch, point.seq);
        self.signatures.see(entry.is_some(), || {
            format!("{place}: the signature does not verify")
        });
        let follows = self
            .before
            .filter(|before| before.epoch == point.epoch)
            .map_or_else(
                || {
                    self.grants
                        .get(&point.epoch)
                        .map(|hash| (Seq::new(0), *hash))
                },
                |before| Some((before.seq, before.hash)),
            );
        let linked = entry
            .as_ref()
            .zip(follows)
            .is_some_and(|(entry, (seq, hash))| {
                entry.epoch == point.epoch
                    && entry.seq == point.seq
                    && entry.seq == seq.next()
                    && entry.prev == hash
            });
        self.links.see(linked, || {
            format!("{place}: it does not follow the one before")
        });
        self.links.see(stored.raw.hash() == point.hash, || {
            format!("{place}: its hash is another")
        });
        self.before = Some(StoredPlace {
            epoch: point.epoch,
            seq: point.seq,
            hash: point.hash,
        });
        if let Some(entry) = entry {
            self.look_inside(&entry, stored, place);
        }
    }

    fn look_inside(&mut self, entry: &Entry, stored: &StoredEntry, place: String) {
        if stored.is_private_damaged {
            self.digests.see(false, || {
                format!("{place}: the private evidence was changed")
            });
        }
        if let (Some(private), Some(digest)) = (&stored.private, entry.transaction().digest()) {
            let kept = SaltedEvidence::signed_as(private.clone(), digest);
            self.digests.see(kept.is_some(), || {
                format!("{place}: the private evidence is another")
            });
        }
        // A carry says again what its original said, and claims nothing new.
        if self.said.insert(entry.origin(stored.point.hash))
            && let Some(interval) = entry.transaction().interval()
        {
            self.claimed
                .entry(interval.meter)
                .or_default()
                .push((interval, place));
        }
    }

    fn finish(mut self, marks: &BTreeMap<Meter, u64>) -> Vec<Check> {
        for (meter, mut claims) in self.claimed {
            claims.sort();
            for pair in claims.windows(2) {
                let (before, after) = (&pair[0], &pair[1]);
                self.intervals.see(!before.0.overlaps(&after.0), || {
                    format!(
                        "{} and {} claim the same of the meter {meter:?}",
                        before.1, after.1
                    )
                });
            }
            let high = claims
                .iter()
                .map(|(interval, _)| interval.to)
                .max()
                .unwrap_or(0);
            let mark = marks.get(&meter).copied().unwrap_or(0);
            self.intervals.see(high <= mark, || {
                format!("the mark of {meter:?} is {mark}, below {high}")
            });
        }
        vec![self.signatures, self.links, self.digests, self.intervals]
    }
}

fn receipts(
    reader: &StoreReader,
    cloud_key: &PublicKey,
    device: &DeviceId,
) -> anyhow::Result<Check> {
    let mut check = Check::new("receipts", "回执");
    let mut stored = Vec::new();
    reader.for_each_receipt(|receipt| {
        let kept = receipt.through;
        let verified = receipt.raw.verify(cloud_key, device);
        let same = verified.is_ok_and(|receipt| {
            let said = receipt.body();
            (said.epoch, said.through, said.head) == (kept.epoch, kept.seq, kept.hash)
        });
        check.see(same, || {
            format!(
                "the receipt up to {}-{}: it does not verify",
                kept.epoch, kept.seq
            )
        });
        stored.push(kept);
        ControlFlow::Continue(())
    })?;
    for through in stored {
        let here = reader.point(through.epoch, through.seq)?;
        check.see(here.is_none_or(|here| here == through), || {
            format!(
                "the receipt up to {}-{}: it names another entry than the one here",
                through.epoch, through.seq
            )
        });
    }
    Ok(check)
}

fn bindings(
    reader: &StoreReader,
    cloud_key: &PublicKey,
    device: &DeviceId,
) -> anyhow::Result<Check> {
    let mut check = Check::new("bindings", "绑定");
    for (id, raw) in reader.bindings()? {
        let verified = raw.verify(cloud_key, device);
        check.see(
            verified.is_ok_and(|binding| binding.body().id == id),
            || format!("binding {id}: it does not verify"),
        );
    }
    Ok(check)
}

/// Policies and catalogue: what is paid for what, and what points are good for.
fn terms(reader: &StoreReader, cloud_key: &PublicKey) -> anyhow::Result<Check> {
    let mut check = Check::new("policies and catalogue", "规则与权益目录");
    for (version, raw) in reader.policies()? {
        let verified = raw.verify(cloud_key, &());
        let same = verified.is_ok_and(|policy| policy.body().version == version);
        check.see(same, || format!("policy {version}: it does not verify"));
    }
    if let Some((version, raw)) = reader.catalogue()? {
        let verified = raw.verify(cloud_key, &());
        let same = verified.is_ok_and(|catalogue| catalogue.body().version == version);
        check.see(same, || format!("catalogue {version}: it does not verify"));
    }
    Ok(check)
}

/// The statements of the members who are bound here.
fn statements(reader: &StoreReader, who: &DeviceIdentity) -> anyhow::Result<Vec<Check>> {
    let mut signatures = Check::new("statements", "对账单");
    let mut sums = Check::new("lot sums and account", "批次合计与账户");
    let statements = bound_statements(reader, who)?;
    for member in statements.sealed {
        signatures.see(false, || {
            format!("member {member}: the key does not open the statement; the next contact brings it again")
        });
    }
    for stored in statements.readable {
        match stored.raw.verify(&who.cloud_key, &stored.member) {
            Ok(statement) => {
                signatures.see(true, String::new);
                let checked = statement.body().account.check();
                sums.see(checked.is_ok(), || match checked {
                    Ok(()) => String::new(),
                    Err(flaw) => format!("member {}: {flaw}", stored.member),
                });
            }
            Err(error) => signatures.see(false, || format!("member {}: {error}", stored.member)),
        }
    }
    Ok(vec![signatures, sums])
}
