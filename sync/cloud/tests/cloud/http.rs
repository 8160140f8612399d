//! The endpoints over loopback.

use dashpoint_cloud::{ClockKind, Cloud, CloudError, ServerConfig};
use dashpoint_membership::*;
use dashpoint_wire::message::{
    Divergence, EnrolRequest, EnrolState, EnrolTicket, EntriesPage, EntriesRequest,
    EntriesResponse, EpochRequest, EpochResponse, Refusal, RefusalCode,
};
use dashpoint_wire::{
    ChainPoint, MAX_BODY, MAX_DECODED, Raw, RequestTarget, RequestToken, Signed, SigningKey,
    authorization, decode, deflate, encode, inflate,
};

use crate::loopback::*;
use crate::support::CHECK_IN;

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
        for method in ["GET", "POST"] {
            let twice = format!("{page_path}?link=a&link=b");
            let refused = send(addr, method, &twice, form, b"answer=no");
            assert_eq!(refused.status, 400);
            assert!(refused.text().starts_with("<!doctype html>"));
        }
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
            ahead.seq = Seq::new(number - 1);
            let body = deflate(&encode(&ahead.request(&[])));
            let answer = signer.send(addr, "POST", &entries, &body);
            assert_eq!(answer.code(), RefusalCode::Malformed, "none of {number}");
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
        let began = now();
        let statuses: Vec<_> = (0..70)
            .map(|number| send(addr, "GET", &format!("/enrol/{number}"), "", b"").status)
            .collect();
        assert_eq!(statuses[0], 404);
        assert!(statuses.iter().all(|status| [404, 429].contains(status)));
        let answered = statuses.iter().filter(|status| **status == 404).count();
        let most = guesses_max(began.elapsed());
        assert!(answered <= most, "{answered} of {most}");
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

#[tokio::test]
async fn a_proof_of_enrolment_is_taken_from_its_own_device_only() {
    with_car(|addr, car, _| {
        let path = format!("/v1/devices/{}/proof", car.device);
        let mut signer = Signer {
            car: &car,
            now: machine_now(),
            nonce: None,
        };
        let body = deflate(&encode(&car.proof));
        let taken = signer.send(addr, "POST", &path, &body);
        assert_eq!((taken.status, taken.body.len()), (204, 0));
        let none = send(addr, "POST", &path, CBOR, &body);
        assert_eq!(none.code(), RefusalCode::Token);
        let mut bare = car.proof.clone();
        bare.certificate = Raw::from(vec![0xce]);
        let bare = deflate(&encode(&bare));
        let refused = signer.send(addr, "POST", &path, &bare);
        assert_eq!(refused.code(), RefusalCode::NotAuthentic);
        // One that it does not know has to show a certificate; a token alone is nothing.
        let mut stranger = car.clone();
        stranger.device = DeviceId::from_bytes([0xde; 16]);
        signer.car = &stranger;
        let path = format!("/v1/devices/{}/proof", stranger.device);
        let refused = signer.send(addr, "POST", &path, &body);
        assert_eq!(refused.code(), RefusalCode::NotAuthentic);
    })
    .await;
}

/// The database is restored from before the enrolment: only the device itself gets it back in, by what this cloud signed for it.
#[tokio::test]
async fn a_device_that_the_database_forgot_is_let_in_by_its_proof_and_its_own_token() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let backup = folder.path().join("backup.db");
    let cloud = Cloud::start(config(&data)).await.unwrap();
    let member = cloud.add_member("李雷", "Asia/Shanghai").await.unwrap();
    let to = backup.clone();
    cloud
        .with_core(move |core, _| core.back_up(&to))
        .await
        .unwrap();
    let mut car = enrolled(&cloud, member).await;
    cloud.shutdown().await;
    let now = ServerTime::from_unix_s(machine_now());
    dashpoint_cloud::restore(&data, &backup, now).unwrap();
    let cloud = Cloud::start(config(&data)).await.unwrap();
    let addr = cloud.addr();
    let asked = tokio::task::spawn_blocking(move || {
        let (entries, batch) = batch(&mut car);
        let path = format!("/v1/devices/{}/proof", car.device);
        let proof = deflate(&encode(&car.proof));
        let signer = Signer {
            car: &car,
            now: machine_now(),
            nonce: None,
        };
        let unknown = || signer.send(addr, "POST", &entries, &batch).code();
        assert_eq!(unknown(), RefusalCode::Device);
        // Whoever has seen the proof has not the key: tokens of another key, and of the right one over another body.
        let mut thief = car.clone();
        thief.key = SigningKey::from_seed(&[1; 32]);
        let other = Signer {
            car: &thief,
            ..signer
        };
        let stolen = other.send(addr, "POST", &path, &proof);
        assert_eq!(stolen.code(), RefusalCode::Token);
        let over = RequestTarget {
            method: "POST",
            path: &path,
            body: b"another",
        };
        let token = RequestToken::new(over, machine_now(), None);
        let token = Signed::sign(token, &car.key, &car.device).unwrap();
        let moved = signer.with(addr, "POST", &path, &proof, &authorization(&token));
        assert_eq!(moved.code(), RefusalCode::Token);
        let nonsense = signer.with(addr, "POST", &path, &proof, "Dashpoint AAAA");
        assert_eq!(nonsense.code(), RefusalCode::Token);
        assert_eq!(
            unknown(),
            RefusalCode::Device,
            "none of them brought it back"
        );

        let taken = signer.send(addr, "POST", &path, &proof);
        assert_eq!((taken.status, taken.body.len()), (204, 0));
        let answer = signer.send(addr, "POST", &entries, &batch);
        assert_eq!(answer.status, 200, "{}", answer.head);
        let response: EntriesResponse = answer.message();
        assert!(matches!(
            response.verdicts[0].verdict,
            Verdict::Accepted { .. }
        ));
    });
    asked.await.unwrap();
    cloud.shutdown().await;
}

#[tokio::test]
async fn a_device_shows_its_proof_a_dozen_times_and_then_waits() {
    with_car(|addr, car, _| {
        let path = format!("/v1/devices/{}/proof", car.device);
        let signer = Signer {
            car: &car,
            now: machine_now(),
            nonce: None,
        };
        let body = deflate(&encode(&car.proof));
        for _ in 0..12 {
            assert_eq!(signer.send(addr, "POST", &path, &body).status, 204);
            // What its key did not sign counts for nobody.
            assert_eq!(send(addr, "POST", &path, CBOR, &body).status, 401);
        }
        let refused = signer.send(addr, "POST", &path, &body);
        assert_eq!(refused.code(), RefusalCode::SlowDown);
        let wait = refused.head.to_lowercase();
        let (_, wait) = wait.split_once("retry-after: ").unwrap();
        let wait: u64 = wait.split_whitespace().next().unwrap().parse().unwrap();
        assert!((1..=301).contains(&wait), "{wait}");
    })
    .await;
}
