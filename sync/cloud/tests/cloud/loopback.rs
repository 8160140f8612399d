//! A cloud on loopback, and a client that speaks HTTP by hand.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use dashpoint_cloud::{ClockKind, Cloud, Limits, Running, ServerConfig};
use dashpoint_membership::*;
use dashpoint_wire::message::{
    EnrolRequest, EnrolState, EnrolTicket, EnrolmentProof, Refusal, RefusalCode,
};
use dashpoint_wire::{
    Cbor, DeviceCertificate, EpochGrant, MAX_DECODED, Nonce, RequestTarget, RequestToken, Signed,
    SigningKey, authorization, decode, deflate, encode, inflate,
};

use crate::support::{CHECK_IN, Car};

pub fn config(data: &Path) -> ServerConfig {
    ServerConfig {
        data: data.to_owned(),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        url: None,
        clock: ClockKind::System,
        posted_from: None,
        test: true,
        limits: Limits::DEFAULT,
        trusted_proxies: Vec::new(),
        accept_clock: None,
    }
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn message<T: Cbor>(&self) -> T {
        assert!(self.head.contains("content-encoding: deflate"));
        decode(&inflate(&self.body, MAX_DECODED).unwrap()).unwrap()
    }

    pub fn code(&self) -> RefusalCode {
        let refusal: Refusal = self.message();
        assert_eq!(refusal.code.status(), self.status);
        refusal.code
    }

    pub fn plain(&self) -> Vec<u8> {
        inflate(&self.body, MAX_DECODED).unwrap()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// One request on a connection of its own.
pub fn send(to: SocketAddr, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(to).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: cloud\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // A server that refuses early may close before it has read everything.
    drop(stream.write_all(body));
    let mut bytes = Vec::new();
    drop(stream.read_to_end(&mut bytes));
    let split = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let split = split.expect("a whole head");
    let head = String::from_utf8(bytes[..split].to_vec())
        .unwrap()
        .to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head,
        body: bytes[split + 4..].to_vec(),
    }
}

pub const CBOR: &str = "Content-Type: application/cbor\r\nContent-Encoding: deflate\r\n";

pub fn machine_now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// The clock on the wall, for bounds on what a time allows.
#[expect(clippy::disallowed_methods, reason = "the clock of the tests")]
pub fn now() -> Instant {
    Instant::now()
}

/// Wrong codes of one address that may be answered in a time: ten at once, and one more each six seconds.
pub fn guesses_max(elapsed: Duration) -> usize {
    10 + elapsed.as_secs() as usize / 6
}

/// A request with a token of the car's clock, on which it is `now` and may hold a nonce.
pub struct Signer<'a> {
    pub car: &'a Car,
    pub now: i64,
    pub nonce: Option<Nonce>,
}

impl Signer<'_> {
    pub fn send(&self, to: SocketAddr, method: &str, path: &str, body: &[u8]) -> Answer {
        let asked = RequestTarget { method, path, body };
        let token = RequestToken::new(asked, self.now, self.nonce);
        let token = Signed::sign(token, &self.car.key, &self.car.device).unwrap();
        self.with(to, method, path, body, &authorization(&token))
    }

    pub fn with(
        &self,
        to: SocketAddr,
        method: &str,
        path: &str,
        body: &[u8],
        token: &str,
    ) -> Answer {
        let headers = format!(
            "{CBOR}Dashpoint-Device: {}\r\nAuthorization: {token}\r\n",
            self.car.device
        );
        send(to, method, path, &headers, body)
    }
}

