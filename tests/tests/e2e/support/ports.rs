//! Ports that no other program takes, not even another run of these tests. The tests of the simulator and of the head unit's
//! bus start brokers on them, too.

use std::fs::File;
use std::net::TcpListener;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below those that the system gives to outgoing connections: nothing takes one while the program that listened on it is
/// down.
const FIRST: u16 = 20_000;
/// Ports that belong to one process as long as it lives; more than its tests need.
const BLOCK: u16 = 400;
const BLOCKS: u16 = 30;

/// The ports of this process. The system lets its lock go however the process ends.
struct Block {
    first: u16,
    _lock: File,
}

static BLOCK_HERE: LazyLock<Block> = LazyLock::new(|| {
    let mut blocks = (0..BLOCKS).filter_map(|number| {
        let name = format!("dashpoint-test-ports-{number}.lock");
        let lock = File::create(std::env::temp_dir().join(name)).ok()?;
        lock.try_lock().ok()?;
        Some(Block {
            first: FIRST + number * BLOCK,
            _lock: lock,
        })
    });
    blocks.next().expect("fewer runs of these tests at once")
});

/// A port that is free, and that nobody else among these tests is given.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    for _ in 0..BLOCK {
        let port = BLOCK_HERE.first + NEXT.fetch_add(1, Ordering::Relaxed) % BLOCK;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
