//! Half-sent requests, floods and guesses over loopback: the cloud stops in time, and who is honest is served.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use dashpoint_cloud::{Cloud, Limits, ServerConfig};
use dashpoint_membership::VehicleId;
use dashpoint_wire::message::{EnrolRequest, EnrolTicket, RefusalCode};
use dashpoint_wire::{MAX_BODY, SigningKey, deflate, encode};

use crate::loopback::{Answer, CBOR, config, guesses_max, now, send};

const SHORT: Duration = Duration::from_millis(150);
/// More than anything takes on a busy machine that is to come after [`SHORT`].
const LONG: Duration = Duration::from_secs(60);
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

fn ask(to: SocketAddr, headers: &str, number: u8) -> Answer {
    let request = EnrolRequest {
        key: SigningKey::from_seed(&[number; 32]).public(),
        vehicle: VehicleId::from_bytes([number; 16]),
        vin_last4: "4711".to_owned(),
        driver: None,
    };
    let body = deflate(&encode(&request));
    send(
        to,
        "POST",
        "/v1/enrolments",
        &format!("{CBOR}{headers}"),
        &body,
    )
}

/// Connects and sends. On the thread of a cloud's tasks the cloud takes the connection only with everything in it, however
/// slow the machine is.
fn opened(to: SocketAddr, sent: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.write_all(sent).unwrap();
    stream
}

/// What a stranger leaves half done: nothing, half a head, half a body on an endpoint and on the page, an answer unread.
fn half_sent(to: SocketAddr) -> Vec<TcpStream> {
    let many = b"GET /v1/enrolments/x HTTP/1.1\r\nHost: cloud\r\n\r\n".repeat(500);
    let half: [&[u8]; 5] = [
        b"",
        b"GET /v1/policy HTTP/1.1\r\nHost: clo",
        b"POST /v1/enrolments HTTP/1.1\r\nHost: cloud\r\nContent-Length: 900\r\n\r\nhalf",
        b"POST /enrol/ABCD1234 HTTP/1.1\r\nHost: cloud\r\nContent-Length: 90\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nanswer=",
        &many,
    ];
    half.map(|sent| opened(to, sent)).into()
}

/// Reads to the end, whichever way the other side ended it.
fn read_out(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    drop(stream.read_to_end(&mut bytes));
    bytes
}

async fn blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test]
async fn it_stops_in_time_whatever_is_half_sent() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        drain: SHORT,
        ..Limits::DEFAULT
    };
    let config = ServerConfig {
        limits,
        ..config(folder.path())
    };
    let cloud = Cloud::start(config.clone()).await.unwrap();
    let addr = cloud.addr();
    let half = blocking(move || {
        let half = half_sent(addr);
        // Each of them was taken: they came before this one.
        assert_eq!(send(addr, "GET", "/healthz", "", b"").status, 200);
        half
    })
    .await;
    let stopped = tokio::time::timeout(Duration::from_secs(10), cloud.shutdown()).await;
    assert!(stopped.is_ok(), "still there after ten seconds");
    // Everything is let go of: the folder can be served again, and the strangers were told.
    let again = Cloud::start(config).await.unwrap();
    again.shutdown().await;
    blocking(move || half.into_iter().map(read_out).count()).await;
}

#[tokio::test]
async fn what_stalls_is_closed_in_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let config = ServerConfig {
        limits: Limits {
            head: SHORT,
            body: SHORT,
            ..Limits::DEFAULT
        },
        ..config(folder.path())
    };
    let cloud = Cloud::start(config).await.unwrap();
    let addr = cloud.addr();
    let half = half_sent(addr);
    // A connection that is used and then idle is closed as well.
    let used = opened(addr, b"GET /healthz HTTP/1.1\r\nHost: cloud\r\n\r\n");
    blocking(move || {
        let answers: Vec<_> = half.into_iter().map(read_out).collect();
        let status =
            |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(12)]).into_owned();
        assert!(answers[0].is_empty() && answers[1].is_empty());
        assert_eq!(status(&answers[2]), "HTTP/1.1 503");
        assert_eq!(status(&answers[3]), "HTTP/1.1 503");
        assert_eq!(status(&read_out(used)), "HTTP/1.1 200");
    })
    .await;
    cloud.shutdown().await;
}

