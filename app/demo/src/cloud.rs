//! The member cloud in this process, which can be out of reach.

use std::path::Path;

use anyhow::{Context, anyhow};
use dashpoint_cloud::ClockKind;
use dashpoint_cloud::{Cloud, CloudError, Config, EntryLine, Running};
use dashpoint_membership::policy::Carbon;
use dashpoint_membership::{LedgerVersion, MemberId, ServerTime};

/// A cloud on one data folder and one port, serving or not.
#[derive(Debug)]
pub struct MemberCloud {
    config: Config,
    url: String,
    key: String,
    running: Option<Running>,
}

impl MemberCloud {
    /// Starts on a free port, with a clock that follows what the cars post.
    ///
    /// # Errors
    /// When the folder or the port cannot be had.
    pub async fn start(data: &Path, from: ServerTime) -> anyhow::Result<Self> {
        let mut config = Config {
            data: data.to_owned(),
            listen: ([127, 0, 0, 1], 0).into(),
            url: None,
            clock: ClockKind::Posted,
            posted_from: Some(from),
            test: true,
        };
        let running = Cloud::start(config.clone())
            .await
            .context("the member cloud does not start")?;
        config.listen = running.addr();
        Ok(Self {
            config,
            url: running.url().to_owned(),
            key: running.public_key().to_string(),
            running: Some(running),
        })
    }

    /// How cars reach it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key that they verify its word with, in hex.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether it can be reached.
    pub fn is_up(&self) -> bool {
        self.running.is_some()
    }

    /// Stops serving.
    pub async fn go(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown().await;
        }
    }

    /// Serves again, on the same data and port.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn come_back(&mut self) -> anyhow::Result<()> {
        let running = Cloud::start(self.config.clone());
        self.running = Some(
            running
                .await
                .context("the member cloud does not come back")?,
        );
        Ok(())
    }

    /// Makes somebody a member.
    ///
    /// # Errors
    /// [`CloudError`].
    pub async fn add_member(&self, name: &str, zone: &str) -> anyhow::Result<MemberId> {
        Ok(self.up()?.add_member(name, zone).await?)
    }

    /// Says yes in the member's name to the head unit that waits, and tells its code; none while none waits.
    ///
    /// # Errors
    /// [`CloudError`].
    pub async fn approve_one(&self, member: MemberId) -> anyhow::Result<Option<String>> {
        let running = self.up()?;
        let Some(waiting) = running.waiting().await?.into_iter().next() else {
            return Ok(None);
        };
        running.approve(&waiting.code, member).await?;
        Ok(Some(waiting.code))
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
        self.with(|core, _| core.entry_lines(None, None)).await
    }

    /// The emission factors of the policy in force.
    ///
    /// # Errors
    /// [`CloudError`].
    pub async fn carbon(&self) -> anyhow::Result<Carbon> {
        let policy = self.with(|core, now| core.policy(None, now));
        Ok(policy.await?.carbon)
    }

    async fn with<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut dashpoint_cloud::CloudCore, ServerTime) -> Result<R, CloudError>
        + Send
        + 'static,
    ) -> anyhow::Result<R> {
        Ok(self.up()?.with_core(job).await?)
    }

    fn up(&self) -> anyhow::Result<&Running> {
        self.running
            .as_ref()
            .ok_or_else(|| anyhow!("the cloud is out of reach"))
    }
}
