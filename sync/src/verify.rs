//! Checks the answers of the cloud. Pure: bytes in, verified values or the reason out.

use dashpoint_membership::{
    DeviceId, Entry, EntryHash, Epoch, MemberId, Seq, ServerEpoch, Statement,
};
use dashpoint_wire::message::EntriesResponse;
use dashpoint_wire::{
    ChainPoint, EntryVerdict, EpochGrant, PublicKey, Raw, Receipt, Signed, decode, verdicts_digest,
};

use crate::error::AnswerError;

/// Identity of this car, and the cloud's key that it trusts.
#[derive(Debug, Clone, Copy)]
pub struct DeviceIdentity {
    /// This head unit.
    pub device: DeviceId,
    /// Its public key: its own entries are verified with it when they come back.
    pub device_key: PublicKey,
    /// The cloud's public key, pinned in the car.
    pub cloud_key: PublicKey,
}

/// The entries of one request.
#[derive(Debug, Clone)]
pub struct SentBatch {
    /// Of all of them.
    pub epoch: Epoch,
    /// The entry before the first, by number and hash.
    pub after: ChainPoint,
    /// SHA-256 of each, in order; empty when only a fresh receipt is asked for.
    pub hashes: Vec<EntryHash>,
}

impl SentBatch {
    /// The point after the first `count` entries.
    fn point(&self, count: usize) -> ChainPoint {
        let hash = match count.checked_sub(1) {
            Some(place) => self.hashes[place],
            None => self.after.hash,
        };
        ChainPoint {
            epoch: self.epoch,
            seq: seq_after(self.after.seq, count),
            hash,
        }
    }
}

/// An answer to a batch that verified.
#[derive(Debug)]
pub struct CheckedAnswer {
    pub verdicts: Vec<EntryVerdict>,
    pub receipt: Signed<Receipt>,
    /// Raw: each stands for itself, and a bad one spoils nothing else.
    pub statements: Vec<Raw<Statement>>,
    /// Up to where verdicts are known now.
    pub through: ChainPoint,
}

impl CheckedAnswer {
    /// The point of the receipt when it is not the last of the entries that were sent: it lies after them, and the cloud
    /// knows more than was asked; or nothing was sent, and a cloud that was restored has a clone's entry in that place.
    pub fn beyond(&self) -> Option<ChainPoint> {
        let receipt = self.receipt.body();
        let point = ChainPoint {
            epoch: receipt.epoch,
            seq: receipt.through,
            hash: receipt.head,
        };
        (point != self.through).then_some(point)
    }
}

/// Reads and verifies what the cloud answered to a batch.
pub fn check_answer(
    who: &DeviceIdentity,
    batch: &SentBatch,
    known: ServerEpoch,
    body: &[u8],
) -> Result<CheckedAnswer, AnswerError> {
    let response: EntriesResponse = decode(body)?;
    let receipt = response.receipt.verify(&who.cloud_key, &who.device)?;
    let through = check_receipt(receipt.body(), batch, known, &response.verdicts)?;
    Ok(CheckedAnswer {
        verdicts: response.verdicts,
        receipt,
        statements: response.statements,
        through,
    })
}

fn check_receipt(
    receipt: &Receipt,
    batch: &SentBatch,
    known: ServerEpoch,
    verdicts: &[EntryVerdict],
) -> Result<ChainPoint, AnswerError> {
    not_older(receipt.server_epoch, known)?;
    if receipt.epoch != batch.epoch {
        return Err(AnswerError::ReceiptEpoch {
            found: receipt.epoch,
            sent: batch.epoch,
        });
    }
    check_verdicts(batch, verdicts)?;
    if receipt.verdicts != verdicts_digest(verdicts) {
        return Err(AnswerError::VerdictDigest);
    }
    let through = batch.point(verdicts.len());
    if receipt.through < through.seq {
        return Err(AnswerError::ReceiptBehind {
            through: receipt.through,
            verdicts: through.seq,
        });
    }
    let sent = !verdicts.is_empty();
    if sent && receipt.through == through.seq && receipt.head != through.hash {
        return Err(AnswerError::ReceiptHead {
            seq: through.seq,
            found: receipt.head,
            own: through.hash,
        });
    }
    Ok(through)
}

