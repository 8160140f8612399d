//! A window without a display: pages drawn by the software renderer into memory.

use std::rc::Rc;
use std::time::Duration;

use slint::platform::software_renderer::{MinimalSoftwareWindow, RepaintBufferType};
use slint::platform::{Platform, PlatformError, WindowAdapter};
use slint::{PhysicalSize, Rgba8Pixel, SharedPixelBuffer};

/// A platform that has one window in memory and no time: nothing on a page moves by itself.
struct HeadlessPlatform {
    window: Rc<MinimalSoftwareWindow>,
}

impl Platform for HeadlessPlatform {
    fn create_window_adapter(&self) -> Result<Rc<dyn WindowAdapter>, PlatformError> {
        Ok(self.window.clone())
    }

    fn duration_since_start(&self) -> Duration {
        Duration::ZERO
    }
}

/// Draws the window that is created after it.
pub struct Canvas {
    window: Rc<MinimalSoftwareWindow>,
}

impl Canvas {
    /// Makes this thread's windows be drawn in memory; once per process, before the first window.
    ///
    /// # Errors
    /// When the process has a platform already.
    pub fn install() -> Result<Self, PlatformError> {
        let window = MinimalSoftwareWindow::new(RepaintBufferType::NewBuffer);
        slint::platform::set_platform(Box::new(HeadlessPlatform {
            window: window.clone(),
        }))
        .map_err(|error| PlatformError::Other(error.to_string()))?;
        Ok(Self { window })
    }

    /// Gives the window its size, in physical pixels of scale 1.
    pub fn resize(&self, width: u32, height: u32) {
        self.window.set_size(PhysicalSize::new(width, height));
    }

    /// Draws what the window shows now.
    ///
    /// # Errors
    /// When the window has no size yet.
    pub fn draw(&self) -> Result<SharedPixelBuffer<Rgba8Pixel>, PlatformError> {
        slint::platform::update_timers_and_animations();
        self.window.take_snapshot()
    }
}
