//! The running head unit: assembles its parts, watches them and shuts them down, with or without a window.

mod assemble;
mod first_scene;
mod integrity;
mod motion_silence;
mod onboarding;
mod shutdown;
mod watchdog;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use dashpoint_store::CheckDepth;
use dashpoint_ui::locale::Language;
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::books::Books;
use crate::config::Config;
use crate::data_folder::open_store;
use crate::keys::KeyStore;
use crate::window::{self, Backstage};
use assemble::{Ended, UiHandle, live};
use first_scene::first_scene;
pub use first_scene::{HeldData, held};
use onboarding::{Onboarding, onboard};
use shutdown::Shutdown;

/// Time that the disk is left to the first frame; a screen that does not come up must not keep the car from earning.
const FIRST_FRAME_PATIENCE: Duration = Duration::from_secs(2);

/// The display of the head unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    /// A window; its language is that of the car, unless one is given.
    Window {
        /// Language of the pages.
        language: Option<Language>,
    },
    /// No window.
    None,
}

/// Runs the head unit until SIGTERM or SIGINT, or until its window is closed.
///
/// # Errors
/// When the data folder, the window or a part cannot be opened, and when the engine fails.
pub fn run(config: Config, display: Display) -> anyhow::Result<()> {
    match display {
        Display::Window { language } => {
            window::run(language, move |backstage| work(config, Some(backstage)))
        }
        Display::None => work(config, None),
    }
}

/// The whole head unit but its window, on a runtime of its own.
fn work(config: Config, backstage: Option<Backstage>) -> anyhow::Result<()> {
    // Requests to the cloud and questions of people, one at a time: a second thread would only be woken in vain.
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("the runtime cannot start")?;
    runtime.block_on(async {
        let closed = backstage.as_ref().map(|backstage| backstage.closed.clone());
        serve(config, backstage, Shutdown::new(closed)?).await
    })
}

async fn serve(
    config: Config,
    mut backstage: Option<Backstage>,
    mut shutdown: Shutdown,
) -> anyhow::Result<()> {
    if let Some(backstage) = &mut backstage {
        let scene = first_scene(&config);
        backstage.scenes.send_replace(Some(Arc::new(scene)));
        let drawn = backstage.drawn.wait_for(|drawn| *drawn);
        tokio::select! {
            drawn = timeout(FIRST_FRAME_PATIENCE, drawn) => if drawn.is_err() {
                tracing::warn!("the screen is slow to come up; the head unit goes on without it");
            },
            // There is no window, or it was closed at once: nothing was touched.
            () = shutdown.requested() => return Ok(()),
        }
    }
    let keys = KeyStore::open(&config.data)?;
    let mut ui = backstage.map(|backstage| UiHandle {
        backstage,
        enrolled: None,
    });
    let mut check = CheckDepth::Ends;
    loop {
        let mut store = open_store(&config.data, &keys, check)?;
        for incident in store.incidents() {
            tracing::error!(?incident, "a file was set aside");
        }
        if let Some(ui) = &mut ui
            && !Books::is_enrolled(store.read())?
        {
            let screen = &mut ui.backstage;
            match onboard(&config, &keys, &mut store, screen, &mut shutdown).await? {
                Onboarding::Enrolled(enrolment) => ui.enrolled = Some(enrolment),
                Onboarding::Ended => return Ok(()),
            }
        }
        match live(&config, &keys, store, check, ui.as_mut(), &mut shutdown).await? {
            Ended::Told => return Ok(()),
            // Opened again with a look at all of it, it is set aside, and what can be read goes into a new one.
            Ended::LedgerDamaged => check = CheckDepth::Full,
        }
    }
}