/// One verdict for each entry from the first on: all of them, or as many as the cloud got to, but at least one.
fn check_verdicts(batch: &SentBatch, verdicts: &[EntryVerdict]) -> Result<(), AnswerError> {
    let wrong = |place: usize| AnswerError::VerdictOrder {
        place,
        found: verdicts.get(place).map(|verdict| verdict.seq),
    };
    if verdicts.is_empty() && !batch.hashes.is_empty() {
        return Err(wrong(0));
    }
    if verdicts.len() > batch.hashes.len() {
        return Err(wrong(batch.hashes.len()));
    }
    let misplaced = (0..verdicts.len())
        .find(|place| verdicts[*place].seq != seq_after(batch.after.seq, place + 1));
    misplaced.map_or(Ok(()), |place| Err(wrong(place)))
}

/// Reads and verifies a statement of one of these members.
pub fn check_statement<'a>(
    who: &DeviceIdentity,
    members: impl IntoIterator<Item = &'a MemberId>,
    raw: &Raw<Statement>,
) -> Result<Signed<Statement>, AnswerError> {
    let mut refused = AnswerError::ForeignMember;
    for member in members {
        match raw.clone().verify(&who.cloud_key, member) {
            Ok(statement) => return Ok(statement),
            Err(error) => refused = error.into(),
        }
    }
    Err(refused)
}

/// Reads and verifies the grant of an epoch of at least `least`.
pub fn check_grant(
    who: &DeviceIdentity,
    known: ServerEpoch,
    least: Epoch,
    raw: Raw<EpochGrant>,
) -> Result<Signed<EpochGrant>, AnswerError> {
    let grant = raw.verify(&who.cloud_key, &who.device)?;
    not_older(grant.body().server_epoch, known)?;
    if grant.body().epoch < least {
        return Err(AnswerError::GrantEpoch {
            found: grant.body().epoch,
            least,
        });
    }
    Ok(grant)
}

/// Reads and verifies own entries that follow each other.
///
/// `after` is the entry before the first. Its hash is `None` where nobody can know it: before the first entry of an
/// epoch whose grant this car never got.
pub fn check_own(
    who: &DeviceIdentity,
    epoch: Epoch,
    after: (Seq, Option<EntryHash>),
    raws: Vec<Raw<Entry>>,
) -> Result<Vec<Signed<Entry>>, AnswerError> {
    let (mut seq, mut hash) = after;
    let mut entries = Vec::with_capacity(raws.len());
    for raw in raws {
        let signed = raw.verify(&who.device_key, &who.device)?;
        seq = seq.next();
        let entry = signed.body();
        let follows = hash.is_none_or(|hash| entry.prev == hash);
        if entry.epoch != epoch || entry.seq != seq || !follows {
            return Err(AnswerError::BrokenChain { epoch, seq });
        }
        hash = Some(signed.hash());
        entries.push(signed);
    }
    Ok(entries)
}

/// Reads and verifies own entries that follow nothing.
pub fn check_strays(
    who: &DeviceIdentity,
    raws: Vec<Raw<Entry>>,
) -> Result<Vec<Signed<Entry>>, AnswerError> {
    let verify = |raw: Raw<Entry>| raw.verify(&who.device_key, &who.device);
    Ok(raws.into_iter().map(verify).collect::<Result<_, _>>()?)
}

/// Word of a life of the cloud's database that is over is not taken.
pub fn not_older(found: ServerEpoch, known: ServerEpoch) -> Result<(), AnswerError> {
    if found < known {
        Err(AnswerError::OldServerEpoch { found, known })
    } else {
        Ok(())
    }
}

/// The number that many entries after `seq`.
pub fn seq_after(seq: Seq, count: usize) -> Seq {
    Seq::new(seq.get().saturating_add(count as u64))
}
