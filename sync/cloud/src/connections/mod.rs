//! Connections: timed, counted, and ended when the cloud is told to stop.

mod limits;
mod table;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;
use tower_service::Service;

use crate::peer::{FORWARDED_FOR, Peer, Proxies};
use table::{Admittance, ConnectionId, ConnectionTable};

pub use limits::Limits;

/// Room for the head of one request, which has a few hundred bytes; more is answered 431 by the HTTP layer.
const HEAD_MAX: usize = 64 * 1024;
/// Headers that the HTTP layer reads: more than are allowed, so that the refusal is one of the protocol.
const HEADERS_MAX: usize = 256;
/// Pause after the system had no room for a connection and none could be closed for it.
const NO_ROOM: Duration = Duration::from_millis(100);
type Closers = BTreeMap<ConnectionId, oneshot::Sender<()>>;

/// All connections of a cloud that serves.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    open: Arc<Mutex<OpenConnections>>,
    limits: Limits,
    proxies: Proxies,
}

#[derive(Debug)]
struct OpenConnections {
    table: ConnectionTable,
    /// Each ends its connection when it is dropped.
    closers: Closers,
}

/// One open connection; it is forgotten with this.
#[derive(Debug)]
struct ConnectionGuard {
    id: ConnectionId,
    all: Connections,
}

/// Sender of a request, and its connection: stored with each request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub peer: Peer,
    connection: Arc<ConnectionGuard>,
}

/// Marks the connection of a request as being served, as long as it lives.
#[derive(Debug)]
pub(crate) struct BeingServed(Arc<ConnectionGuard>);

impl Caller {
    /// Marks that the request is all there.
    pub fn served(&self) -> BeingServed {
        self.connection
            .all
            .with(|open| open.table.serve(self.connection.id));
        BeingServed(Arc::clone(&self.connection))
    }
}

impl Drop for BeingServed {
    fn drop(&mut self) {
        self.0.all.with(|open| open.table.wait(self.0.id));
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.all.forget(self.id);
    }
}

impl Connections {
    pub fn new(limits: Limits, proxies: Proxies) -> Self {
        let counts = limits.counts(limits::files());
        tracing::debug!(all = counts.all, each = counts.each, "connections at most");
        Self {
            open: Arc::new(Mutex::new(OpenConnections {
                table: ConnectionTable::new(counts),
                closers: Closers::new(),
            })),
            limits,
            proxies,
        }
    }

    /// Serves until it is told to stop; then those in progress have a time to end, and are cut off after it.
    pub async fn serve(
        self,
        listener: TcpListener,
        router: Router,
        mut stopped: watch::Receiver<bool>,
    ) {
        let mut tasks = JoinSet::new();
        let stops = stopped.clone();
        loop {
            tokio::select! {
                () = told(&mut stopped) => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, from)) => self.open(&mut tasks, stream, from, &router, &stops),
                    Err(failed) => self.make_room(&failed).await,
                },
                Some(_) = tasks.join_next() => {}
            }
        }
        drop(listener);
        let drained = tokio::time::timeout(self.limits.drain, async {
            while tasks.join_next().await.is_some() {}
        });
        if drained.await.is_err() {
            tracing::warn!(
                cut = tasks.len(),
                "connections were cut off when the cloud stopped"
            );
            tasks.shutdown().await;
        }
    }

    fn open(
        &self,
        tasks: &mut JoinSet<()>,
        stream: TcpStream,
        from: SocketAddr,
        router: &Router,
        stopped: &watch::Receiver<bool>,
    ) {
        let peer = (!self.proxies.trusts(from.ip())).then(|| Peer::from(from.ip()));
        let (closer, closed) = oneshot::channel();
        let admitted = self.with(|open| match open.table.admit(peer) {
            Admittance::Open { id, closes } => {
                if let Some(victim) = closes {
                    open.closers.remove(&victim);
                }
                open.closers.insert(id, closer);
                Some(id)
            }
            Admittance::Refused => None,
        });
        // Without a place the stream is closed here: each of the others is being served.
        if let Some(id) = admitted {
            let connection = Arc::new(ConnectionGuard {
                id,
                all: self.clone(),
            });
            let serving = serve_one(connection, stream, from, router.clone(), stopped.clone());
            tasks.spawn(async move {
                tokio::select! {
                    () = serving => {}
                    // Nothing is ever sent: the other end is dropped.
                    _ = closed => {}
                }
            });
        }
    }

    /// Makes room for the connection that the system could not take: no file is left, or it broke on its way.
    async fn make_room(&self, failed: &io::Error) {
        let is_its_own = matches!(
            failed.kind(),
            io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
        );
        if is_its_own {
            return;
        }
        let closed = self.with(|open| {
            let victim = open.table.make_room();
            victim.map(|victim| open.closers.remove(&victim)).is_some()
        });
        tracing::warn!(%failed, closed, "no room for a connection");
        tokio::time::sleep(NO_ROOM).await;
    }

    fn forget(&self, id: ConnectionId) {
        self.with(|open| {
            open.table.remove(id);
            open.closers.remove(&id);
        });
    }

    fn with<R>(&self, work: impl FnOnce(&mut OpenConnections) -> R) -> R {
        // A panic in between leaves counts that may be off by one connection, and no other harm.
        work(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Waits for the word to stop. The sender is gone only when the cloud is: that is a stop as well.
async fn told(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stop| *stop).await);
}

async fn serve_one(
    connection: Arc<ConnectionGuard>,
    stream: TcpStream,
    from: SocketAddr,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let limits = connection.all.limits;
    // Answers are small and awaited.
    if let Err(failed) = stream.set_nodelay(true) {
        tracing::debug!(%failed, "a connection without TCP_NODELAY");
    }
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.write));
    let service = service_fn(move |request: Request<Incoming>| {
        let headers = request.headers().get_all(FORWARDED_FOR).iter();
        let headers = headers.map(HeaderValue::as_bytes);
        let peer = connection.all.proxies.caller(from, headers);
        let caller = Caller {
            peer,
            connection: Arc::clone(&connection),
        };
        let mut router = router.clone();
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(caller);
            let answer: Result<_, Infallible> = router.call(request).await;
            answer
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(HEAD_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => Some(ended),
        () = told(&mut stopped) => None,
        () = tokio::time::sleep(limits.life) => None,
    };
    let ended = match ended {
        Some(ended) => Ok(ended),
        None => {
            serving.as_mut().graceful_shutdown();
            tokio::time::timeout(limits.last, serving).await
        }
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(failed)) => tracing::debug!(%failed, "a connection ended"),
        Err(_) => tracing::debug!("a connection was cut off at the end of its time"),
    }
}
