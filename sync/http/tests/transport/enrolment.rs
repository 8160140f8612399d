//! A head unit is let in, and takes nothing that is not for it.

use std::collections::BTreeMap;

use axum::response::IntoResponse;
use dashpoint_membership::{
    Account, BindingId, Catalogue, Chain, CompiledPolicy, DEFAULT_CATALOGUE_TOML,
    DEFAULT_POLICY_TOML, Epoch, LedgerVersion, MemberId, Policy, Profile, ServerEpoch, ServerTime,
    Statement, VehicleId,
};
use dashpoint_sync::Response;
use dashpoint_sync::enrol::{
    Applicant, EnrolError, EnrolProgress, ask_request, poll_request, read_state, read_ticket,
};
use dashpoint_wire::message::{EnrolRequest, EnrolState, EnrolTicket};
use dashpoint_wire::{
    Binding, DeviceCertificate, EpochGrant, PublicKey, Raw, Signed, SigningKey, deflate, encode,
};

use super::server::{DEVICE, NOW_UNIX_S, Server, signer, status};

const MEMBER: MemberId = MemberId::from_bytes([0x3e; 16]);
const VEHICLE: VehicleId = VehicleId::from_bytes([0x7e; 16]);
const NOW: ServerTime = ServerTime::from_unix_s(NOW_UNIX_S);

fn cloud_key() -> SigningKey {
    SigningKey::from_seed(&[0xc1; 32])
}

fn me() -> Applicant {
    Applicant {
        key: signer().key.public(),
        vehicle: VEHICLE,
        cloud_key: cloud_key().public(),
    }
}

fn certificate(key: PublicKey, vehicle: VehicleId) -> Raw<DeviceCertificate> {
    let certificate = DeviceCertificate {
        device: DEVICE,
        vehicle,
        key,
        issued: NOW,
        valid_until: NOW.plus_s(1_000_000),
    };
    Signed::sign(certificate, &cloud_key(), &DEVICE)
        .unwrap()
        .into()
}

fn policy() -> Policy {
    toml::from_str(DEFAULT_POLICY_TOML).unwrap()
}

fn binding() -> Binding {
    Binding {
        id: BindingId::from_bytes([0xb1; 16]),
        device: DEVICE,
        member: MEMBER,
        driver: None,
        valid_from: NOW,
        valid_until: NOW.plus_s(1_000_000),
    }
}

fn grant() -> EpochGrant {
    EpochGrant {
        device: DEVICE,
        epoch: Epoch::new(1),
        follows: None,
        issued: NOW,
        server_epoch: ServerEpoch::new(1),
        chain: Chain::start(NOW),
    }
}

fn statement() -> Statement {
    Statement {
        member: MEMBER,
        server_epoch: ServerEpoch::new(1),
        issued: NOW,
        profile: Profile {
            name: "Lin".to_owned(),
            joined: NOW,
            zone: "Asia/Shanghai".to_owned(),
        },
        account: Account::open(&CompiledPolicy::compile(policy()).unwrap(), NOW),
        covers: BTreeMap::new(),
        since: LedgerVersion::new(0),
        settlements: Vec::new(),
    }
}

fn approved(certificate: Raw<DeviceCertificate>) -> EnrolState {
    let cloud = cloud_key();
    let catalogue: Catalogue = toml::from_str(DEFAULT_CATALOGUE_TOML).unwrap();
    EnrolState::Approved {
        device: DEVICE,
        certificate,
        binding: Signed::sign(binding(), &cloud, &DEVICE).unwrap().into(),
        grant: Signed::sign(grant(), &cloud, &DEVICE).unwrap().into(),
        policy: Signed::sign(policy(), &cloud, &()).unwrap().into(),
        catalogue: Signed::sign(catalogue, &cloud, &()).unwrap().into(),
        statement: Signed::sign(statement(), &cloud, &MEMBER).unwrap().into(),
    }
}

fn answered(status: u16, body: Vec<u8>) -> Response {
    Response {
        status,
        retry_after_s: None,
        body,
    }
}

#[tokio::test]
async fn a_head_unit_asks_waits_and_is_let_in() {
    let ticket = EnrolTicket {
        id: [0x1d; 16],
        code: "K7QF-2M9X".to_owned(),
        approve_url: "https://cloud.example/approve?code=K7QF-2M9X".to_owned(),
        expires: NOW.plus_s(300),
    };
    let (asked, done) = (
        deflate(&encode(&ticket)),
        deflate(&encode(&approved(certificate(me().key, VEHICLE)))),
    );
    let deflated = [("content-encoding", "deflate")];
    let server = Server::start(move |request| match request.path.as_str() {
        "/v1/enrolments" => (status(201).status(), deflated, asked.clone()).into_response(),
        "/v1/enrolments/1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d" => {
            (deflated, done.clone()).into_response()
        }
        _ => status(404),
    })
    .await;
    let transport = server.transport();
    let ask = EnrolRequest {
        key: me().key,
        vehicle: VEHICLE,
        vin_last4: "0042".to_owned(),
        driver: None,
    };
    let answer = transport.send(&ask_request(&ask), None, 0).await.unwrap();
    assert_eq!(read_ticket(&answer).unwrap(), ticket);
    let answer = transport.send(&poll_request(&ticket), None, 0).await;
    let EnrolProgress::Enrolled(enrolled) = read_state(&answer.unwrap(), &me()).unwrap() else {
        panic!("not enrolled");
    };
    assert_eq!(enrolled.certificate.body().device, DEVICE);
    assert_eq!(enrolled.statement.body().member, MEMBER);
    assert!(!server.asked()[0].headers.contains_key("authorization"));
}

#[test]
fn each_other_state_is_told() {
    for (state, expected) in [
        (EnrolState::Waiting, "Waiting"),
        (EnrolState::AwaitingConsent, "AwaitingConsent"),
        (EnrolState::Refused, "Refused"),
        (EnrolState::Expired, "Expired"),
    ] {
        let progress = read_state(&answered(200, encode(&state)), &me()).unwrap();
        assert_eq!(format!("{progress:?}"), expected);
    }
    let page = b"<html>Sign in to the guest network</html>".to_vec();
    for (code, transient) in [
        (404, false),
        (302, true),
        (429, true),
        (503, true),
        (200, true),
    ] {
        let error = read_state(&answered(code, page.clone()), &me()).unwrap_err();
        assert_eq!(error.is_transient(), transient, "{error}");
        assert_eq!(error.is_forgotten(), code == 404, "{error}");
    }
}

#[test]
fn nothing_that_is_for_another_is_taken() {
    let other = SigningKey::from_seed(&[9; 32]).public();
    let stranger = VehicleId::from_bytes([1; 16]);
    for certificate in [certificate(other, VEHICLE), certificate(me().key, stranger)] {
        let state = answered(200, encode(&approved(certificate)));
        let refused = read_state(&state, &me());
        assert!(matches!(refused, Err(EnrolError::NotForMe)));
    }
    let mut me_elsewhere = me();
    me_elsewhere.cloud_key = other;
    let state = encode(&approved(certificate(me().key, VEHICLE)));
    let refused = read_state(&answered(200, state), &me_elsewhere);
    assert!(matches!(refused, Err(EnrolError::Bytes { .. })));
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let good = encode(&approved(certificate(me().key, VEHICLE)));
    for place in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[place] ^= 1 << (place % 8);
        let read = read_state(&answered(200, bad), &me());
        assert!(read.is_err(), "byte {place}");
    }
}