#[tokio::test]
async fn a_connection_ends_at_the_end_of_its_life_though_it_is_busy() {
    let folder = tempfile::tempdir().unwrap();
    let config = ServerConfig {
        limits: Limits {
            life: SHORT,
            ..Limits::DEFAULT
        },
        ..config(folder.path())
    };
    let cloud = Cloud::start(config).await.unwrap();
    let addr = cloud.addr();
    let request = b"GET /healthz HTTP/1.1\r\nHost: cloud\r\n\r\n";
    let mut stream = opened(addr, request);
    blocking(move || {
        stream.set_read_timeout(Some(LONG)).unwrap();
        let (mut answers, began) = (0, now());
        let mut buffer = [0; 4_096];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => answers += 1,
                Err(error) => {
                    assert_ne!(error.kind(), ErrorKind::WouldBlock, "nobody ends it");
                    break;
                }
            }
            assert!(began.elapsed() < LONG, "it lives on after {answers} reads");
            if stream.write_all(request).is_err() {
                break;
            }
        }
        // The first request was there before its life began.
        assert!(answers > 0);
    })
    .await;
    cloud.shutdown().await;
}

#[tokio::test]
async fn idle_connections_shut_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let config = ServerConfig {
        limits: Limits {
            connections: 20,
            connections_each: 15,
            ..Limits::DEFAULT
        },
        ..config(folder.path())
    };
    let cloud = Cloud::start(config).await.unwrap();
    let addr = cloud.addr();
    blocking(move || {
        let mut held = Vec::new();
        for _ in 0..10 {
            held.extend((0..20).map(|_| opened(addr, b"GET /v1/policy HTTP/1.1\r\nHos")));
            assert_eq!(send(addr, "GET", "/healthz", "", b"").status, 200);
        }
        // The first ones had to go, and were not left hanging.
        let first: Vec<_> = held.drain(..180).map(read_out).collect();
        assert!(first.iter().all(Vec::is_empty));
    })
    .await;
    cloud.shutdown().await;
}

/// Guesses of a right code, each before a wrong one: without a bound all of them are answered.
const RIGHT_GUESSES: u32 = 50;

#[tokio::test]
async fn guesses_are_bounded_in_a_burst_and_only_for_who_guesses() {
    let folder = tempfile::tempdir().unwrap();
    let config = ServerConfig {
        trusted_proxies: vec![[127, 0, 0, 1].into()],
        ..config(folder.path())
    };
    let cloud = Cloud::start(config).await.unwrap();
    let addr = cloud.addr();
    blocking(move || {
        let ticket: EnrolTicket = ask(addr, "", 1).message();
        let began = now();
        let guess = |number: u32| {
            let path = format!("/enrol/{number:08}");
            let headers = "X-Forwarded-For: 192.0.2.66\r\n";
            send(addr, "GET", &path, headers, b"").status
        };
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|thread| {
                    scope.spawn(move || {
                        (0..25)
                            .map(|number| guess(thread * 100 + number))
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap())
                .collect()
        });
        let answered = statuses.iter().filter(|status| **status == 404).count();
        let most = guesses_max(began.elapsed());
        assert!((10..=most).contains(&answered), "{answered} of {most}");
        assert!(statuses.iter().all(|status| [404, 429].contains(status)));

        // The stranger gets no answer to a right code either; a member elsewhere does, and who scans it does anywhere.
        let (base, scanned) = (format!("http://{addr}"), ticket.approve_url.as_str());
        let scanned = scanned.strip_prefix(&base).unwrap();
        let typed = scanned.split('?').next().unwrap();
        let page = |path: &str, from: &str| {
            send(
                addr,
                "GET",
                path,
                &format!("X-Forwarded-For: {from}\r\n"),
                b"",
            )
            .status
        };
        let marked = format!("{typed}?link=0000000000000000");
        let mut answered = answered;
        for number in 0..RIGHT_GUESSES {
            let path = if number % 2 == 0 { typed } else { &marked };
            let (right, wrong) = (page(path, "192.0.2.66"), guess(10_000 + number));
            answered += usize::from(wrong == 404);
            // Answered only when there was room for a guess, which a wrong one then takes.
            assert!(
                right == 429 || (right, wrong) == (200, 404),
                "{right} {wrong}"
            );
        }
        let most = guesses_max(began.elapsed());
        assert!(answered <= most, "{answered} of {most}");
        assert_eq!(page(scanned, "192.0.2.66"), 200);
        for _ in 0..30 {
            assert_eq!(page(typed, "2001:db8::7"), 200);
        }
        let no = format!("X-Forwarded-For: 192.0.2.7\r\n{FORM}");
        assert_eq!(send(addr, "POST", typed, &no, b"answer=no").status, 200);
    })
    .await;
    cloud.shutdown().await;
}

