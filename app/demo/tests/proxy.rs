//! The proxy as a tester starts it, before a member cloud that is real.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};

use dashpoint_cloud::{ClockKind, Cloud, Limits, Running, ServerConfig};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// What the cloud answers to anybody and at some length: nobody waits with this code.
const PAGE: &str = "/enrol/NOBODY11";

/// A cloud that serves while the value lives.
struct Served {
    running: Option<Running>,
    runtime: Runtime,
    _folder: TempDir,
}

impl Served {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = Runtime::new().expect("a runtime");
        let running = runtime.block_on(Cloud::start(ServerConfig {
            data: folder.path().to_owned(),
            listen: ([127, 0, 0, 1], 0).into(),
            url: None,
            clock: ClockKind::System,
            posted_from: None,
            test: true,
            limits: Limits::DEFAULT,
            trusted_proxies: Vec::new(),
            accept_clock: None,
        }));
        Self {
            running: Some(running.expect("the cloud starts")),
            runtime,
            _folder: folder,
        }
    }

    fn addr(&self) -> SocketAddr {
        self.running.as_ref().expect("it serves").addr()
    }

    fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.shutdown());
        }
    }
}

/// The program `dashpoint-demo proxy`, killed with the value.
struct Proxy {
    child: Child,
    said: BufReader<ChildStdout>,
    addr: SocketAddr,
}

impl Proxy {
    fn start(to: SocketAddr, faults: &str, seed: u64) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dashpoint-demo"))
            .args(["proxy", "--listen", "127.0.0.1:0"])
            .args(["--to", &to.to_string(), "--fault", faults])
            .args(["--seed", &seed.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the proxy starts");
        let mut said = BufReader::new(child.stdout.take().expect("it speaks"));
        let mut line = String::new();
        said.read_line(&mut line).expect("a line");
        let addr = line.strip_prefix("listening on http://");
        let addr = addr.and_then(|rest| rest.split(',').next());
        let addr = addr.and_then(|addr| addr.parse().ok());
        Self {
            addr: addr.unwrap_or_else(|| panic!("no address in {line:?}")),
            child,
            said,
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("a line");
        line
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What comes of a request until the connection ends: the head, and the bytes of the body.
fn get(from: SocketAddr, path: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(from).expect("somebody listens");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: cloud\r\nConnection: close\r\n\r\n"
    )
    .expect("the request goes out");
    let mut answer = Vec::new();
    // A connection that is reset has been cut, too: what came before counts.
    drop(stream.read_to_end(&mut answer));
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.expect("the end of the head") + 4;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    (head, answer.split_off(end))
}

fn status(head: &str) -> u16 {
    head.split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .expect("a status")
}

fn announced(head: &str) -> usize {
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    line.and_then(|length| length.parse().ok())
        .expect("a length")
}

#[test]
fn without_faults_everything_comes_through_as_it_is() {
    let mut cloud = Served::start();
    let mut proxy = Proxy::start(cloud.addr(), "", 1);
    let (head, body) = get(proxy.addr, PAGE);
    let (_, direct) = get(cloud.addr(), PAGE);
    assert_eq!(status(&head), 404, "{head}");
    assert!(body.len() > 600 && body == direct, "{} bytes", body.len());
    let line = proxy.line();
    assert!(
        line.contains("GET /enrol/") && line.contains(" 404"),
        "{line}"
    );

    cloud.stop();
    let (head, body) = get(proxy.addr, PAGE);
    assert_eq!(status(&head), 502, "{head}");
    assert!(String::from_utf8_lossy(&body).contains("no cloud"));
}

#[test]
fn a_status_strikes_now_and_then_and_the_same_for_a_seed() {
    let cloud = Served::start();
    let strikes = |seed| -> Vec<u16> {
        let proxy = Proxy::start(cloud.addr(), "503:0.3", seed);
        (0..40)
            .map(|_| status(&get(proxy.addr, "/healthz").0))
            .collect()
    };
    let struck = strikes(7);
    assert_eq!(struck, strikes(7));
    assert_ne!(struck, strikes(8));
    for found in [200, 503] {
        assert!(struck.contains(&found), "{struck:?}");
    }
}

#[test]
fn an_answer_is_cut_at_the_byte_and_the_head_still_announces_all_of_it() {
    let cloud = Served::start();
    let whole = get(cloud.addr(), PAGE).1;
    for (faults, left) in [("cut:512", 512), ("cut:0", 0), ("cut:9MiB", whole.len())] {
        let proxy = Proxy::start(cloud.addr(), faults, 1);
        let (head, body) = get(proxy.addr, PAGE);
        assert_eq!(status(&head), 404, "{faults}");
        assert_eq!(announced(&head), whole.len(), "{faults}");
        assert_eq!(body, whole[..left], "{faults}");
    }
}

#[test]
fn latency_holds_an_answer_back_and_loses_nothing() {
    let cloud = Served::start();
    let mut proxy = Proxy::start(cloud.addr(), "latency:200ms", 1);
    let (head, body) = get(proxy.addr, PAGE);
    assert_eq!((status(&head), announced(&head)), (404, body.len()));
    let line = proxy.line();
    assert!(line.contains("0.2 s later"), "{line}");
}

#[test]
fn what_is_no_fault_is_refused_in_one_line() {
    for (faults, part) in [("fire", "no fault"), ("503:2", "a number from 0 to 1")] {
        let refused = Command::new(env!("CARGO_BIN_EXE_dashpoint-demo"))
            .args(["proxy", "--fault", faults])
            .output()
            .expect("the proxy can be started");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(
            said.lines().count() == 1 && said.contains(part) && said.contains("--fault"),
            "{said}"
        );
    }
}
