//! Statements and what they are made of.

use dashpoint_membership::{
    Account, Allocation, Cause, Cover, Lot, Pending, Profile, Remainder, Settlement, Statement,
    TierHeld,
};

use crate::codec::{cbor_choice, cbor_map};

cbor_map! { signed:
    Statement {
        1 => member,
        2 => server_epoch,
        3 => issued,
        4 => profile,
        5 => account,
        6 => covers,
        7 => since,
        8 => settlements,
    }
}

cbor_map! {
    Profile { 1 => name, 2 => joined, 3 => zone }
    Cover { 1 => epoch, 2 => through, 3 => head, 4 => chain }
    Account {
        1 => version,
        2 => lots,
        3 => arrears,
        4 => growth,
        5 => growth_in_period,
        6 => tier,
        7 => used,
        8 => remainders,
        9 => pending,
    }
    Lot { 1 => id, 2 => points, 3 => remaining, 4 => expires }
    TierHeld { 1 => tier, 2 => since, 3 => until }
    Remainder { 1 => points, 2 => growth }
    Pending { 1 => entry, 2 => paid, 3 => reason, 4 => until, 5 => expires }
    Settlement {
        1 => version,
        2 => at,
        3 => cause,
        4 => points,
        5 => growth,
        6 => arrears,
        7 => allocations,
        8 => promoted,
    }
    Allocation { 1 => lot, 2 => points, 3 => size, 4 => expires }
}

cbor_choice! {
    Cause {
        1 => Entry { 1 => entry, 2 => verdict },
        2 => Released { 1 => entry },
        3 => Spent { 1 => benefit },
        4 => Reversed { 1 => of },
        5 => Expired { 1 => lot },
        6 => ClawedBack { 1 => entry },
        7 => Granted { 1 => reason },
        8 => TierChanged { 1 => from, 2 => to },
    }
}
