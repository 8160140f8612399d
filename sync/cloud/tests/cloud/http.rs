//! The endpoints over loopback, with a client that speaks HTTP by hand.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use dashpoint_cloud::{ClockKind, Cloud, CloudError, Limits, Running, ServerConfig};
use dashpoint_membership::*;
use dashpoint_wire::message::{
    Divergence, EnrolRequest, EnrolState, EnrolTicket, EntriesPage, EntriesRequest,
    EntriesResponse, EpochRequest, EpochResponse, Refusal, RefusalCode,
};
use dashpoint_wire::{
    Cbor, ChainPoint, DeviceCertificate, EpochGrant, MAX_BODY, MAX_DECODED, Nonce, Raw,
    RequestTarget, RequestToken, Signed, SigningKey, authorization, decode, deflate, encode,
    inflate,
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
    body: Vec<u8>,
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

    fn plain(&self) -> Vec<u8> {
        inflate(&self.body, MAX_DECODED).unwrap()
    }

    fn text(&self) -> &str {
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

fn machine_now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// A request with a token of the car's clock, on which it is `now` and may hold a nonce.
struct Signer<'a> {
    car: &'a Car,
    now: i64,
    nonce: Option<Nonce>,
}

impl Signer<'_> {
    fn send(&self, to: SocketAddr, method: &str, path: &str, body: &[u8]) -> Answer {
        let asked = RequestTarget { method, path, body };
        let token = RequestToken::new(asked, self.now, self.nonce);
        let token = Signed::sign(token, &self.car.key, &self.car.device).unwrap();
        self.with(to, method, path, body, &authorization(&token))
    }

    fn with(&self, to: SocketAddr, method: &str, path: &str, body: &[u8], token: &str) -> Answer {
        let headers = format!(
            "{CBOR}Dashpoint-Device: {}\r\nAuthorization: {token}\r\n",
            self.car.device
        );
        send(to, method, path, &headers, body)
    }
}

/// Asks, is approved on the page, and takes what it is given.
async fn enrolled(cloud: &Running, member: MemberId) -> Car {
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
    };
    car.enter(&grant);
    car
}

