//! Things that entries name and that this database lacks.

use std::fmt;

use dashpoint_membership::{BindingId, Epoch, MemberId, PolicyVersion};

/// One thing that entries name and that this database lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lacking {
    /// A binding of the device.
    Binding(BindingId),
    /// A version of the policy.
    Policy(PolicyVersion),
    /// The member of a binding.
    Member(MemberId),
    /// An epoch of the device.
    Epoch(Epoch),
}

impl fmt::Display for Lacking {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binding(id) => write!(to, "binding {id}"),
            Self::Epoch(epoch) => write!(to, "epoch {epoch}"),
            Self::Policy(version) => write!(to, "policy {version}"),
            Self::Member(member) => write!(to, "member {member}"),
        }
    }
}
