//! What is signed besides entries.

use dashpoint_membership::{Chain, Epoch, Points, PolicyVersion, Seq, ServerEpoch};
use dashpoint_wire::{
    Binding, ChainPoint, DeviceCertificate, EpochGrant, Receipt, RequestTarget, RequestToken,
};

use super::{
    BINDING, DEVICE, DRIVER, HASH, MEMBER, NOW, Sample, Signer, VEHICLE, policy, sealed, statement,
};

const YEAR_S: i64 = 365 * 86_400;

pub fn samples() -> Vec<Sample> {
    let cloud = Signer::Cloud;
    vec![
        sealed("receipt", cloud, &receipt(), DEVICE),
        sealed("grant-first", cloud, &grant(None), DEVICE),
        sealed("grant-next", cloud, &grant(Some(head())), DEVICE),
        sealed("binding", cloud, &binding(), DEVICE),
        sealed("certificate", cloud, &certificate(), DEVICE),
        sealed("statement", cloud, &statement(), MEMBER),
        sealed("policy", cloud, &policy(), ()),
        sealed("policy-default", cloud, &policy::shipped_policy(), ()),
        sealed("policy-meters", cloud, &policy::policy_with_meters(), ()),
        sealed("catalogue", cloud, &policy::catalogue(), ()),
        sealed("catalogue-default", cloud, &policy::shipped_catalogue(), ()),
        sealed("token", Signer::Car, &token(), DEVICE),
    ]
}

pub fn head() -> ChainPoint {
    ChainPoint {
        epoch: Epoch::new(1),
        seq: Seq::new(3),
        hash: HASH,
    }
}

pub fn receipt() -> Receipt {
    Receipt {
        device: DEVICE,
        epoch: Epoch::new(1),
        through: Seq::new(3),
        head: HASH,
        verdicts: dashpoint_wire::verdicts_digest(&super::messages::verdicts()),
        server_time: NOW,
        server_epoch: ServerEpoch::new(1),
        policy: PolicyVersion::new(1),
    }
}

pub fn grant(follows: Option<ChainPoint>) -> EpochGrant {
    let chain = Chain {
        cap_time: NOW,
        receipt_at: NOW.plus_s(-86_400),
        entries: 3,
        points: Points::new(94),
    };
    EpochGrant {
        device: DEVICE,
        epoch: follows.map_or(Epoch::new(1), |point| point.epoch.next()),
        follows,
        issued: NOW,
        server_epoch: ServerEpoch::new(1),
        chain: follows.map_or(Chain::start(NOW), |_| chain),
    }
}

pub fn binding() -> Binding {
    Binding {
        id: BINDING,
        device: DEVICE,
        member: MEMBER,
        driver: Some(DRIVER),
        valid_from: NOW,
        valid_until: NOW.plus_s(10 * YEAR_S),
    }
}

pub fn certificate() -> DeviceCertificate {
    DeviceCertificate {
        device: DEVICE,
        vehicle: VEHICLE,
        key: Signer::Car.key().public(),
        issued: NOW,
        valid_until: NOW.plus_s(15 * YEAR_S),
    }
}

pub fn token() -> RequestToken {
    let asked = RequestTarget {
        method: "GET",
        path: "/v1/policy?since=1",
        body: b"",
    };
    RequestToken::new(asked, NOW.as_unix_s(), Some([0x0f; 16]))
}