async fn with_car(test: impl FnOnce(SocketAddr, Car, MemberId) + Send + 'static) {
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

fn batch(car: &mut Car) -> (String, Vec<u8>) {
    let now = ServerTime::from_unix_s(machine_now());
    let entry = car.mint(CHECK_IN, now);
    let body = deflate(&encode(&car.request(&[entry])));
    (format!("/v1/devices/{}/entries", car.device), body)
}

#[tokio::test]
async fn a_car_goes_the_whole_way() {
    with_car(|addr, mut car, member| {
        let (path, body) = batch(&mut car);
        let signer = Signer {
            car: &car,
            now: machine_now(),
            nonce: None,
        };
        let answer = signer.send(addr, "POST", &path, &body);
        assert_eq!(answer.status, 200, "{}", answer.head);
        let response: EntriesResponse = answer.message();
        assert!(matches!(
            response.verdicts[0].verdict,
            Verdict::Accepted { .. }
        ));
        let again = signer.send(addr, "POST", &path, &body);
        let repeated: EntriesResponse = again.message();
        assert!(repeated.verdicts[0].duplicate);

        let own = signer.send(addr, "GET", &format!("{path}?epoch=1&from=1"), b"");
        assert_eq!(own.message::<EntriesPage>().entries.len(), 1);
        let nonsense = signer.send(addr, "GET", &format!("{path}?epoch=x"), b"");
        assert_eq!(nonsense.code(), RefusalCode::Malformed);

        let statement = format!("/v1/members/{member}/statement");
        // Either is signed when it is asked for, and says the second: the same unless a second ends between them.
        let is_the_same = (0..20).any(|_| {
            let posted: EntriesResponse = signer.send(addr, "POST", &path, &body).message();
            let asked = signer.send(addr, "GET", &statement, b"");
            asked.plain() == posted.statements[0].as_bytes()
        });
        assert!(is_the_same);
        let unchanged = signer.send(addr, "GET", &format!("{statement}?since=1"), b"");
        assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
        let stranger = format!("/v1/members/{}/statement", "0".repeat(32));
        let refused = signer.send(addr, "GET", &stranger, b"");
        assert_eq!(refused.code(), RefusalCode::NotBound);
        for (path, status) in [
            ("/v1/policy", 200),
            ("/v1/policy?since=1", 304),
            ("/v1/catalogue?since=0", 200),
            ("/v1/catalogue?since=4294967296", 304),
        ] {
            assert_eq!(signer.send(addr, "GET", path, b"").status, status, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn divergence_and_the_next_epoch() {
    with_car(|addr, mut car, _| {
        batch(&mut car);
        let (path, body) = batch(&mut car);
        let signer = Signer {
            car: &car,
            now: machine_now(),
            nonce: None,
        };
        let gap = signer.send(addr, "POST", &path, &body);
        assert_eq!(gap.status, 409);
        let known = gap.message::<Divergence>().known;
        assert_eq!((known.epoch, known.seq), (Epoch::new(1), Seq::new(0)));
        let request = EpochRequest {
            head: car.point(),
            last_receipt: None,
        };
        let epochs = format!("/v1/devices/{}/epochs", car.device);
        let body = deflate(&encode(&request));
        let opened = signer.send(addr, "POST", &epochs, &body);
        let opened: EpochResponse = opened.message();
        let again = signer.send(addr, "POST", &epochs, &body);
        assert_eq!(again.message::<EpochResponse>(), opened);
    })
    .await;
}

#[tokio::test]
async fn only_the_device_s_own_fresh_token_lets_a_request_in() {
    with_car(|addr, mut car, _| {
        let (path, body) = batch(&mut car);
        let signer = |now, nonce| Signer {
            car: &car,
            now,
            nonce,
        };
        let none = send(addr, "POST", &path, CBOR, &body);
        assert_eq!(none.code(), RefusalCode::Token);
        let nonsense = signer(0, None).with(addr, "POST", &path, &body, "Dashpoint AAAA");
        assert_eq!(nonsense.code(), RefusalCode::Token);

        // A token for another body, and one of another key: no nonce is worth giving.
        let asked = RequestTarget {
            method: "POST",
            path: &path,
            body: b"another",
        };
        let other = RequestToken::new(asked, machine_now(), None);
        for key in [car.key.clone(), SigningKey::from_seed(&[1; 32])] {
            let token = Signed::sign(other.clone(), &key, &car.device).unwrap();
            let value = authorization(&token);
            let answer = signer(0, None).with(addr, "POST", &path, &body, &value);
            let refusal: Refusal = answer.message();
            assert_eq!((refusal.code, refusal.nonce), (RefusalCode::Token, None));
        }

        // A clock of 1970: one nonce, good once.
        let challenged = signer(0, None).send(addr, "POST", &path, &body);
        assert_eq!(challenged.status, 401);
        let nonce = challenged.message::<Refusal>().nonce;
        assert!(nonce.is_some());
        let made_up = signer(0, Some([7; 16])).send(addr, "POST", &path, &body);
        assert_eq!(made_up.status, 401);
        assert_eq!(
            signer(0, nonce).send(addr, "POST", &path, &body).status,
            200
        );
        assert_eq!(
            signer(0, nonce).send(addr, "POST", &path, &body).status,
            401
        );

        let nobody = path.replace(&car.device.to_string(), &"f".repeat(32));
        let answer = signer(machine_now(), None).send(addr, "POST", &nobody, &body);
        assert_eq!(answer.code(), RefusalCode::Device);
    })
    .await;
}

#[tokio::test]
async fn a_body_is_bounded_before_it_is_believed() {
    with_car(|addr, mut car, _| {
        let (path, body) = batch(&mut car);
        let signer = Signer {
            car: &car,
            now: machine_now(),
            nonce: None,
        };
        let code = |body: &[u8]| signer.send(addr, "POST", &path, body).code();
        assert_eq!(code(b"not zlib"), RefusalCode::Malformed);
        assert_eq!(code(&deflate(b"not cbor")), RefusalCode::Malformed);
        assert_eq!(code(&vec![0; MAX_BODY + 1]), RefusalCode::TooLarge);
        let bomb = deflate(&vec![0; MAX_DECODED + 1]);
        assert!(bomb.len() < MAX_BODY);
        assert_eq!(code(&bomb), RefusalCode::TooLarge);
        let mut request: EntriesRequest = decode(&inflate(&body, MAX_DECODED).unwrap()).unwrap();
        let entry = request.entries[0].clone();
        request.entries = vec![entry.clone(); 101];
        let refused = code(&deflate(&encode(&request)));
        assert!(
            matches!(refused, RefusalCode::TooLarge | RefusalCode::Malformed),
            "{refused:?}"
        );
        let mut bytes = entry.into_bytes();
        bytes[30] ^= 1;
        request.entries = vec![Raw::from(bytes)];
        assert_eq!(code(&deflate(&encode(&request))), RefusalCode::NotAuthentic);
        assert_eq!(signer.send(addr, "POST", &path, &body).status, 200);
        assert_eq!(
            send(addr, "GET", "/nothing", "", b"").code(),
            RefusalCode::NotFound
        );
        assert_eq!(send(addr, "GET", "/healthz", "", b"").text(), "ok\n");
    })
    .await;
}

/// The page asks the car's member once somebody else has said yes.
#[tokio::test]
async fn the_page_asks_a_member_of_the_car_before_another_one_gets_it() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = Cloud::start(config(folder.path())).await.unwrap();
    let owner = cloud.add_member("韩梅梅", "Asia/Shanghai").await.unwrap();
    let other = cloud.add_member("李雷", "Asia/Shanghai").await.unwrap();
    enrolled(&cloud, owner).await;
    let addr = cloud.addr();
    tokio::task::spawn_blocking(move || {
        let request = EnrolRequest {
            key: SigningKey::from_seed(&[0x52; 32]).public(),
            vehicle: VehicleId::from_bytes([3; 16]),
            vin_last4: "4711".to_owned(),
            driver: None,
        };
        let body = deflate(&encode(&request));
        let ticket: EnrolTicket = send(addr, "POST", "/v1/enrolments", CBOR, &body).message();
        let id: String = ticket.id.iter().map(|byte| format!("{byte:02x}")).collect();
        let state = || -> EnrolState {
            send(addr, "GET", &format!("/v1/enrolments/{id}"), "", b"").message()
        };
        let page_path = format!("/enrol/{}", ticket.code);
        let form = "Content-Type: application/x-www-form-urlencoded\r\n";
        let yes = |member: MemberId| {
            let yes = format!("answer=yes&member={member}");
            send(addr, "POST", &page_path, form, yes.as_bytes())
        };
        let said = yes(other);
        assert_eq!(said.status, 200);
        assert!(said.text().contains("Waiting for the car"));
        assert!(!said.text().contains("李雷") && !said.text().contains(&other.to_string()));
        assert_eq!(state(), EnrolState::AwaitingConsent);
        let again = yes(other);
        assert_eq!(again.status, 422, "his own word is not the car's");
        assert_eq!(state(), EnrolState::AwaitingConsent);
        let agreed = yes(owner);
        assert_eq!(agreed.status, 200);
        assert!(matches!(state(), EnrolState::Approved { .. }));
    })
    .await
    .unwrap();
    cloud.shutdown().await;
}

/// SQLite's integers end at 2^63 - 1; a larger number is the caller's mistake, not a failure of the cloud.
#[tokio::test]
async fn numbers_beyond_the_database_are_malformed() {
    with_car(|addr, car, member| {
        let signer = Signer {
            car: &car,
            now: machine_now(),
            nonce: None,
        };
        let entries = format!("/v1/devices/{}/entries", car.device);
        let epochs = format!("/v1/devices/{}/epochs", car.device);
        for number in [1_u64 << 63, u64::MAX - 1, u64::MAX] {
            for path in [
                format!("{entries}?epoch=1&from={number}"),
                format!("/v1/members/{member}/statement?since={number}"),
                format!("/v1/policy?since={number}"),
                format!("/v1/catalogue?since={number}"),
            ] {
                let answer = signer.send(addr, "GET", &path, b"");
                assert_eq!(answer.code(), RefusalCode::Malformed, "{path}");
            }
            let mut ahead = car.clone();
            ahead.seq = Seq::new(number - 1);
            let entry = ahead.mint(CHECK_IN, ServerTime::from_unix_s(machine_now()));
            let body = deflate(&encode(&ahead.request(&[entry])));
            let answer = signer.send(addr, "POST", &entries, &body);
            assert_eq!(answer.code(), RefusalCode::Malformed, "entry {number}");
            let head = ChainPoint {
                seq: Seq::new(number),
                ..car.point()
            };
            let body = deflate(&encode(&EpochRequest {
                head,
                last_receipt: None,
            }));
            let answer = signer.send(addr, "POST", &epochs, &body);
            assert_eq!(answer.code(), RefusalCode::Malformed, "head {number}");
        }
        let huge = "9".repeat(30);
        for path in [
            format!("{entries}?epoch=1&from={huge}"),
            format!("{entries}?epoch=4294967296&from=1"),
            format!("/v1/policy?since={huge}"),
        ] {
            let answer = signer.send(addr, "GET", &path, b"");
            assert_eq!(answer.code(), RefusalCode::Malformed, "{path}");
        }
        let last = signer.send(
            addr,
            "GET",
            &format!("{entries}?epoch=1&from={}", i64::MAX),
            b"",
        );
        assert!(last.message::<EntriesPage>().entries.is_empty());
    })
    .await;
}

#[tokio::test]
async fn guessing_codes_is_slowed_down() {
    with_car(|addr, _, _| {
        let statuses: Vec<_> = (0..70)
            .map(|number| send(addr, "GET", &format!("/enrol/{number}"), "", b"").status)
            .collect();
        assert_eq!(statuses[0], 404);
        assert_eq!(statuses.last(), Some(&429));
    })
    .await;
}

#[tokio::test]
async fn a_folder_is_served_by_one_program_and_keeps_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = Cloud::start(config(folder.path())).await.unwrap();
    let key = cloud.public_key();
    let second = Cloud::start(config(folder.path())).await;
    assert!(matches!(second, Err(CloudError::Locked(_))));
    let member = cloud.add_member("韩梅梅", "Asia/Urumqi").await.unwrap();
    assert!(cloud.add_member("nobody", "Mars/Base").await.is_err());
    cloud.shutdown().await;
    let cloud = Cloud::start(config(folder.path())).await.unwrap();
    assert_eq!(cloud.public_key(), key);
    let lines = cloud
        .with_core(|core, _| core.member_lines())
        .await
        .unwrap();
    assert_eq!(lines[0].member, member);
    cloud.shutdown().await;
    let posted = ServerConfig {
        clock: ClockKind::Posted,
        test: false,
        ..config(folder.path())
    };
    assert!(matches!(
        Cloud::start(posted).await,
        Err(CloudError::PostedWithoutTest)
    ));
}
