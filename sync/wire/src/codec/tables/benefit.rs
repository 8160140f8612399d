//! The catalogue of benefits.

use dashpoint_membership::{Benefit, BenefitKind, Catalogue, Suits, Text};

use crate::codec::{cbor_choice, cbor_map};

cbor_map! { signed:
    Catalogue { 1 => version, 2 => issued, 3 => benefits }
}

cbor_map! {
    Benefit {
        1 => id,
        2 => kind,
        3 => title,
        4 => terms,
        5 => price,
        6 => tier,
        7 => suits,
        8 => valid_days,
    }
    Text { 1 => en, 2 => zh }
}

cbor_choice! {
    BenefitKind { 1 => Main, 2 => Partner, 3 => Charity }
    Suits { 1 => Always, 2 => LowCharge, 3 => ServiceDue }
}
