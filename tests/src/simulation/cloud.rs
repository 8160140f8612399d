//! The cloud: the real core on a disk that loses power, behind the same decisions that its HTTP edge takes.

use std::collections::BTreeMap;
use std::path::Path;

use dashpoint_cloud::{ClockKind, CloudCore, CloudError, open_on_vfs};
use dashpoint_crash_vfs::{CrashVfs, Disk, DiskFault, Image};
use dashpoint_membership::{DeviceId, PolicyVersion, Seq, ServerEpoch, ServerTime, Verdict};
use dashpoint_sync::Response;
use dashpoint_wire::message::{EntriesRequest, EntriesResponse, EntryVerdict};
use dashpoint_wire::{Nonce, PublicKey, Receipt, Signed, SigningKey, digest, verdicts_digest};

use super::planted::{DATABASE, Planted, Tampering};
use super::random::SeededRandom;
use super::refusal::SimulatedRefusal;
use super::travelling::Travelling;
use super::violation::Violation;

/// Entries that the cloud has answered.
#[derive(Debug)]
pub struct Posting {
    /// The device.
    pub device: DeviceId,
    /// The request.
    pub request: EntriesRequest,
    /// The answer.
    pub response: EntriesResponse,
    /// Time of the answer.
    pub at: ServerTime,
    /// The time of the last receipt of this cloud that the device named.
    pub heard: Option<ServerTime>,
}

/// Something else that the cloud did for a device, or may have done.
#[derive(Debug, Clone, Copy)]
pub enum Deed {
    /// It signed a grant.
    Granted(ServerTime),
    /// It was shown a grant that it signed once.
    Shown(ServerTime),
    /// It broke down over entries.
    BrokeDown(ServerTime),
}

/// The cloud.
pub struct SimulatedCloud {
    // Dropped before the disk that it lies on.
    core: Option<CloudCore>,
    pub(super) vfs: CrashVfs,
    name: String,
    disks: u64,
    /// Power cuts of the present disk that were noticed.
    cuts: u64,
    pub(super) key: SigningKey,
    pub(super) nonces: BTreeMap<DeviceId, Nonce>,
    pub(super) random: SeededRandom,
    pub(super) planted: Option<Planted>,
    pub(super) used: BTreeMap<DeviceId, BTreeMap<Vec<u8>, serde_json::Value>>,
    /// True when reads and operators' actions meet no fault of the disk.
    pub spares_looks: bool,
    /// Entries answered since the last look.
    pub postings: Vec<Posting>,
    /// Grants since the last look, and requests that it broke down over.
    pub deeds: Vec<(DeviceId, Deed)>,
    /// The number of its power cuts.
    pub crashes: u64,
}

impl SimulatedCloud {
    /// A new cloud.
    pub fn new(
        name: &str,
        mut random: SeededRandom,
        planted: Option<Planted>,
        now: ServerTime,
    ) -> Result<Self, Violation> {
        let vfs = CrashVfs::register(&format!("{name}-cloud"), Disk::new(random.next()));
        let mut cloud = Self {
            core: None,
            vfs,
            name: name.to_owned(),
            disks: 0,
            cuts: 0,
            key: SigningKey::from_seed(&[0xc1; 32]),
            nonces: BTreeMap::new(),
            random,
            planted,
            used: BTreeMap::new(),
            spares_looks: false,
            postings: Vec::new(),
            deeds: Vec::new(),
            crashes: 0,
        };
        cloud.reopen(now)?;
        Ok(cloud)
    }

