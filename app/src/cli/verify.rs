//! Verification of the whole ledger: every link, signature, interval, receipt and sum.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use dashpoint_membership::{
    DeviceId, Entry, EntryHash, Meter, MeterInterval, MeterNumber, Seq, Text,
};
use dashpoint_store::{StoreReader, StoredEntry};
use dashpoint_sync::DeviceIdentity;
use dashpoint_wire::PublicKey;
use serde::{Serialize, Serializer};

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
    /// The places where the check fails; JSON has them in English.
    #[serde(serialize_with = "in_english")]
    pub(super) faults: Vec<Text>,
}

fn in_english<S: Serializer>(faults: &[Text], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(faults.iter().map(|fault| &fault.en))
}

/// A fault in both languages.
fn fault(en: String, zh: String) -> Text {
    Text { en, zh }
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

    fn see(&mut self, holds: bool, fault: impl FnOnce() -> Text) {
        self.looked_at += 1;
        if holds {
            return;
        }
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault());
        } else if self.faults.len() == FAULTS_MAX {
            self.faults
                .push(self::fault("and more".to_owned(), "还有更多".to_owned()));
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
            fault(
                format!("epoch {}: the grant does not verify", epoch.epoch),
                format!("纪元 {}：授权校验失败", epoch.epoch),
            )
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
    claimed: BTreeMap<(Meter, MeterNumber), Vec<(MeterInterval, String)>>,
    said: BTreeSet<EntryHash>,
}

/// A fault of an entry.
fn of_entry(place: &str, en: &str, zh: &str) -> Text {
    fault(
        format!("entry {place}: {en}"),
        format!("记录 {place}：{zh}"),
    )
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
        let place = format!("{}-{}", point.epoch, point.seq);
        self.signatures.see(entry.is_some(), || {
            of_entry(&place, "the signature does not verify", "签名校验失败")
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
            of_entry(
                &place,
                "it does not follow the one before",
                "与前一条不衔接",
            )
        });
        self.links.see(stored.raw.hash() == point.hash, || {
            of_entry(&place, "its hash is another", "哈希不符")
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
                of_entry(&place, "the private evidence was changed", "私有凭据被改动")
            });
        }
        if let (Some(private), Some(digest)) = (&stored.private, entry.transaction().digest()) {
            let kept = SaltedEvidence::signed_as(private.clone(), digest);
            self.digests.see(kept.is_some(), || {
                of_entry(&place, "the private evidence is another", "私有凭据不符")
            });
        }
        // A carry says again what its original said, and claims nothing new.
        if self.said.insert(entry.origin(stored.point.hash))
            && let Some(interval) = entry.transaction().interval()
        {
            self.claimed
                .entry((interval.meter, interval.number))
                .or_default()
                .push((interval, place));
        }
    }

    fn finish(mut self, marks: &BTreeMap<(Meter, MeterNumber), u64>) -> Vec<Check> {
        for (key, mut claims) in self.claimed {
            let (meter, number) = key;
            claims.sort();
            for pair in claims.windows(2) {
                let (before, after) = (&pair[0], &pair[1]);
                self.intervals.see(!before.0.overlaps(&after.0), || {
                    let (one, other) = (&before.1, &after.1);
                    fault(
                        format!(
                            "entry {one} and entry {other} claim the same of the meter {meter:?} {number}"
                        ),
                        format!("记录 {one} 与记录 {other} 重复计量（{meter:?} {number}）"),
                    )
                });
            }
            let high = claims
                .iter()
                .map(|(interval, _)| interval.to)
                .max()
                .unwrap_or(0);
            let mark = marks.get(&key).copied().unwrap_or(0);
            self.intervals.see(high <= mark, || {
                fault(
                    format!("the mark of {meter:?} {number} is {mark}, below {high}"),
                    format!("{meter:?} {number} 的标记为 {mark}，低于 {high}"),
                )
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
            let through = format!("{}-{}", kept.epoch, kept.seq);
            fault(
                format!("the receipt up to {through}: it does not verify"),
                format!("截至 {through} 的回执：校验失败"),
            )
        });
        stored.push(kept);
        ControlFlow::Continue(())
    })?;
    for through in stored {
        let here = reader.point(through.epoch, through.seq)?;
        check.see(here.is_none_or(|here| here == through), || {
            let through = format!("{}-{}", through.epoch, through.seq);
            fault(
                format!("the receipt up to {through}: it names another entry than the one here"),
                format!("截至 {through} 的回执：与本地记录不符"),
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
            || {
                fault(
                    format!("binding {id}: it does not verify"),
                    format!("绑定 {id}：校验失败"),
                )
            },
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
        check.see(same, || {
            fault(
                format!("policy {version}: it does not verify"),
                format!("积分规则 {version}：校验失败"),
            )
        });
    }
    if let Some((version, raw)) = reader.catalogue()? {
        let verified = raw.verify(cloud_key, &());
        let same = verified.is_ok_and(|catalogue| catalogue.body().version == version);
        check.see(same, || {
            fault(
                format!("catalogue {version}: it does not verify"),
                format!("权益目录 {version}：校验失败"),
            )
        });
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
            fault(
                format!("member {member}: the key does not open the statement; the next contact brings it again"),
                format!("会员 {member}：密钥无法打开对账单，下次联网后恢复"),
            )
        });
    }
    for stored in statements.readable {
        match stored.raw.verify(&who.cloud_key, &stored.member) {
            Ok(statement) => {
                signatures.see(true, || fault(String::new(), String::new()));
                let checked = statement.body().account.check();
                sums.see(checked.is_ok(), || match checked {
                    Ok(()) => fault(String::new(), String::new()),
                    Err(flaw) => fault(
                        format!("member {}: {flaw}", stored.member),
                        format!("会员 {}：账目不平（{flaw}）", stored.member),
                    ),
                });
            }
            Err(error) => signatures.see(false, || {
                fault(
                    format!("member {}: {error}", stored.member),
                    format!("会员 {}：对账单校验失败（{error}）", stored.member),
                )
            }),
        }
    }
    Ok(vec![signatures, sums])
}
