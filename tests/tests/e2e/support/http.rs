//! As much HTTP/1.1 as stands between two programs: whole messages with a content length.

use std::io::{self, Read};
use std::net::TcpStream;
use std::time::Duration;

/// How long a read waits before the reader may look at something else.
pub const TICK: Duration = Duration::from_millis(50);
/// No message here is longer.
const HEAD_MAX: usize = 64 * 1_024;

/// One request or answer.
#[derive(Debug, Clone)]
pub struct Message {
    /// Every byte of it.
    pub raw: Vec<u8>,
    head_length: usize,
}

impl Message {
    /// Reads one; `None` when the other end has said all it had to say, or `stop` says that nobody wants it any more.
    pub fn read(stream: &mut TcpStream, stop: impl Fn() -> bool) -> io::Result<Option<Self>> {
        stream.set_read_timeout(Some(TICK))?;
        let mut raw = Vec::new();
        let mut buffer = [0; 8 * 1_024];
        loop {
            if let Some(message) = Self::parse(&raw) {
                return Ok(Some(message));
            }
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(None),
                Ok(read) => raw.extend_from_slice(&buffer[..read]),
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) =>
                {
                    if stop() {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn parse(raw: &[u8]) -> Option<Self> {
        let head_length = raw.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
        assert!(head_length < HEAD_MAX);
        let message = Self {
            raw: raw.to_vec(),
            head_length,
        };
        let length = message
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        (raw.len() >= head_length + length).then(|| Self {
            raw: raw[..head_length + length].to_vec(),
            head_length,
        })
    }

    /// First line and headers.
    pub fn head(&self) -> String {
        String::from_utf8_lossy(&self.raw[..self.head_length]).into_owned()
    }

    /// Body, as it was sent.
    pub fn body(&self) -> &[u8] {
        &self.raw[self.head_length..]
    }

    /// Whether it begins so.
    pub fn is(&self, method: &str, path_end: &str) -> bool {
        let head = self.head();
        let mut words = head.split_whitespace();
        words.next() == Some(method) && words.next().is_some_and(|path| path.ends_with(path_end))
    }

    /// Whether it asks for what lies there, whatever it says of it.
    pub fn asks_for(&self, path: &str) -> bool {
        let head = self.head();
        let mut words = head.split_whitespace();
        let asked = words.nth(1).and_then(|asked| asked.split('?').next());
        head.starts_with("GET ") && asked == Some(path)
    }

    /// Value of a header.
    pub fn header(&self, name: &str) -> Option<String> {
        self.head().lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    }
}

/// An answer of so many bytes, after which the connection is closed.
pub fn answer(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut raw = format!("HTTP/1.1 {status}\r\nconnection: close\r\n");
    for header in headers {
        raw.push_str(header);
        raw.push_str("\r\n");
    }
    raw.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    [raw.as_bytes(), body].concat()
}
