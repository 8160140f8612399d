//! Checks the answers of the cloud. Pure: bytes in, verified values or the reason out.

use dashpoint_membership::{
    DeviceId, Entry, EntryHash, Epoch, MemberId, Seq, ServerEpoch, Statement,
};
use dashpoint_wire::message::EntriesResponse;
use dashpoint_wire::{
    ChainPoint, EntryVerdict, EpochGrant, PublicKey, Raw, Receipt, Signed, decode, verdicts_digest,
};

use crate::error::Refused;

/// Identity of this car, and the cloud's key that it trusts.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    /// This head unit.
    pub device: DeviceId,
    /// Its public key: its own entries are verified with it when they come back.
    pub device_key: PublicKey,
    /// The cloud's public key, pinned in the car.
    pub cloud_key: PublicKey,
}

/// The entries of one request.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Of all of them.
    pub epoch: Epoch,
    /// The entry before the first, by number and hash.
    pub after: ChainPoint,
    /// SHA-256 of each, in order; empty when only a fresh receipt is asked for.
    pub hashes: Vec<EntryHash>,
}

impl Batch {
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
pub struct Answer {
    pub verdicts: Vec<EntryVerdict>,
    pub receipt: Signed<Receipt>,
    /// Raw: each stands for itself, and a bad one spoils nothing else.
    pub statements: Vec<Raw<Statement>>,
    /// Up to where verdicts are known now.
    pub through: ChainPoint,
}

impl Answer {
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
    who: &Identity,
    batch: &Batch,
    known: ServerEpoch,
    body: &[u8],
) -> Result<Answer, Refused> {
    let response: EntriesResponse = decode(body)?;
    let receipt = response.receipt.verify(&who.cloud_key, &who.device)?;
    let through = check_receipt(receipt.body(), batch, known, &response.verdicts)?;
    Ok(Answer {
        verdicts: response.verdicts,
        receipt,
        statements: response.statements,
        through,
    })
}

fn check_receipt(
    receipt: &Receipt,
    batch: &Batch,
    known: ServerEpoch,
    verdicts: &[EntryVerdict],
) -> Result<ChainPoint, Refused> {
    not_older(receipt.server_epoch, known)?;
    if receipt.epoch != batch.epoch {
        return Err(Refused::ReceiptEpoch {
            found: receipt.epoch,
            sent: batch.epoch,
        });
    }
    check_verdicts(batch, verdicts)?;
    if receipt.verdicts != verdicts_digest(verdicts) {
        return Err(Refused::VerdictDigest);
    }
    let through = batch.point(verdicts.len());
    if receipt.through < through.seq {
        return Err(Refused::ReceiptBehind {
            through: receipt.through,
            verdicts: through.seq,
        });
    }
    let sent = !verdicts.is_empty();
    if sent && receipt.through == through.seq && receipt.head != through.hash {
        return Err(Refused::ReceiptHead {
            seq: through.seq,
            found: receipt.head,
            own: through.hash,
        });
    }
    Ok(through)
}

/// One verdict for each entry from the first on: all of them, or as many as the cloud got to, but at least one.
fn check_verdicts(batch: &Batch, verdicts: &[EntryVerdict]) -> Result<(), Refused> {
    let wrong = |place: usize| Refused::VerdictOrder {
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
    who: &Identity,
    members: impl IntoIterator<Item = &'a MemberId>,
    raw: &Raw<Statement>,
) -> Result<Signed<Statement>, Refused> {
    let mut refused = Refused::ForeignMember;
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
    who: &Identity,
    known: ServerEpoch,
    least: Epoch,
    raw: Raw<EpochGrant>,
) -> Result<Signed<EpochGrant>, Refused> {
    let grant = raw.verify(&who.cloud_key, &who.device)?;
    not_older(grant.body().server_epoch, known)?;
    if grant.body().epoch < least {
        return Err(Refused::GrantEpoch {
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
    who: &Identity,
    epoch: Epoch,
    after: (Seq, Option<EntryHash>),
    raws: Vec<Raw<Entry>>,
) -> Result<Vec<Signed<Entry>>, Refused> {
    let (mut seq, mut hash) = after;
    let mut entries = Vec::with_capacity(raws.len());
    for raw in raws {
        let signed = raw.verify(&who.device_key, &who.device)?;
        seq = seq.next();
        let entry = signed.body();
        let follows = hash.is_none_or(|hash| entry.prev == hash);
        if entry.epoch != epoch || entry.seq != seq || !follows {
            return Err(Refused::BrokenChain { epoch, seq });
        }
        hash = Some(signed.hash());
        entries.push(signed);
    }
    Ok(entries)
}

/// Reads and verifies own entries that follow nothing.
pub fn check_strays(who: &Identity, raws: Vec<Raw<Entry>>) -> Result<Vec<Signed<Entry>>, Refused> {
    let verify = |raw: Raw<Entry>| raw.verify(&who.device_key, &who.device);
    Ok(raws.into_iter().map(verify).collect::<Result<_, _>>()?)
}

/// Word of a life of the cloud's database that is over is not taken.
pub fn not_older(found: ServerEpoch, known: ServerEpoch) -> Result<(), Refused> {
    if found < known {
        Err(Refused::OldServerEpoch { found, known })
    } else {
        Ok(())
    }
}

/// The number that many entries after `seq`.
pub fn seq_after(seq: Seq, count: usize) -> Seq {
    Seq::new(seq.get().saturating_add(count as u64))
}
