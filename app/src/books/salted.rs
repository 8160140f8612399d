//! Private evidence as the ledger keeps it, beside the digest that was signed.

use dashpoint_membership::EvidenceDigest;
use dashpoint_telematics::PrivateEvidence;
use dashpoint_wire::digest;

/// Private evidence with its salt: sixteen random bytes, so that the digest gives nothing away, and the trace as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaltedEvidence(Vec<u8>);

impl SaltedEvidence {
    /// Bytes of the salt.
    pub const SALT_LEN: usize = 16;

    /// Encodes evidence after its salt.
    ///
    /// # Errors
    /// When it has no JSON form.
    pub fn encode(
        salt: [u8; Self::SALT_LEN],
        evidence: &PrivateEvidence,
    ) -> Result<Self, serde_json::Error> {
        let mut bytes = salt.to_vec();
        serde_json::to_writer(&mut bytes, evidence)?;
        Ok(Self(bytes))
    }

    /// Takes the bytes that were kept, if they are what was signed.
    #[must_use]
    pub fn signed_as(bytes: Vec<u8>, signed: &EvidenceDigest) -> Option<Self> {
        let salted = Self(bytes);
        (salted.digest() == *signed).then_some(salted)
    }

    /// SHA-256 of salt and trace: what the entry signs.
    #[must_use]
    pub fn digest(&self) -> EvidenceDigest {
        EvidenceDigest::from_bytes(digest(&self.0))
    }

    /// Decodes the trace; `None` for one that this program cannot read.
    #[must_use]
    pub fn decode(&self) -> Option<PrivateEvidence> {
        serde_json::from_slice(self.0.get(Self::SALT_LEN..)?).ok()
    }

    /// The bytes to keep.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes to keep, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use dashpoint_telematics::DischargeTrace;

    use super::*;

    #[test]
    fn only_what_was_signed_is_taken_and_reads_back() {
        let evidence = PrivateEvidence::Discharge(DischargeTrace {
            started_ms: None,
            ended_ms: 1_790_000_000_000,
        });
        let salted = SaltedEvidence::encode([7; 16], &evidence).unwrap();
        assert_eq!(salted.decode(), Some(evidence.clone()));
        let kept = SaltedEvidence::signed_as(salted.as_bytes().to_vec(), &salted.digest());
        assert_eq!(kept.as_ref(), Some(&salted));
        let other = SaltedEvidence::encode([8; 16], &evidence).unwrap();
        assert_eq!(
            SaltedEvidence::signed_as(other.into_bytes(), &salted.digest()),
            None
        );
        assert_eq!(SaltedEvidence(vec![1; 3]).decode(), None);
    }
}
