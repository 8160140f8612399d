//! TLS to the pinned authority, at a time that a wrong clock cannot spoil.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use dashpoint_membership::ServerTime;
use dashpoint_sync::TransportFailure;
use dashpoint_sync_http::{
    Timeouts, TlsTime, Transport, TransportError, TransportSetup, check_base_url,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::server::{NOW_UNIX_S, get};

const DAY_S: i64 = 86_400;

/// An operator's authority and a cloud with a certificate of it, valid from 2026-11-01 to 2026-12-01.
struct Cloud {
    authority_pem: String,
    base: String,
}

impl Cloud {
    fn start(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2026, 11, 1);
        params.not_after = date_time_ymd(2026, 12, 1);
        let certificate = params.signed_by(&key, &authority).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("https://{}", listener.local_addr().unwrap());
        serve(listener, certificate.der().clone(), &key);
        Self {
            authority_pem: authority.pem(),
            base,
        }
    }

    fn transport(&self, authority_pem: &str, floor_unix_s: i64, system: Option<i64>) -> Transport {
        let floor = ServerTime::from_unix_s(floor_unix_s);
        Transport::new(TransportSetup {
            base: check_base_url(&self.base).unwrap(),
            authority_pem: Some(authority_pem.as_bytes().to_vec()),
            time: TlsTime::new(floor, Arc::new(move || system)),
            timeouts: Timeouts {
                connect: Duration::from_secs(60),
                total: Duration::from_secs(60),
            },
        })
        .unwrap()
    }

    async fn status(
        &self,
        authority_pem: &str,
        floor_unix_s: i64,
        system: Option<i64>,
    ) -> Result<u16, TransportFailure> {
        status(&self.transport(authority_pem, floor_unix_s, system)).await
    }
}

async fn status(transport: &Transport) -> Result<u16, TransportFailure> {
    let sent = transport.send(&get("/"), None, NOW_UNIX_S).await;
    sent.map(|answer| answer.status)
        .map_err(|error| error.failure())
}

/// Answers each connection once, until the test ends.
fn serve(listener: TcpListener, certificate: CertificateDer<'static>, key: &KeyPair) {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(session, stream.unwrap());
            let mut request = [0; 4096];
            // A client that does not trust this server goes away before it asks.
            if stream.read(&mut request).is_ok_and(|len| len > 0) {
                let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
                stream.write_all(answer).unwrap();
                stream.conn.send_close_notify();
                stream.flush().unwrap();
            }
        }
    });
}

#[tokio::test]
async fn only_the_pinned_authority_is_trusted_and_only_for_this_host() {
    let cloud = Cloud::start("127.0.0.1");
    let authority = cloud.authority_pem.clone();
    assert_eq!(cloud.status(&authority, NOW_UNIX_S, None).await, Ok(204));

    let other = Cloud::start("127.0.0.1").authority_pem;
    let found = cloud.status(&other, NOW_UNIX_S, None).await;
    assert_eq!(found, Err(TransportFailure::Tls));

    let elsewhere = Cloud::start("cloud.example");
    let authority = elsewhere.authority_pem.clone();
    let found = elsewhere.status(&authority, NOW_UNIX_S, None).await;
    assert_eq!(found, Err(TransportFailure::Tls));
}

#[tokio::test]
async fn a_clock_at_1970_does_not_lock_the_car_out_and_an_expired_certificate_does() {
    let cloud = Cloud::start("127.0.0.1");
    let authority = cloud.authority_pem.clone();
    for (floor, system, expected) in [
        (NOW_UNIX_S, Some(0), Ok(204)),
        (NOW_UNIX_S - 90 * DAY_S, Some(NOW_UNIX_S), Ok(204)),
        (NOW_UNIX_S - 90 * DAY_S, None, Err(TransportFailure::Tls)),
        (
            NOW_UNIX_S + 90 * DAY_S,
            Some(NOW_UNIX_S),
            Err(TransportFailure::Tls),
        ),
        (
            NOW_UNIX_S,
            Some(NOW_UNIX_S + 90 * DAY_S),
            Err(TransportFailure::Tls),
        ),
    ] {
        let found = cloud.status(&authority, floor, system).await;
        assert_eq!(found, expected, "{floor} {system:?}");
    }
}

/// A cloud whose clock was ahead signed a time at which its own certificate has expired.
#[tokio::test]
async fn the_last_signed_time_judges_the_certificate_not_the_highest() {
    let cloud = Cloud::start("127.0.0.1");
    let ahead = NOW_UNIX_S + 30 * DAY_S;
    let transport = cloud.transport(&cloud.authority_pem, ahead, Some(NOW_UNIX_S));
    for (signed, expected) in [
        (None, Err(TransportFailure::Tls)),
        (Some(NOW_UNIX_S), Ok(204)),
        (Some(ahead), Err(TransportFailure::Tls)),
        (Some(NOW_UNIX_S + DAY_S), Ok(204)),
    ] {
        if let Some(signed) = signed {
            transport.signed(ServerTime::from_unix_s(signed));
        }
        assert_eq!(status(&transport).await, expected, "{signed:?}");
    }
}

#[test]
fn https_needs_an_authority() {
    let made = Transport::new(TransportSetup {
        base: check_base_url("https://cloud.example").unwrap(),
        authority_pem: None,
        time: super::server::time(),
        timeouts: Timeouts::default(),
    });
    assert!(matches!(made, Err(TransportError::NoAuthority)));
}
