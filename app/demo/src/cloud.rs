//! The member cloud in this process.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use dashpoint_cloud::ClockKind;
use dashpoint_cloud::{
    Cloud, CloudCore, CloudError, EntryLine, Limits, NewMember, Running, SelectedEntries,
    ServerConfig,
};
use dashpoint_membership::{CompiledPolicy, LedgerVersion, MemberId, ServerTime};

/// A cloud on one data folder.
#[derive(Debug)]
pub struct MemberCloud {
    key: String,
    running: Running,
}

/// The one member of a story: named here, so that a story is the same each time.
const MEMBER: MemberId = MemberId::from_bytes([0x3d; 16]);

impl MemberCloud {
    /// Starts on a free port, with a clock that follows what the cars post.
    ///
    /// # Errors
    /// When the folder or the port cannot be had.
    pub async fn start(data: &Path, from: ServerTime) -> anyhow::Result<Self> {
        let running = Cloud::start(ServerConfig {
            data: data.to_owned(),
            listen: ([127, 0, 0, 1], 0).into(),
            url: None,
            clock: ClockKind::Posted,
            posted_from: Some(from),
            test: true,
            limits: Limits::DEFAULT,
            trusted_proxies: Vec::new(),
            accept_clock: None,
        });
        let running = running.await.context("the member cloud does not start")?;
        Ok(Self {
            key: running.cloud_key().to_string(),
            running,
        })
    }

    /// The key that they verify its word with, in hex.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the address that the cloud listens on.
    pub fn address(&self) -> SocketAddr {
        self.running.addr()
    }

    /// Stops serving.
    pub async fn end(self) {
        self.running.shutdown().await;
    }

    /// Makes somebody a member.
    ///
    /// # Errors
    /// [`CloudError`].
    pub async fn add_member(&self, name: &str, zone: &str) -> anyhow::Result<MemberId> {
        let new = NewMember {
            id: MEMBER,
            name: name.to_owned(),
            zone: zone.to_owned(),
        };
        self.with(move |core, now| core.add_member(&new, now))
            .await?;
        Ok(MEMBER)
    }

    /// Says yes in the member's name to the head unit that waits, and tells its code; none while none waits.
    ///
    /// # Errors
    /// [`CloudError`].
    pub async fn approve_one(&self, member: MemberId) -> anyhow::Result<Option<String>> {
        let Some(waiting) = self.running.waiting().await?.into_iter().next() else {
            return Ok(None);
        };
        self.running.approve(&waiting.code, member).await?;
        Ok(Some(waiting.spoken_code()))
    }

    /// The points that a member has here.
    ///
    /// # Errors
    /// [`CloudError`].
    pub async fn points(&self, member: MemberId) -> anyhow::Result<i64> {
        let all = LedgerVersion::new(0);
        let statement = self.with(move |core, now| core.statement(member, all, now));
        Ok(statement.await?.body().account.balance().get())
    }

    /// Every entry that it has, in the order they came.
    ///
    /// # Errors
    /// [`CloudError`].
    pub async fn entries(&self) -> anyhow::Result<Vec<EntryLine>> {
        self.with(|core, _| core.entry_lines(SelectedEntries::default(), None))
            .await
    }

    /// The policy in force.
    ///
    /// # Errors
    /// [`CloudError`], and when its rules cannot be compiled.
    pub async fn policy(&self) -> anyhow::Result<CompiledPolicy> {
        let policy = self.with(|core, now| core.policy(None, now));
        Ok(CompiledPolicy::compile(policy.await?)?)
    }

    /// Does something with its core, at the time of its clock.
    ///
    /// # Errors
    /// [`CloudError`].
    pub async fn with<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut CloudCore, ServerTime) -> Result<R, CloudError> + Send + 'static,
    ) -> anyhow::Result<R> {
        Ok(self.running.with_core(job).await?)
    }
}
