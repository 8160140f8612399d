//! Entries, evidence and verdicts.

use dashpoint_membership::policy::Trigger;
use dashpoint_membership::{
    Adjustment, Award, Chain, Charge, ClockQuality, Current, Discharge, Entry, EntryBody, EntryRef,
    EventTime, Evidence, Factor, FactorSeen, Grade, MemberAction, Meter, MeterOpening, Paid,
    Rejection, ReviewReason, Transaction, Verdict,
};

use crate::codec::{cbor_choice, cbor_map};

cbor_map! { signed:
    Entry {
        1 => epoch,
        2 => seq,
        3 => prev,
        4 => binding,
        5 => time,
        6 => receipt_at,
        7 => policy,
        8 => body,
    }
}

cbor_map! {
    EntryRef { 1 => device, 2 => epoch, 3 => seq }
    EventTime { 1 => at, 2 => utc_offset_min, 3 => quality }
    Award { 1 => rule, 2 => points, 3 => growth, 4 => predicted }
    MeterOpening { 1 => meter, 2 => number, 3 => last, 4 => first, 5 => since }
    FactorSeen { 1 => factor, 2 => against_ms, 3 => base_ms }
    Charge { 1 => charged, 2 => started, 3 => renewable_permille, 4 => grade, 5 => current }
    Discharge { 1 => discharged, 2 => started }
    Chain { 1 => cap_time, 2 => receipt_at, 3 => entries, 4 => points }
    Paid { 1 => points, 2 => growth }
}

cbor_choice! {
    ClockQuality { 1 => Synced, 2 => Running, 3 => Doubtful }
    EntryBody {
        1 => Fresh(transaction),
        2 => Carry { 1 => original, 2 => transaction },
    }
    Transaction {
        1 => Earn { 1 => evidence, 2 => digest, 3 => awards },
        2 => Member { 1 => action, 2 => awards },
        3 => OpenMeter(opening),
    }
    MemberAction { 1 => CheckIn }
    Evidence { 1 => Trip(trip), 2 => Charge(charge), 3 => Discharge(discharge) }
    Meter { 1 => Odometer, 2 => Charged, 3 => Discharged }
    Factor {
        1 => HardBraking,
        2 => AggressiveTurning,
        3 => UnsafeFollowing,
        4 => LateNight,
        5 => ExcessiveSpeed,
        6 => Unbuckled,
    }
    Grade { 1 => Metered, 2 => Declared, 3 => Estimated }
    Current { 1 => Ac, 2 => Dc, 3 => Unknown }
    Trigger { 1 => Trip, 2 => Charge, 3 => Discharge, 4 => CheckIn }
    Verdict {
        1 => Accepted { 1 => paid },
        2 => Adjusted { 1 => paid, 2 => reasons },
        3 => Rejected { 1 => reason },
        4 => Review { 1 => paid, 2 => reason, 3 => until },
    }
    Adjustment {
        1 => Cap { 1 => cap },
        2 => Policy { 1 => version },
        3 => Rule { 1 => rule },
        4 => Remainder { 1 => rule },
    }
    Rejection {
        1 => NoBinding,
        2 => BindingNotValid,
        3 => AlreadyPaid,
        4 => AlreadyRecorded,
        5 => Implausible,
        6 => UnknownPolicy,
    }
    ReviewReason { 1 => OverAllowance, 2 => Estimated, 3 => Forked, 4 => Evidence }
}