#[tokio::test]
async fn asks_of_one_address_leave_room_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let config = ServerConfig {
        trusted_proxies: vec![[127, 0, 0, 1].into()],
        ..config(folder.path())
    };
    let cloud = Cloud::start(config).await.unwrap();
    let addr = cloud.addr();
    blocking(move || {
        let from = |site: u8| format!("X-Forwarded-For: 198.51.100.1, 192.0.{site}.1\r\n");
        for site in 10..24 {
            let flood: Vec<_> = (0..70)
                .map(|number| ask(addr, &from(site), number))
                .collect();
            let taken = flood.iter().filter(|answer| answer.status == 201).count();
            assert_eq!(taken, 10, "so many codes of one address wait");
            let refused = flood.iter().find(|answer| answer.status == 429).unwrap();
            assert_eq!(refused.code(), RefusalCode::SlowDown);
            assert!(
                refused.head.contains("\r\nretry-after: "),
                "{}",
                refused.head
            );
        }
        // What was refused has used up nothing of what all may ask.
        for number in 200..210 {
            assert_eq!(ask(addr, &from(2), number).status, 201);
        }
    })
    .await;
    cloud.shutdown().await;
}

/// New addresses without end of one site, and of ten sites of one provider, leave room for others.
#[tokio::test]
async fn asks_of_one_network_leave_room_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let config = ServerConfig {
        trusted_proxies: vec![[127, 0, 0, 1].into()],
        ..config(folder.path())
    };
    let cloud = Cloud::start(config).await.unwrap();
    let addr = cloud.addr();
    blocking(move || {
        let began = now();
        let from = |site: u16, number: u16| {
            format!("X-Forwarded-For: 2001:db8:{site:x}:{number:x}::1\r\n")
        };
        let mut taken = [0, 0];
        for number in 0..300 {
            let keys = u8::try_from(number % 200).unwrap();
            taken[0] += u64::from(ask(addr, &from(7, number), keys).status == 201);
        }
        for number in 0..300 {
            let keys = u8::try_from(number % 200).unwrap();
            taken[1] += u64::from(ask(addr, &from(10 + number % 10, number), keys).status == 201);
        }
        // A burst, and what comes back meanwhile: 75 a minute of a site, 150 of a provider.
        let most = |burst: u64| burst + burst * (began.elapsed().as_secs() + 1) / 60;
        assert!(taken[0] <= most(75), "{taken:?}");
        assert!(taken[0] + taken[1] <= most(150), "{taken:?}");
        for address in ["198.51.100.9", "2001:db9::1", "2a00:1::1"] {
            let honest = format!("X-Forwarded-For: {address}\r\n");
            assert_eq!(ask(addr, &honest, 201).status, 201, "{address}");
        }
    })
    .await;
    cloud.shutdown().await;
}

#[tokio::test]
async fn each_refusal_says_so_in_the_protocol_s_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = Cloud::start(config(folder.path())).await.unwrap();
    let addr = cloud.addr();
    blocking(move || {
        let device = "0".repeat(32);
        let statement = format!("/v1/members/{device}/statement");
        let long = format!("X-Long: {}\r\n", "x".repeat(20_000));
        let many = (0..150).fold(String::new(), |all, number| {
            format!("{all}X-{number}: x\r\n")
        });
        let named = format!("Dashpoint-Device: {device}\r\nAuthorization: Dashpoint AA\r\n");
        let cases: [(&str, &str, &str, usize, RefusalCode); 13] = [
            ("PUT", "/v1/policy", "", 0, RefusalCode::NotFound),
            ("DELETE", "/v1/enrolments", "", 0, RefusalCode::NotFound),
            ("GET", "/v1/nothing", "", 0, RefusalCode::NotFound),
            ("GET", "/v1/enrolments/%FF", "", 0, RefusalCode::Malformed),
            (
                "GET",
                "/v1/members/%FF/statement",
                "",
                0,
                RefusalCode::Malformed,
            ),
            (
                "GET",
                "/v1/devices/%C3/entries?epoch=1&from=1",
                "",
                0,
                RefusalCode::Malformed,
            ),
            ("GET", "/v1/policy", "", 0, RefusalCode::Malformed),
            (
                "GET",
                "/v1/policy?since=-1",
                &named,
                0,
                RefusalCode::Malformed,
            ),
            ("GET", "/v1/policy", &long, 0, RefusalCode::TooLarge),
            ("GET", "/v1/policy", &many, 0, RefusalCode::TooLarge),
            (
                "POST",
                "/v1/enrolments",
                CBOR,
                MAX_BODY + 1,
                RefusalCode::TooLarge,
            ),
            (
                "POST",
                "/v1/nothing",
                CBOR,
                MAX_BODY + 1,
                RefusalCode::TooLarge,
            ),
            ("GET", &statement, &named, 0, RefusalCode::Device),
        ];
        for (method, path, headers, length, code) in cases {
            let answer = send(addr, method, path, headers, &vec![0; length]);
            assert_eq!(answer.code(), code, "{method} {path}");
        }
    })
    .await;
    cloud.shutdown().await;
}
