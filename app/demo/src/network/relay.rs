//! Carries HTTP from the car to the cloud and back, with the faults that a tester wants.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::faults::{DrawnFaults, Faults};

/// Hears of each request that has been answered.
type Tell = dyn Fn(&Passed) + Send + Sync;

/// A request that has passed, or has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Method and path.
    pub request: String,
    /// Status of the answer to the car.
    pub status: StatusCode,
    /// Faults that the request met on purpose.
    pub fate: DrawnFaults,
}

/// Carries HTTP to one address.
pub struct Relay {
    to: SocketAddr,
    faults: Mutex<Faults>,
    chance: Mutex<fastrand::Rng>,
    tell: Box<Tell>,
}

impl Relay {
    /// A relay to the cloud at `to`; `seed` decides what chance decides.
    pub fn new(
        to: SocketAddr,
        faults: Faults,
        seed: u64,
        tell: impl Fn(&Passed) + Send + Sync + 'static,
    ) -> Self {
        Self {
            to,
            faults: Mutex::new(faults),
            chance: Mutex::new(fastrand::Rng::with_seed(seed)),
            tell: Box::new(tell),
        }
    }

    /// Has other faults from the next request on.
    pub fn set_faults(&self, faults: Faults) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// Carries what comes until the future is dropped; then every connection breaks.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) -> io::Error {
        let mut connections = JoinSet::new();
        loop {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => return error,
            };
            while connections.try_join_next().is_some() {}
            let relay = Arc::clone(&self);
            connections.spawn(async move {
                let carry = service_fn(|request| {
                    let relay = Arc::clone(&relay);
                    async move { Ok::<_, Infallible>(relay.carry(request).await) }
                });
                let server = hyper::server::conn::http1::Builder::new();
                // A connection that breaks is what a relay with faults is there for; the car notices by itself.
                drop(server.serve_connection(TokioIo::new(stream), carry).await);
            });
        }
    }

    async fn carry(&self, request: Request<Incoming>) -> Response<RelayBody> {
        let fate = self.fate();
        let name = format!("{} {}", request.method(), request.uri());
        let is_head = request.method() == Method::HEAD;
        let mut answer = match fate.status {
            Some(status) => RelayBody::plain(status, "the relay answers in the cloud's place\n"),
            None => self.forward(request).await.unwrap_or_else(|error| {
                RelayBody::plain(StatusCode::BAD_GATEWAY, &format!("no cloud: {error}\n"))
            }),
        };
        if let Some(after) = fate.cut.filter(|_| fate.status.is_none() && !is_head) {
            answer.body_mut().cut(after);
        }
        if !fate.latency.is_zero() {
            tokio::time::sleep(fate.latency).await;
        }
        (self.tell)(&Passed {
            request: name,
            status: answer.status(),
            fate,
        });
        answer
    }

    fn fate(&self) -> DrawnFaults {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        faults.draw(&mut chance)
    }

    async fn forward(&self, request: Request<Incoming>) -> anyhow::Result<Response<RelayBody>> {
        let stream = TcpStream::connect(self.to).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let mut connection = std::pin::pin!(connection);
        let exchange = async move {
            let (mut head, body) = sender.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            if head.headers.remove(TRANSFER_ENCODING).is_some() {
                head.headers.insert(CONTENT_LENGTH, body.len().into());
            }
            Ok(Response::from_parts(head, RelayBody::whole(body)))
        };
        let mut exchange = std::pin::pin!(exchange);
        tokio::select! {
            answer = &mut exchange => answer,
            ended = &mut connection => {
                ended?;
                exchange.await
            }
        }
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("to", &self.to)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

/// The body of an answer, whole or cut off.
struct RelayBody {
    left: Bytes,
    /// Length that the header announces.
    length: u64,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    /// The connection breaks once what is left has gone out.
    Cut,
    Breaks,
}

impl RelayBody {
    fn whole(body: Bytes) -> Self {
        Self {
            length: body.len() as u64,
            left: body,
            end: End::Whole,
        }
    }

    fn plain(status: StatusCode, text: &str) -> Response<Self> {
        let mut answer = Response::new(Self::whole(Bytes::copy_from_slice(text.as_bytes())));
        *answer.status_mut() = status;
        answer
    }

    fn cut(&mut self, after: u64) {
        if after < self.length {
            let after = usize::try_from(after).unwrap_or(usize::MAX);
            self.left.truncate(after);
            self.end = End::Cut;
        }
    }
}

impl Body for RelayBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if !self.left.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.left)))));
        }
        match self.end {
            End::Whole => Poll::Ready(None),
            End::Cut => {
                // What went before is flushed when the body has nothing to give; an error at once would swallow it.
                self.end = End::Breaks;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            End::Breaks => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && self.end == End::Whole
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
