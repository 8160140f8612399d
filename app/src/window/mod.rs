//! The window: Slint on the main thread, the head unit on another.
//!
//! Scenes come over a channel that holds one, so that the newest wins and nobody waits; touches go to the engine over its
//! bounded channel, and one that does not fit is lost and logged: the page stays as it was, and the driver touches again.
//! Nothing on this thread reads a file, a socket or a lock that somebody holds for long.

mod gauge;
mod presenter;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use dashpoint_ui::locale::Language;
use dashpoint_ui::nav::Intent;
use dashpoint_ui::{DashpointWindow, show};
use slint::winit_030::winit::event::WindowEvent;
use slint::winit_030::{EventResult, WinitWindowAccessor};
use slint::{BackendSelector, CloseRequestResponse, ComponentHandle, Timer};
use tokio::sync::{mpsc, watch};

use crate::clock::Machine;
use crate::command::Ask;
use crate::language::of_environment;
use crate::screen::{Scene, Scenes};
pub use gauge::Gauge;
use presenter::{Next, Presenter, Request, SharedPresenter};

/// There is nothing to open a window on.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no display to open a window on; run with --no-screen, or set DISPLAY or WAYLAND_DISPLAY"
)]
pub struct NoDisplay;

/// Touches that wait for the program.
const TOUCHES_MAX: usize = 8;

/// The program's end of the window.
#[derive(Debug)]
pub struct Backstage {
    /// Channel of the scenes.
    pub scenes: Scenes,
    /// Commands of the driver to the engine.
    pub asks: mpsc::Receiver<Ask>,
    /// The driver wants a new enrolment code.
    pub renewals: mpsc::Receiver<()>,
    /// Set when the first frame is on the screen.
    pub drawn: watch::Receiver<bool>,
    /// Set when the window was closed.
    pub closed: watch::Receiver<bool>,
    /// Set while the program hangs: the driver sees what is for driving until it goes on.
    pub stuck: watch::Sender<bool>,
    /// Statistics of the window.
    pub gauge: Gauge,
}

/// Opens the window, runs `work` on a thread of its own, and returns when it has ended: because the window was closed, or
/// by itself, which closes the window. The pages are in `language`, else in the car's, else in that of the environment, until the driver
/// chooses one.
///
/// # Errors
/// When there is no display; what `work` failed with.
pub fn run(
    language: Option<Language>,
    work: impl FnOnce(Backstage) -> anyhow::Result<()> + Send + 'static,
) -> anyhow::Result<()> {
    let machine = Machine::system();
    let (scenes, newest) = watch::channel(None);
    let (asks, asked) = mpsc::channel(TOUCHES_MAX);
    let (renew, renewals) = mpsc::channel(1);
    let (draws, drawn) = watch::channel(false);
    let (closes, closed) = watch::channel(false);
    let (stuck, is_stuck) = watch::channel(false);
    let gauge = Gauge::default();
    let backstage = Backstage {
        scenes,
        asks: asked,
        renewals,
        drawn,
        closed,
        stuck,
        gauge: gauge.clone(),
    };
    // Beside the opening of the window, which takes longer than reading what it shows first.
    let worker = thread::Builder::new()
        .name("head-unit".to_owned())
        .spawn(move || work(backstage))
        .context("the head unit's thread cannot start")?;
    let window = match open() {
        Ok(window) => window,
        Err(error) => {
            closes.send_replace(true);
            // It has had nothing to show on yet, and nothing to say but that.
            drop(worker.join());
            return Err(error.into());
        }
    };
    let stage = Stage {
        window: window.as_weak(),
        presenter: Rc::new(RefCell::new(Presenter::speaking(
            language,
            of_environment(),
        ))),
        machine: Rc::new(machine),
        asks,
        renew,
        gauge,
        again: Rc::new(Timer::default()),
    };
    stage.count_frames(&window, draws);
    stage.connect(&window);
    let cannot = "the window cannot follow the program";
    slint::spawn_local(stage.clone().mind(is_stuck)).context(cannot)?;
    slint::spawn_local(stage.follow(newest)).context(cannot)?;
    let shown = slint::run_event_loop_until_quit();
    closes.send_replace(true);
    drop(window);
    let worked = worker
        .join()
        .unwrap_or_else(|_| Err(anyhow!("the head unit's thread panicked")));
    shown.context("the window failed")?;
    worked
}