    /// The key that its word is verified with.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.key.public()
    }

    /// Does something with the core; an operator's act, or a look.
    pub fn with<R>(
        &mut self,
        now: ServerTime,
        work: impl Fn(&mut CloudCore) -> Result<R, CloudError>,
    ) -> Result<R, Violation> {
        // Once more after a power cut: operators try again.
        for _ in 0..2 {
            self.reopen_if_dead(now)?;
            if self.planted == Some(Planted::ExpiryFilter) {
                let filtered = Tampering::of(&self.vfs).and_then(|db| db.filter_expired(now));
                match filtered {
                    Err(_) if self.is_dead() => continue,
                    filtered => {
                        filtered.map_err(|e| Violation::new(format!("the plant failed: {e}")))?;
                    }
                }
            }
            let Some(core) = &mut self.core else { break };
            self.vfs.disk().spare(self.spares_looks);
            let worked = work(core);
            self.vfs.disk().spare(false);
            match worked {
                Ok(done) => return Ok(done),
                Err(_) if self.is_dead() => {}
                Err(failed) => return Err(Violation::new(format!("the cloud failed: {failed}"))),
            }
        }
        Err(Violation::new("the cloud does not come back".to_owned()))
    }

    /// Returns the content of a backup of its disk.
    #[must_use]
    pub fn image(&self) -> Image {
        self.vfs.disk().image()
    }

    /// Puts a backup back, as `dashpoint-cloud restore` does, or without a word to the database; gives the life of it.
    pub fn go_back(
        &mut self,
        backup: &Image,
        unsaid: bool,
        now: ServerTime,
    ) -> Result<ServerEpoch, Violation> {
        let life = self.with(now, |core| core.server_epoch())?;
        self.core = None;
        self.disks += 1;
        let name = format!("{}-cloud-{}", self.name, self.disks);
        self.vfs = CrashVfs::register(&name, Disk::from_image(backup, self.random.next()));
        self.cuts = 0;
        self.reopen(now)?;
        // A backup of a time at which the clock was wrong takes the right one for a leap.
        self.with(now, |core| core.accept_clock("a backup was put back", now))?;
        if !unsaid {
            self.with(now, |core| core.begin_server_epoch(life, now))?;
        }
        self.with(now, |core| core.server_epoch())
    }

    /// Cuts the power at one of the next calls of the disk.
    pub fn plan_power_cut(&mut self, at_call: u64) {
        self.vfs.disk().plan(at_call, DiskFault::PowerCut);
    }

    /// Plans another fault at one of the next calls of the disk.
    pub fn plan_fault(&mut self, at_call: u64, fault: DiskFault) {
        self.vfs.disk().plan(at_call, fault);
    }

    /// Mends the disk; returns whether the fault was still to come.
    pub fn clear_fault(&mut self) -> bool {
        self.vfs.disk().clear_fault()
    }

    /// Ends the program where it stands and starts it again.
    pub fn restart(&mut self, now: ServerTime) -> Result<(), Violation> {
        self.vfs.disk().kill_programs();
        self.reopen(now)
    }

    /// No more faults.
    pub fn heal(&mut self, now: ServerTime) -> Result<(), Violation> {
        self.vfs.disk().clear_fault();
        self.reopen_if_dead(now)
    }

    pub(super) fn is_dead(&self) -> bool {
        self.vfs.disk().counts().power_cuts > self.cuts
    }

    fn reopen_if_dead(&mut self, now: ServerTime) -> Result<(), Violation> {
        if self.is_dead() {
            self.reopen(now)?;
        }
        Ok(())
    }

    fn reopen(&mut self, now: ServerTime) -> Result<(), Violation> {
        self.core = None;
        loop {
            let cuts = self.vfs.disk().counts().power_cuts;
            self.crashes += cuts - self.cuts;
            self.cuts = cuts;
            let opened = open_on_vfs(Path::new(DATABASE), self.vfs.name())
                .and_then(|db| CloudCore::start(db, self.key.clone(), ClockKind::System, now));
            match opened {
                Ok(core) => {
                    self.core = Some(core);
                    return Ok(());
                }
                // The power went in the middle of the start.
                Err(_) if self.is_dead() => {}
                Err(error) => {
                    return Err(Violation::new(format!("the cloud does not start: {error}")));
                }
            }
        }
    }

    /// Answers a request; nothing when the power went meanwhile.
    pub fn handle(
        &mut self,
        request: &Travelling,
        now: ServerTime,
    ) -> Result<Option<Response>, Violation> {
        self.reopen_if_dead(now)?;
        let Some(mut core) = self.core.take() else {
            return Ok(None);
        };
        let answered = self.route(&mut core, request, now);
        self.core = Some(core);
        if self.is_dead() {
            self.reopen(now)?;
            return Ok(None);
        }
        Ok(Some(
            answered.unwrap_or_else(SimulatedRefusal::into_response),
        ))
    }

    /// Makes a stranger's answer to entries that never came to the cloud: all accepted, signed with that key.
    #[must_use]
    pub fn forge(
        &self,
        device: DeviceId,
        asked: &EntriesRequest,
        key: &SigningKey,
        now: ServerTime,
    ) -> Option<EntriesResponse> {
        let mut seq = asked.from;
        let mut verdicts = Vec::new();
        for _ in &asked.entries {
            verdicts.push(EntryVerdict {
                seq,
                verdict: Verdict::Accepted {
                    paid: dashpoint_membership::Paid::NOTHING,
                },
                duplicate: false,
            });
            seq = seq.next();
        }
        let last = asked.entries.last()?;
        let receipt = Receipt {
            device,
            epoch: asked.epoch,
            through: Seq::new(seq.get() - 1),
            head: dashpoint_membership::EntryHash::from_bytes(digest(last.as_bytes())),
            verdicts: verdicts_digest(&verdicts),
            server_time: now,
            server_epoch: ServerEpoch::new(1),
            policy: PolicyVersion::new(1),
        };
        Some(EntriesResponse {
            verdicts,
            receipt: Signed::sign(receipt, key, &device).ok()?.into(),
            statements: Vec::new(),
        })
    }

    /// The key that a forger uses: a stranger's, or with the planted bug one that the car takes for the cloud's.
    #[must_use]
    pub fn forgers_key(&self) -> SigningKey {
        if self.planted == Some(Planted::ReceiptUnverified) {
            self.key.clone()
        } else {
            SigningKey::from_seed(&[0xf0; 32])
        }
    }
}