/// Asks, is approved on the page, and takes what it is given.
pub async fn enrolled(cloud: &Running, member: MemberId) -> Car {
    let (addr, cloud_key) = (cloud.addr(), cloud.public_key());
    tokio::task::spawn_blocking(move || {
        let key = SigningKey::from_seed(&[0x51; 32]);
        let request = EnrolRequest {
            key: key.public(),
            vehicle: VehicleId::from_bytes([3; 16]),
            vin_last4: "4711".to_owned(),
            driver: None,
        };
        let asked = send(
            addr,
            "POST",
            "/v1/enrolments",
            CBOR,
            &deflate(&encode(&request)),
        );
        assert_eq!(asked.status, 201);
        let ticket: EnrolTicket = asked.message();
        let state = || {
            let id: String = ticket.id.iter().map(|byte| format!("{byte:02x}")).collect();
            let answer = send(addr, "GET", &format!("/v1/enrolments/{id}"), "", b"");
            assert_eq!(answer.status, 200);
            answer.message::<EnrolState>()
        };
        assert_eq!(state(), EnrolState::Waiting);
        let page_path = ticket.approve_url.strip_prefix(&format!("http://{addr}"));
        let page_path = page_path.unwrap().to_owned();
        let page = send(addr, "GET", &page_path, "", b"");
        assert_eq!(page.status, 200);
        assert!(page.text().contains("4711"), "{}", page.text());
        assert!(page.head.contains("frame-ancestors 'none'"));
        let form = "Content-Type: application/x-www-form-urlencoded\r\n";
        let wrong = send(addr, "POST", &page_path, form, b"answer=yes&member=1234");
        assert_eq!(wrong.status, 422);
        for (head, body) in [
            (form, "member=1234"),
            (form, "answer=maybe"),
            ("", "answer=no"),
        ] {
            let broken = send(addr, "POST", &page_path, head, body.as_bytes());
            assert_eq!(broken.status, 422, "{body}");
            assert!(broken.text().contains("Choose yes or no"), "{body}");
        }
        assert_eq!(state(), EnrolState::Waiting);
        let yes = format!("answer=yes&member={member}");
        let said = send(addr, "POST", &page_path, form, yes.as_bytes());
        assert_eq!(said.status, 200, "{}", said.text());
        let twice = send(addr, "POST", &page_path, form, b"answer=no");
        assert_eq!(twice.status, 404);
        welcomed(state(), key, cloud_key, member)
    })
    .await
    .unwrap()
}

fn welcomed(
    state: EnrolState,
    key: SigningKey,
    cloud: dashpoint_wire::PublicKey,
    member: MemberId,
) -> Car {
    let EnrolState::Approved {
        certificate,
        binding,
        grant,
        policy,
        statement,
        ..
    } = state
    else {
        panic!("not approved: {state:?}");
    };
    // The device's id is the scope of what it is given, so it is read out of the statement first.
    let statement = statement.verify(&cloud, &member).unwrap().into_parts().1;
    let device = *statement.covers.keys().next().unwrap();
    let proof = EnrolmentProof {
        certificate: certificate.clone(),
        grant: grant.clone(),
        bindings: vec![binding.clone()],
        policies: None,
    };
    let certificate: Signed<DeviceCertificate> = certificate.verify(&cloud, &device).unwrap();
    assert_eq!(certificate.body().key, key.public());
    let grant: Signed<EpochGrant> = grant.verify(&cloud, &device).unwrap();
    let policy = policy.verify(&cloud, &()).unwrap().into_parts().1;
    let mut car = Car {
        key,
        device,
        binding: binding.verify(&cloud, &device).unwrap().body().id,
        member,
        epoch: Epoch::new(0),
        seq: Seq::new(0),
        head: EntryHash::from_bytes([0; 32]),
        receipt_at: ServerTime::from_unix_s(0),
        start: Chain::start(ServerTime::from_unix_s(0)),
        statement,
        own: Vec::new(),
        policies: Policies::new(CompiledPolicy::compile(policy).unwrap()),
        proof,
    };
    car.enter(&grant);
    car
}

pub async fn with_car(test: impl FnOnce(SocketAddr, Car, MemberId) + Send + 'static) {
    let folder = tempfile::tempdir().unwrap();
    let cloud = Cloud::start(config(folder.path())).await.unwrap();
    let member = cloud.add_member("李雷", "Asia/Shanghai").await.unwrap();
    let car = enrolled(&cloud, member).await;
    let addr = cloud.addr();
    tokio::task::spawn_blocking(move || test(addr, car, member))
        .await
        .unwrap();
    cloud.shutdown().await;
}

pub fn batch(car: &mut Car) -> (String, Vec<u8>) {
    let now = ServerTime::from_unix_s(machine_now());
    let entry = car.mint(CHECK_IN, now);
    let body = deflate(&encode(&car.request(&[entry])));
    (format!("/v1/devices/{}/entries", car.device), body)
}
