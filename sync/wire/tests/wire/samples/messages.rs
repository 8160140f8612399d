//! Bodies of requests and responses, made of the other samples.

use dashpoint_membership::{Epoch, Seq};
use dashpoint_wire::message::{
    Divergence, EnrolRequest, EnrolState, EnrolTicket, EnrolmentProof, EntriesPage, EntriesRequest,
    EntriesResponse, EpochRequest, EpochResponse, Refusal, RefusalCode,
};
use dashpoint_wire::{EntryVerdict, Raw, Signable, Signed};

use super::{
    DEVICE, DRIVER, MEMBER, NOW, Sample, Signer, VEHICLE, account, documents, entries, plain,
    policy, statement,
};

pub fn samples() -> Vec<Sample> {
    vec![
        plain("message-entries-request", &entries_request()),
        plain("message-entries-response", &entries_response()),
        plain("message-divergence", &divergence()),
        plain("message-entries-page", &entries_page()),
        plain("message-epoch-request", &epoch_request()),
        plain("message-epoch-response", &epoch_response()),
        plain("message-enrolment-proof", &enrolment_proof()),
        plain("message-enrol-request", &enrol_request()),
        plain("message-enrol-ticket", &enrol_ticket()),
        plain("message-enrol-waiting", &EnrolState::Waiting),
        plain("message-enrol-approved", &enrol_approved()),
        plain("message-enrol-consent", &EnrolState::AwaitingConsent),
        plain("message-refusal", &refusal()),
        plain("message-verdicts", &verdicts()),
    ]
}

pub fn verdicts() -> Vec<EntryVerdict> {
    account::verdicts()
        .into_iter()
        .zip(1..)
        .map(|(verdict, seq)| EntryVerdict {
            seq: Seq::new(seq),
            verdict,
            duplicate: false,
        })
        .collect()
}

fn raw<T: Signable>(signer: Signer, body: T, scope: &T::Scope) -> Raw<T> {
    Signed::sign(body, &signer.key(), scope).unwrap().into()
}

fn entries_request() -> EntriesRequest {
    EntriesRequest {
        epoch: Epoch::new(1),
        from: Seq::new(1),
        last_receipt: Some(raw(Signer::Cloud, documents::receipt(), &DEVICE)),
        entries: vec![raw(Signer::Car, entries::trip_entry(), &DEVICE)],
    }
}

fn entries_response() -> EntriesResponse {
    let mut verdicts = verdicts();
    verdicts[0].duplicate = true;
    EntriesResponse {
        verdicts,
        receipt: raw(Signer::Cloud, documents::receipt(), &DEVICE),
        statements: vec![raw(Signer::Cloud, statement(), &MEMBER)],
    }
}

fn divergence() -> Divergence {
    Divergence {
        known: documents::head(),
    }
}

fn entries_page() -> EntriesPage {
    EntriesPage {
        entries: vec![raw(Signer::Car, entries::trip_entry(), &DEVICE)],
        more: true,
    }
}

fn epoch_request() -> EpochRequest {
    EpochRequest {
        head: documents::head(),
        last_receipt: None,
    }
}

fn epoch_response() -> EpochResponse {
    let grant = documents::grant(Some(documents::head()));
    EpochResponse {
        grant: raw(Signer::Cloud, grant, &DEVICE),
    }
}

fn enrolment_proof() -> EnrolmentProof {
    let cloud = Signer::Cloud;
    EnrolmentProof {
        certificate: raw(cloud, documents::certificate(), &DEVICE),
        grant: raw(cloud, documents::grant(None), &DEVICE),
        bindings: vec![raw(cloud, documents::binding(), &DEVICE)],
        policies: Some(vec![raw(cloud, policy(), &())]),
    }
}

fn enrol_request() -> EnrolRequest {
    EnrolRequest {
        key: Signer::Car.key().public(),
        vehicle: VEHICLE,
        vin_last4: "0042".to_owned(),
        driver: Some(DRIVER),
    }
}

fn enrol_ticket() -> EnrolTicket {
    EnrolTicket {
        id: [0x1d; 16],
        code: "K7QF-2M9X".to_owned(),
        approve_url: "https://cloud.example/approve?code=K7QF-2M9X".to_owned(),
        expires: NOW.plus_s(300),
    }
}

fn enrol_approved() -> EnrolState {
    let cloud = Signer::Cloud;
    EnrolState::Approved {
        device: DEVICE,
        certificate: raw(cloud, documents::certificate(), &DEVICE),
        binding: raw(cloud, documents::binding(), &DEVICE),
        grant: raw(cloud, documents::grant(None), &DEVICE),
        policy: raw(cloud, policy(), &()),
        catalogue: raw(cloud, policy::catalogue(), &()),
        statement: raw(cloud, statement(), &MEMBER),
    }
}

fn refusal() -> Refusal {
    Refusal {
        code: RefusalCode::Token,
        nonce: Some([0x0f; 16]),
    }
}
