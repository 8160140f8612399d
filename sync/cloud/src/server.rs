//! Serves a data folder over HTTP, until it is told to stop.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use dashpoint_membership::{BindingId, DeviceId, MemberId, ServerTime};
use dashpoint_wire::{CloudKey, PublicKey};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock::{ClockKind, system_now};
use crate::connections::{Connections, Limits};
use crate::core::{Approval, CloudCore, GrantedIds, Maintained, NewMember, Waiting};
use crate::error::CloudError;
use crate::folder::{CloudFolder, ServeLock};
use crate::http::{AppState, router};
use crate::ledger::{LedgerEnd, LedgerHandle, Turn};
use crate::opening::{begin_in, close, lock_whole};
use crate::peer::Proxies;
use crate::random;

/// Interval of expiry, releases and tier reviews.
const MAINTAIN_EVERY: Duration = Duration::from_secs(3_600);
/// Time that the ledger may take for the job that it has begun then. The process ends after it in any case: what was
/// committed is on the disk, and what was not was not answered.
const LAST_JOB: Duration = Duration::from_secs(3);
/// Members whose accounts are maintained in one go: requests have their turn in between.
const MEMBERS_AT_ONCE: usize = 32;
/// Interval at which the database is written to with nothing else to write, so that a disk that is full, a file that is
/// gone and a clock that leaps are noticed.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(60);

/// Settings of a server.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The data folder; it is made when there is none.
    pub data: PathBuf,
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Address at which cars and members reach it from outside; by default `http://` and the address it listens on.
    pub url: Option<String>,
    /// The clock of the cloud.
    pub clock: ClockKind,
    /// Start of a posted clock; by default the machine's time.
    pub posted_from: Option<ServerTime>,
    /// Says that this cloud is for tests: a posted clock is refused without it.
    pub test: bool,
    /// Limits on the number of connections and on their time.
    pub limits: Limits,
    /// TLS terminators whose `X-Forwarded-For` names the caller; by default nobody is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// An operator's reason to take the clock for right although it leapt.
    pub accept_clock: Option<String>,
}

/// The reference member cloud.
#[derive(Debug, Clone, Copy)]
pub struct Cloud;

/// A cloud that serves.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    url: String,
    cloud_key: CloudKey,
    ledger: LedgerHandle,
    ended: LedgerEnd,
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
    lock: ServeLock,
}

impl Cloud {
    /// Opens the data folder, or makes it with a new key, the default policy and the default catalogue, and serves.
    ///
    /// # Errors
    /// [`CloudError::Locked`] when another program serves from the folder; [`CloudError`] when the folder or the address
    /// cannot be had.
    pub async fn start(config: ServerConfig) -> Result<Running, CloudError> {
        if config.clock == ClockKind::Posted && !config.test {
            return Err(CloudError::PostedWithoutTest);
        }
        let folder = CloudFolder::new(&config.data);
        folder.make()?;
        let lock = lock_whole(&folder)?;
        if folder.is_new() {
            tracing::warn!(
                folder = %config.data.display(),
                "a new cloud begins in this folder, with a new key; was another one expected, its disk is not there"
            );
        }
        folder.require_database()?;
        let begin = config.posted_from.unwrap_or_else(system_now);
        let mut core = begin_in(&folder, config.clock, begin)?;
        lock.note_open();
        core.allow_entries_a_day(config.limits.entries_a_day);
        if let Some(reason) = &config.accept_clock {
            core.accept_clock(reason, core.now(system_now())?)?;
        }
        if let Err(unfit) = core.health(core.now(system_now())?) {
            tracing::warn!(%unfit, "statements and policies are answered; entries may be refused");
        }
        let cloud_key = core.cloud_key();

        let listening = |source| CloudError::Listen {
            address: config.listen,
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(listening)?;
        let addr = listener.local_addr().map_err(listening)?;
        if is_open_to_others(config.url.as_deref(), addr) {
            tracing::warn!(
                %addr,
                "other machines reach this cloud by plain HTTP, and its codes lead to that address; put TLS in front and name it with --url"
            );
        }
        let url = config.url.map_or_else(
            || format!("http://{addr}"),
            |url| url.trim_end_matches('/').to_owned(),
        );

        let (ledger, ended) = LedgerHandle::start(core).map_err(|source| CloudError::File {
            what: "cannot start the ledger's thread for",
            path: config.data,
            source,
        })?;
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let state = AppState::new(ledger.clone(), url.clone(), config.limits.body)?;
        let connections = Connections::new(config.limits, Proxies::new(&config.trusted_proxies));
        tasks.spawn(connections.serve(listener, router(state), stopped.clone()));
        tasks.spawn(maintain(ledger.clone(), stopped.clone()));
        tasks.spawn(beat(ledger.clone(), stopped));
        Ok(Running {
            addr,
            url,
            cloud_key,
            ledger,
            ended,
            tasks,
            stop,
            lock,
        })
    }
}

/// Makes a cloud in a folder that has none: a database beside the key that is there, or beside a new one.
///
/// # Errors
/// [`CloudError::Exists`] when a database is there; [`CloudError`] when the folder cannot be written.
pub fn init(data: &Path) -> Result<PublicKey, CloudError> {
    let folder = CloudFolder::new(data);
    folder.make()?;
    let _lock = lock_whole(&folder)?;
    if folder.database().exists() {
        return Err(CloudError::Exists(folder.database()));
    }
    let core = begin_in(&folder, ClockKind::System, system_now())?;
    let key = core.public_key();
    close(core)?;
    Ok(key)
}

impl Running {
    /// The address it listens on.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the address at which it is reached, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key that verifies what it signs.
    #[must_use]
    pub const fn public_key(&self) -> PublicKey {
        self.cloud_key.public
    }

