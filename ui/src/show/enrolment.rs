//! The adapter of the enrolment page.

use slint::{ComponentHandle, Image, Rgba8Pixel, SharedPixelBuffer};

use super::model::Intents;
use crate::enrolment::{EnrolmentState, Matrix};
use crate::nav::Intent;
use crate::{DashpointWindow, EnrolmentAdapter};

pub(super) fn connect(window: &DashpointWindow, intents: &Intents) {
    let adapter = window.global::<EnrolmentAdapter>();
    let to = intents.clone();
    adapter.on_renew(move || to(Intent::RenewCode));
    let to = intents.clone();
    adapter.on_finish(move || to(Intent::FinishEnrolment));
    let to = intents.clone();
    adapter.on_choose_chinese(move |chinese| to(Intent::choose_language(chinese)));
}

pub(super) fn apply(window: &DashpointWindow, state: &EnrolmentState) {
    let adapter = window.global::<EnrolmentAdapter>();
    adapter.set_qr(state.code.as_ref().map(image).unwrap_or_default());
    adapter.set_shown(state.shown.clone());
}

/// Longest side of the code on the page, in pixels.
const SIDE_PX: u32 = 416;

/// Dark modules on nothing: the page's own light surface shows through.
fn image(code: &Matrix) -> Image {
    const DARK: Rgba8Pixel = Rgba8Pixel {
        r: 11,
        g: 13,
        b: 16,
        a: 255,
    };
    const LIGHT: Rgba8Pixel = Rgba8Pixel {
        r: 0,
        g: 0,
        b: 0,
        a: 0,
    };
    let scale = (SIDE_PX / code.side.max(1)).max(1);
    let width = code.side * scale;
    let mut pixels = SharedPixelBuffer::<Rgba8Pixel>::new(width, width);
    let rows = pixels.make_mut_slice().chunks_mut(width as usize);
    for (y, row) in rows.enumerate() {
        let modules = code.dark.chunks(code.side as usize).nth(y / scale as usize);
        for (x, pixel) in row.iter_mut().enumerate() {
            let dark = modules.is_some_and(|modules| modules[x / scale as usize]);
            *pixel = if dark { DARK } else { LIGHT };
        }
    }
    Image::from_rgba8(pixels)
}
