//! A server on loopback that answers as it is told and remembers what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use dashpoint_membership::{DeviceId, ServerTime};
use dashpoint_sync::{Credential, HttpRequest, Method as Verb};
use dashpoint_sync_http::{Signer, Timeouts, TlsTime, Transport, TransportSetup, check_base_url};
use dashpoint_wire::SigningKey;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub const DEVICE: DeviceId = DeviceId::from_bytes([0xd0; 16]);
pub const NOW_UNIX_S: i64 = 1_795_000_000;

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

type Answer = Arc<dyn Fn(&Asked) -> Response + Send + Sync>;

#[derive(Clone)]
struct Told {
    answer: Answer,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// Stops when it is dropped.
pub struct Server {
    pub address: SocketAddr,
    told: Told,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(answer: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> Self {
        let told = Told {
            answer: Arc::new(answer),
            asked: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(handle).with_state(told.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            told,
            task,
        }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.told.asked.lock().unwrap().clone()
    }

    pub fn transport(&self) -> Transport {
        transport(&format!("http://{}", self.address))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn handle(
    State(told): State<Told>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asked = Asked {
        method,
        path: uri.to_string(),
        headers,
        body: body.to_vec(),
    };
    told.asked.lock().unwrap().push(asked.clone());
    if asked.path == "/silent" {
        std::future::pending::<()>().await;
    }
    (told.answer)(&asked)
}

pub fn time() -> TlsTime {
    TlsTime::new(ServerTime::from_unix_s(NOW_UNIX_S), Arc::new(|| None))
}

/// A transport with more time than an answer takes on a busy machine.
pub fn transport(base: &str) -> Transport {
    transport_within(base, Duration::from_secs(60))
}

/// A transport that gives a request so much time.
pub fn transport_within(base: &str, total: Duration) -> Transport {
    Transport::new(TransportSetup {
        base: check_base_url(base).unwrap(),
        authority_pem: None,
        time: time(),
        timeouts: Timeouts {
            connect: Duration::from_secs(60),
            total,
        },
    })
    .unwrap()
}

pub fn signer() -> Signer {
    Signer {
        device: DEVICE,
        key: SigningKey::from_seed(&[0xca; 32]),
    }
}

pub fn get(path: &str) -> HttpRequest {
    HttpRequest {
        method: Verb::Get,
        path: path.to_owned(),
        body: Vec::new(),
        credential: Credential::None,
    }
}

pub fn status(code: u16) -> Response {
    StatusCode::from_u16(code).unwrap().into_response()
}
