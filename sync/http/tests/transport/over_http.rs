//! What comes back over plain HTTP, and what is made of it.

use std::time::Duration;

use axum::response::IntoResponse;
use dashpoint_membership::ServerTime;
use dashpoint_sync::{Credential, HttpRequest, Method, Response, TransportFailure};
use dashpoint_sync_http::TransportError;
use dashpoint_wire::{
    MAX_DECODED, RequestTarget, deflate, inflate, parse_authorization, verify_token,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::server::{DEVICE, NOW_UNIX_S, Server, get, signer, status, transport, transport_within};

async fn failure(base: &str, path: &str) -> TransportFailure {
    let sent = transport(base).send(&get(path), None, NOW_UNIX_S).await;
    sent.unwrap_err().failure()
}

/// Reads a request up to the end of its head.
async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
}

#[tokio::test]
async fn a_request_arrives_signed_and_deflated_and_its_answer_inflated() {
    let deflated = [("content-encoding", "deflate")];
    let server = Server::start(move |_| (deflated, deflate(b"answer")).into_response()).await;
    let request = HttpRequest {
        method: Method::Post,
        path: "/v1/devices/x/entries?epoch=1&from=2".to_owned(),
        body: b"entries".repeat(100),
        credential: Credential::Device {
            nonce: Some([7; 16]),
        },
    };
    let signer = signer();
    let transport = server.transport();
    let answer = transport.send(&request, Some(&signer), 12).await.unwrap();
    let expected = Response {
        status: 200,
        retry_after_s: None,
        body: b"answer".to_vec(),
    };
    assert_eq!(answer, expected);

    let asked = &server.asked()[0];
    assert_eq!(asked.path, request.path);
    assert_eq!(asked.headers["content-encoding"], "deflate");
    assert_eq!(asked.headers["content-type"], "application/cbor");
    assert_eq!(asked.headers["dashpoint-device"], DEVICE.to_string());
    assert!(asked.body.len() < request.body.len());
    assert_eq!(inflate(&asked.body, MAX_DECODED), Ok(request.body));
    let token = parse_authorization(asked.headers["authorization"].to_str().unwrap()).unwrap();
    let covered = RequestTarget {
        method: asked.method.as_str(),
        path: &asked.path,
        body: &asked.body,
    };
    let now = ServerTime::from_unix_s(NOW_UNIX_S);
    let key = signer.key.public();
    assert_eq!(
        verify_token(token, &key, &DEVICE, covered, now, &[[7; 16]]),
        Ok(())
    );
}

#[tokio::test]
async fn a_status_and_its_retry_after_come_back_as_they_are() {
    for (code, header, expected) in [
        (200, None, None),
        (304, None, None),
        (401, None, None),
        (429, Some("7"), Some(7)),
        (500, None, None),
        (503, Some("Sun, 06 Nov 2095 08:49:37 GMT"), Some(604_800)),
        (503, Some("soon"), None),
    ] {
        let server = Server::start(move |_| {
            let retry_after = header.map(|value| [("retry-after", value)]);
            match retry_after {
                Some(headers) => (headers, status(code)).into_response(),
                None => status(code),
            }
        })
        .await;
        let sent = server.transport().send(&get("/"), None, NOW_UNIX_S).await;
        let answer = sent.unwrap();
        assert_eq!((answer.status, answer.retry_after_s), (code, expected));
    }
}

/// The address names a member; what is logged of a failure does not.
#[tokio::test]
async fn a_failure_names_no_address() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let path = "/v1/members/0123456789abcdef0123456789abcdef/statement";
    let sent = transport(&base).send(&get(path), None, NOW_UNIX_S).await;
    let failed = sent.unwrap_err();
    let mut told = failed.to_string();
    let mut cause = std::error::Error::source(&failed);
    while let Some(error) = cause {
        told.push_str(&format!(": {error}"));
        cause = error.source();
    }
    assert!(told.contains("no answer from the cloud: "), "{told}");
    assert!(!told.contains("0123456789abcdef"), "{told}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server =
        Server::start(|_| ([("location", "/elsewhere")], status(302)).into_response()).await;
    let sent = server.transport().send(&get("/"), None, NOW_UNIX_S).await;
    assert_eq!(sent.unwrap().status, 302);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn an_answer_is_never_longer_than_its_bound() {
    let bomb = deflate(&vec![0; 200 * 1024 * 1024]);
    assert!(bomb.len() < MAX_DECODED);
    let deflated = [("content-encoding", "deflate")];
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/bomb" => (deflated, bomb.clone()).into_response(),
        "/long" => vec![0; MAX_DECODED + 1].into_response(),
        "/damaged" => (deflated, b"no zlib".to_vec()).into_response(),
        "/gzip" => ([("content-encoding", "gzip")], "").into_response(),
        _ => vec![0; MAX_DECODED].into_response(),
    })
    .await;
    let base = format!("http://{}", server.address);
    for path in ["/bomb", "/long", "/damaged", "/gzip"] {
        let found = failure(&base, path).await;
        assert_eq!(found, TransportFailure::BadAnswer, "{path}");
    }
    let longest = server.transport().send(&get("/"), None, NOW_UNIX_S).await;
    assert_eq!(longest.unwrap().body.len(), MAX_DECODED);
}

#[tokio::test]
async fn silence_and_dead_ports_have_their_names() {
    let server = Server::start(|_| status(200)).await;
    let base = format!("http://{}", server.address);
    let impatient = transport_within(&base, Duration::from_millis(200));
    let silent = impatient.send(&get("/silent"), None, NOW_UNIX_S).await;
    assert_eq!(silent.unwrap_err().failure(), TransportFailure::TimedOut);
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = format!("http://{}", port.local_addr().unwrap());
    drop(port);
    assert_eq!(failure(&dead, "/").await, TransportFailure::Unreachable);
}

#[tokio::test]
async fn an_answer_that_is_cut_off_or_no_http_is_none() {
    for (says, expected) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", None),
        ("HTTP/1.1 200 OK\r\ncontent", None),
        ("", None),
        (
            "220 mail.example ESMTP\r\n\r\n",
            Some(TransportFailure::BadAnswer),
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            // A request that is not read would reset the connection, and what was said with it.
            read_head(&mut stream).await;
            stream.write_all(says.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            stream
        };
        let (_stream, found) = tokio::join!(serve, failure(&base, "/"));
        let fits = expected.map_or(
            matches!(
                found,
                TransportFailure::Unreachable | TransportFailure::BadAnswer
            ),
            |expected| found == expected,
        );
        assert!(fits, "{says:?}: {found:?}");
    }
}

#[tokio::test]
async fn without_a_key_nothing_is_sent() {
    let server = Server::start(|_| status(200)).await;
    let request = HttpRequest {
        credential: Credential::Device { nonce: None },
        ..get("/v1/policy")
    };
    let sent = server.transport().send(&request, None, NOW_UNIX_S).await;
    let error = sent.unwrap_err();
    assert!(matches!(error, TransportError::NoKey));
    assert_eq!(error.failure(), TransportFailure::NotSent);
    assert!(server.asked().is_empty());
}
