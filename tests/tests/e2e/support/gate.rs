//! The network between head unit and cloud: it carries, holds, cuts, or answers in the cloud's place, and remembers what
//! left the car.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use dashpoint_wire::deflate;

use super::http::{Message, TICK, answer};
use super::{PATIENCE, now, until};

/// How the network behaves.
#[derive(Debug, Clone)]
pub enum Manner {
    /// Carries everything to the cloud on this port and back, after a pause.
    Carry { cloud: u16, pause: Duration },
    /// Carries requests to the cloud on this port. Its answers to entries are lost on the way back: the car hears
    /// nothing until the connection breaks with the next manner.
    LoseAnswers { cloud: u16 },
    /// Carries requests to the cloud on this port. Its answers to entries wait here and reach the car with the next manner.
    HoldAnswers { cloud: u16 },
    /// Carries everything but the question for a newer policy, which it answers with these bytes.
    BringPolicy { cloud: u16, policy: Vec<u8> },
    /// Answers each request with these bytes.
    Say(Vec<u8>),
    /// Takes each request and says nothing.
    Silence,
    /// Takes connections and reads nothing from them.
    Deaf,
}

impl Manner {
    /// Carries everything to the cloud on this port and back, at once.
    pub const fn carry(cloud: u16) -> Self {
        Self::Carry {
            cloud,
            pause: Duration::ZERO,
        }
    }
}

/// A port that head units believe to be the cloud's.
pub struct Gate {
    port: u16,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    manner: Mutex<Manner>,
    /// Rises with each change of the manner.
    changes: AtomicUsize,
    asked: Mutex<Vec<Message>>,
    /// Answers of the cloud to entries that did not reach the car.
    kept: Mutex<Vec<Vec<u8>>>,
    knocks: AtomicUsize,
    stopped: AtomicBool,
}

impl Gate {
    /// Opens the port.
    pub fn open(port: u16, manner: Manner) -> Self {
        // A program that another thread starts at this moment holds all sockets of this process until it runs.
        let listener = until("the port is free", PATIENCE, || {
            TcpListener::bind(("127.0.0.1", port)).ok()
        });
        let shared = Arc::new(Shared {
            manner: Mutex::new(manner),
            changes: AtomicUsize::new(0),
            asked: Mutex::new(Vec::new()),
            kept: Mutex::new(Vec::new()),
            knocks: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self {
            port,
            shared,
            accepting: Some(accepting),
        }
    }

    /// Behaves differently from now on, for requests under way too.
    pub fn set(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
        self.shared.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// Requests that came so far.
    pub fn asked(&self) -> Vec<Message> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// How many requests come in a time.
    pub fn count_for(&self, time: Duration) -> usize {
        let (before, began) = (self.asked().len(), now());
        until("the time is over", time * 2, || {
            (began.elapsed() >= time).then_some(())
        });
        self.asked().len() - before
    }

    /// Answers of the cloud to entries that were lost or held so far.
    pub fn kept(&self) -> Vec<Vec<u8>> {
        self.shared.kept.lock().unwrap().clone()
    }

    /// Waits until the cloud has committed entries and answered them, and the car does not know it.
    pub fn wait_for_an_answer_kept(&self) -> Vec<u8> {
        until("the cloud answers entries", PATIENCE, || {
            self.kept().into_iter().next()
        })
    }

    /// Connections that were taken and not read so far.
    pub fn knocks(&self) -> usize {
        self.shared.knocks.load(Ordering::SeqCst)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the one who waits for a connection.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut connections = Vec::new();
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            break;
        }
        let (Ok(stream), shared) = (stream, Arc::clone(shared)) else {
            continue;
        };
        connections.push(thread::spawn(move || {
            // What breaks a connection here is what the test does to the programs at its ends.
            drop(shared.talk(stream));
        }));
    }
    for connection in connections {
        drop(connection.join());
    }
}

impl Shared {
    fn note(&self, request: &Message) {
        self.asked.lock().unwrap().push(request.clone());
    }

    fn keep(&self, answer: Vec<u8>) {
        self.kept.lock().unwrap().push(answer);
    }

    fn manner(&self) -> Manner {
        self.manner.lock().unwrap().clone()
    }

    /// Whether the manner has changed since `change`, or nobody needs it any more.
    fn is_over(&self, change: usize) -> bool {
        self.stopped.load(Ordering::SeqCst) || self.changes.load(Ordering::SeqCst) != change
    }

    fn wait_for_another_manner(&self, change: usize) {
        while !self.is_over(change) {
            thread::sleep(TICK);
        }
    }

    fn talk(&self, mut car: TcpStream) -> io::Result<()> {
        let change = self.changes.load(Ordering::SeqCst);
        if matches!(self.manner(), Manner::Deaf) {
            self.knocks.fetch_add(1, Ordering::SeqCst);
            self.wait_for_another_manner(change);
            return Ok(());
        }
        while let Some(request) = Message::read(&mut car, || self.stopped.load(Ordering::SeqCst))? {
            self.note(&request);
            let change = self.changes.load(Ordering::SeqCst);
            match self.manner() {
                Manner::Carry { cloud, pause } => {
                    let began = now();
                    while began.elapsed() < pause && !self.is_over(change) {
                        thread::sleep(TICK.min(pause));
                    }
                    car.write_all(&forward(&request, cloud)?)?;
                }
                Manner::LoseAnswers { cloud } => {
                    let answer = forward(&request, cloud)?;
                    if request.is("POST", "/entries") {
                        self.keep(answer);
                        self.wait_for_another_manner(change);
                        return Ok(());
                    }
                    car.write_all(&answer)?;
                }
                Manner::HoldAnswers { cloud } => {
                    let answer = forward(&request, cloud)?;
                    if request.is("POST", "/entries") {
                        self.keep(answer.clone());
                        self.wait_for_another_manner(change);
                    }
                    car.write_all(&answer)?;
                }
                Manner::BringPolicy { cloud, policy } => {
                    let answer = if request.asks_for("/v1/policy") {
                        let headers = [
                            "content-type: application/cbor",
                            "content-encoding: deflate",
                        ];
                        answer("200 OK", &headers, &deflate(&policy))
                    } else {
                        forward(&request, cloud)?
                    };
                    car.write_all(&answer)?;
                }
                Manner::Say(answer) => {
                    car.write_all(&answer)?;
                    return Ok(());
                }
                Manner::Silence | Manner::Deaf => {
                    self.wait_for_another_manner(change);
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Sends a request to the cloud and gives its answer.
fn forward(request: &Message, cloud: u16) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", cloud))?;
    stream.write_all(&request.raw)?;
    let answer = Message::read(&mut stream, || false)?;
    Ok(answer.ok_or(io::ErrorKind::UnexpectedEof)?.raw)
}