/// The window, hidden until there is something to show.
fn open() -> Result<DashpointWindow, NoDisplay> {
    // The pages are made for the software renderer: it needs no graphics driver, and draws only what has changed.
    if std::env::var_os("SLINT_BACKEND").is_none() {
        BackendSelector::new()
            .backend_name("winit".to_owned())
            .renderer_name("software".to_owned())
            .select()
            .map_err(|error| no_display(&error))?;
    }
    DashpointWindow::new().map_err(|error| no_display(&error))
}

fn no_display(error: &slint::PlatformError) -> NoDisplay {
    tracing::debug!(%error, "no window");
    NoDisplay
}

/// State that the window's callbacks share.
#[derive(Clone)]
struct Stage {
    window: slint::Weak<DashpointWindow>,
    presenter: SharedPresenter,
    machine: Rc<Machine>,
    asks: mpsc::Sender<Ask>,
    renew: mpsc::Sender<()>,
    gauge: Gauge,
    again: Rc<Timer>,
}

impl Stage {
    fn count_frames(&self, window: &DashpointWindow, draws: watch::Sender<bool>) {
        let (gauge, machine) = (self.gauge.clone(), self.machine.clone());
        let mut draws = Some(draws);
        window.window().on_winit_window_event(move |_, event| {
            // Every frame is drawn in answer to this event, right after it was seen here.
            if matches!(event, WindowEvent::RedrawRequested)
                && gauge.frame() == 0
                && let Some(draws) = draws.take()
            {
                let (gauge, machine) = (gauge.clone(), machine.clone());
                Timer::single_shot(Duration::ZERO, move || {
                    gauge.first_frame(machine.read().monotonic_ms);
                    tracing::info!("first frame");
                    draws.send_replace(true);
                });
            }
            EventResult::Propagate
        });
    }

    fn connect(&self, window: &DashpointWindow) {
        window.window().on_close_requested(|| {
            quit();
            CloseRequestResponse::HideWindow
        });
        let stage = self.clone();
        let touch = move |intent: Intent| {
            let next = stage.presenter.borrow_mut().touch(intent, stage.now_ms());
            stage.carry_out(next);
        };
        show::connect(window, &(Rc::new(touch) as show::Intents));
    }

    /// Shows every newest scene; ends the event loop when the program has ended.
    async fn follow(self, mut newest: watch::Receiver<Option<Arc<Scene>>>) {
        let mut is_visible = false;
        while newest.changed().await.is_ok() {
            let Some(scene) = newest.borrow_and_update().clone() else {
                continue;
            };
            self.gauge.guest(scene.data.guest);
            let next = self.presenter.borrow_mut().take(scene, self.now_ms());
            self.carry_out(next);
            // Only now: what is shown first is what the cache holds.
            if !is_visible {
                is_visible = true;
                if let Some(Err(error)) = self.window.upgrade().map(|window| window.show()) {
                    tracing::error!(%error, "the window cannot be shown");
                }
            }
        }
        quit();
    }

    /// Shows what is for driving while the program hangs.
    async fn mind(self, mut stuck: watch::Receiver<bool>) {
        while stuck.changed().await.is_ok() {
            let is_stuck = *stuck.borrow_and_update();
            let next = self.presenter.borrow_mut().stuck(is_stuck, self.now_ms());
            self.carry_out(next);
        }
    }

    fn carry_out(&self, next: Next) {
        if let (Some(state), Some(window)) = (next.show, self.window.upgrade()) {
            show::apply(&window, &state);
            self.gauge.shows(&state);
        }
        let sent = match next.ask {
            Some(Request::Engine(ask)) => self.asks.try_send(ask).is_ok(),
            Some(Request::RenewCode) => self.renew.try_send(()).is_ok(),
            None => true,
        };
        if !sent {
            tracing::warn!("the program is busy: a touch is lost");
            let next = self.presenter.borrow_mut().touch_lost(self.now_ms());
            if let (Some(state), Some(window)) = (next.show, self.window.upgrade()) {
                show::apply(&window, &state);
                self.gauge.shows(&state);
            }
        }
        if let Some(after) = next.again {
            let stage = self.clone();
            self.again
                .start(slint::TimerMode::SingleShot, after, move || {
                    let next = stage.presenter.borrow_mut().look(stage.now_ms());
                    stage.carry_out(next);
                });
        }
    }

    fn now_ms(&self) -> u64 {
        self.machine.read().monotonic_ms
    }
}

fn quit() {
    if let Err(error) = slint::quit_event_loop() {
        tracing::debug!(%error, "the event loop has ended already");
    }
}
