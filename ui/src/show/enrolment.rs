//! The adapter of the enrolment page.

use slint::{ComponentHandle, Image, Rgba8Pixel, SharedPixelBuffer};

use super::Intents;
use crate::enrolment::{EnrolmentState, Matrix};
use crate::nav::Intent;
use crate::{DashpointWindow, EnrolmentAdapter};

pub(super) fn connect(window: &DashpointWindow, intents: &Intents) {
    let adapter = window.global::<EnrolmentAdapter>();
    let to = intents.clone();
    adapter.on_renew(move || to(Intent::RenewCode));
    let to = intents.clone();
    adapter.on_finish(move || to(Intent::FinishEnrolment));
}

pub(super) fn apply(window: &DashpointWindow, state: &EnrolmentState) {
    let adapter = window.global::<EnrolmentAdapter>();
    adapter.set_qr(state.code.as_ref().map(image).unwrap_or_default());
    adapter.set_shown(state.shown.clone());
}

/// Dark modules on nothing: the page's own light surface shows through.
fn image(code: &Matrix) -> Image {
    const DARK: Rgba8Pixel = Rgba8Pixel { r: 11, g: 13, b: 16, a: 255 };
    const LIGHT: Rgba8Pixel = Rgba8Pixel { r: 0, g: 0, b: 0, a: 0 };
    let mut pixels = SharedPixelBuffer::<Rgba8Pixel>::new(code.side, code.side);
    for (pixel, dark) in pixels.make_mut_slice().iter_mut().zip(&code.dark) {
        *pixel = if *dark { DARK } else { LIGHT };
    }
    Image::from_rgba8(pixels)
}