    /// Returns what cars are configured with: the public key and the salt that belongs to it.
    #[must_use]
    pub const fn cloud_key(&self) -> CloudKey {
        self.cloud_key
    }

    /// Does something with the core, on its thread, with the time of its clock.
    ///
    /// # Errors
    /// [`CloudError::Busy`], and what the job returns.
    pub async fn with_core<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut CloudCore, ServerTime) -> Result<R, CloudError> + Send + 'static,
    ) -> Result<R, CloudError> {
        self.ledger
            .call(Turn::OWN, move |core| {
                let now = core.now(system_now())?;
                job(core, now)
            })
            .await
    }

    /// Makes somebody a member.
    ///
    /// # Errors
    /// [`CloudError::Zone`].
    pub async fn add_member(&self, name: &str, zone: &str) -> Result<MemberId, CloudError> {
        let new = NewMember {
            id: MemberId::from_bytes(random::bytes()?),
            name: name.to_owned(),
            zone: zone.to_owned(),
        };
        self.with_core(move |core, now| core.add_member(&new, now).map(|()| new.id))
            .await
    }

    /// Head units that wait to be enrolled, oldest first.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub async fn waiting(&self) -> Result<Vec<Waiting>, CloudError> {
        self.with_core(|core, now| core.waiting(now)).await
    }

    /// Says yes to the head unit that waits with a code.
    ///
    /// # Errors
    /// Those of [`CloudCore::approve`].
    pub async fn approve(&self, code: &str, member: MemberId) -> Result<Approval, CloudError> {
        let code = random::typed_code(code);
        let ids = GrantedIds {
            device: DeviceId::from_bytes(random::bytes()?),
            binding: BindingId::from_bytes(random::bytes()?),
        };
        self.with_core(move |core, now| core.approve(&code, member, ids, now))
            .await
    }

    /// Stops within ten seconds: no new requests, those in flight have five seconds, and the ledger ends the job that it
    /// has begun. What waits behind that is told to come back.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        self.ledger.close();
        match tokio::time::timeout(LAST_JOB, self.ended.wait()).await {
            Ok(true) => self.lock.note_closed(),
            Ok(false) => tracing::error!("the ledger's thread ended with a panic"),
            Err(_) => tracing::error!("the ledger's thread did not end in time"),
        }
    }
}

async fn maintain(ledger: LedgerHandle, mut stopped: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(MAINTAIN_EVERY);
    loop {
        let maintained = async {
            ticks.tick().await;
            maintain_all(&ledger).await
        };
        let done = tokio::select! {
            stop = stopped.wait_for(|stop| *stop) => {
                drop(stop);
                return;
            }
            done = maintained => done,
        };
        match done {
            Ok(done) => tracing::info!(changed = done.changed, "accounts maintained"),
            Err(failed @ (CloudError::ClockLeapt { .. } | CloudError::ClockUnconfirmed(_))) => {
                tracing::warn!(%failed, "nothing expires, nothing is released, no tier is reviewed");
            }
            Err(failed) => tracing::error!(%failed, "accounts could not be maintained"),
        }
    }
}

async fn maintain_all(ledger: &LedgerHandle) -> Result<Maintained, CloudError> {
    let members = ledger
        .call(Turn::OWN, |core| {
            let now = core.now(system_now())?;
            core.forget_requests(now)?;
            core.member_ids()
        })
        .await?;
    let mut done = Maintained::default();
    for some in members.chunks(MEMBERS_AT_ONCE) {
        let some = some.to_vec();
        done += ledger
            .call(Turn::OWN_LONG, move |core| {
                let now = core.now(system_now())?;
                core.maintain_members(&some, now)
            })
            .await?;
    }
    Ok(done)
}

/// Writes the time down every minute, and says once what stands against it.
async fn beat(ledger: LedgerHandle, mut stopped: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(HEARTBEAT_EVERY);
    // A start has said already what stands against it.
    ticks.tick().await;
    let mut was_well = true;
    let mut counted = Instant::now();
    loop {
        tokio::select! {
            stop = stopped.wait_for(|stop| *stop) => {
                drop(stop);
                return;
            }
            _ = ticks.tick() => {}
        }
        // Whole seconds, and the rest of one is counted at the next beat.
        let elapsed_s = counted.elapsed().as_secs();
        counted += Duration::from_secs(elapsed_s);
        let beat = ledger
            .call(Turn::OWN, move |core| {
                let now = core.now(system_now())?;
                core.time_passes(elapsed_s.cast_signed(), now)?;
                core.heartbeat(now)
            })
            .await;
        match &beat {
            Ok(()) if !was_well => tracing::warn!("nothing stands in the way of entries any more"),
            Err(unfit) if was_well => tracing::warn!(%unfit, "entries may be refused"),
            Ok(()) | Err(_) => {}
        }
        was_well = beat.is_ok();
    }
}

/// Returns whether other machines reach the cloud with nothing in front of it: nobody has named another address for them.
fn is_open_to_others(url: Option<&str>, addr: SocketAddr) -> bool {
    url.is_none() && !addr.ip().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_named_address_or_the_own_machine_is_closed_to_others() {
        for (url, addr, expected) in [
            (None, "127.0.0.1:8460", false),
            (None, "[::1]:8460", false),
            (None, "0.0.0.0:8460", true),
            (None, "10.0.0.3:8460", true),
            (Some("https://cloud.example.com"), "10.0.0.3:8460", false),
        ] {
            let addr = addr.parse().unwrap();
            assert_eq!(is_open_to_others(url, addr), expected, "{url:?} {addr}");
        }
    }
}
