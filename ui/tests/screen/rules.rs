//! The rules, each a function from what is seen to what is wrong with it.

use dashpoint_ui::drive::is_restricted;
use dashpoint_ui::gallery::Case;
use dashpoint_ui::screen::ScreenState;
use dashpoint_ui::{DashpointWindow, Drive, Theme, TierAccent};
use i_slint_backend_testing::AccessibleRole;
use slint::{Color, ComponentHandle, Rgba8Pixel, SharedPixelBuffer};

use crate::Report;
use crate::frame::{Frame, Probe, Rect, TextSeen};

type ScreenPicture = SharedPixelBuffer<Rgba8Pixel>;

/// T1: a target is at least 76 pixels on each side.
pub fn t1(frame: &Frame) -> Vec<String> {
    touched(frame)
        .filter(|(_, rect)| rect.width < 76.0 || rect.height < 76.0)
        .map(|(id, rect)| format!("{id} is {} x {}", rect.width, rect.height))
        .collect()
}

/// T2: two targets are at least 8 pixels apart.
pub fn t2(frame: &Frame) -> Vec<String> {
    let targets: Vec<_> = touched(frame).collect();
    let mut wrong = Vec::new();
    for (index, (one, first)) in targets.iter().enumerate() {
        for (other, second) in &targets[index + 1..] {
            let (across, down) = first.gaps(second);
            if across.max(down) < 7.9 {
                wrong.push(format!("{one} and {other} are {} apart", across.max(down)));
            }
        }
    }
    wrong
}

/// T3: a target is inside the window, 24 pixels from its edge.
pub fn t3(frame: &Frame) -> Vec<String> {
    let safe = Rect {
        x: 24.0,
        y: 24.0,
        width: frame.window.width - 48.0,
        height: frame.window.height - 48.0,
    };
    touched(frame)
        .filter(|(_, rect)| !rect.inside(&safe))
        .map(|(id, rect)| format!("{id} at {rect:?}"))
        .collect()
}

/// Targets that react; a row that does not open is a text.
fn touched(frame: &Frame) -> impl Iterator<Item = (&str, Rect)> {
    frame
        .targets
        .iter()
        .filter(|target| target.enabled || target.role != AccessibleRole::ListItem)
        .map(|target| (target.id.as_str(), target.rect))
}

/// F1: only the type scale; while driving a page and each row lead with 32 pixels.
pub fn f1(frame: &Frame, driving: bool) -> Vec<String> {
    let mut wrong: Vec<String> = frame
        .texts
        .iter()
        .filter(|text| text.style.is_none_or(|style| style.size < 24))
        .map(|text| format!("{:?} is not on the type scale", text.text))
        .collect();
    if driving {
        let primary = |area: &Rect| {
            frame
                .texts
                .iter()
                .filter(|text| text.rect.inside(area))
                .any(|text| text.style.is_some_and(|style| style.size >= 32))
        };
        if !primary(&frame.window) {
            wrong.push("nothing on the page is primary".to_owned());
        }
        wrong.extend(
            frame
                .rows
                .iter()
                .filter(|row| !primary(row))
                .map(|row| format!("the row at {} has no primary text", row.y)),
        );
    }
    wrong
}

/// C1 on the pixels: the darkest or lightest pixel of a text against the commonest one around it.
pub fn c1(frame: &Frame, picture: &ScreenPicture) -> Vec<String> {
    frame
        .texts
        .iter()
        .filter_map(|text| {
            let reached = ink_contrast(text, picture)?;
            (reached < 4.5).then(|| format!("{:?} has {reached:.2}:1", text.text))
        })
        .collect()
}

fn ink_contrast(text: &TextSeen, picture: &ScreenPicture) -> Option<f64> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let pixels = picture.as_slice();
    let mut counts = std::collections::BTreeMap::<[u8; 3], u32>::new();
    for y in text.rect.y.max(0.0) as usize..(text.rect.bottom() as usize).min(height) {
        for x in text.rect.x.max(0.0) as usize..(text.rect.right() as usize).min(width) {
            let pixel = pixels[y * width + x];
            *counts.entry([pixel.r, pixel.g, pixel.b]).or_default() += 1;
        }
    }
    let (ground, _) = counts.iter().max_by_key(|(_, count)| **count)?;
    counts
        .keys()
        .map(|ink| contrast(*ground, *ink))
        .max_by(f64::total_cmp)
}

/// C3: an icon never stands alone: a word is beside it, or it is in a target that has a label.
pub fn c3(frame: &Frame) -> Vec<String> {
    frame
        .icons
        .iter()
        .filter(|icon| {
            let worded = frame.texts.iter().any(|text| {
                let (across, down) = text.rect.gaps(icon);
                (down < 0.0 && across < 40.0) || (across < 0.0 && down < 60.0)
            });
            let labelled = frame
                .targets
                .iter()
                .any(|target| icon.inside(&target.rect) && !target.label.is_empty());
            !worded && !labelled
        })
        .map(|icon| format!("an icon stands alone at {icon:?}"))
        .collect()
}

/// L1: six rows at once while driving, twelve in park.
pub fn l1(frame: &Frame, driving: bool) -> Vec<String> {
    let most = if driving { 6 } else { 12 };
    if frame.rows.len() > most {
        vec![format!("{} rows", frame.rows.len())]
    } else {
        Vec::new()
    }
}

/// L2: at most 21 items in all: rows, what can be touched, and each text that is in neither. Nothing opens while driving
/// (`l2_driving_goes_no_deeper_than_a_page` in `states.rs`), so that a page is all there is of a task.
pub fn l2(frame: &Frame) -> Vec<String> {
    let touched: Vec<_> = touched(frame).collect();
    let alone = frame.texts.iter().filter(|text| {
        let in_row = frame.rows.iter().any(|row| text.rect.inside(row));
        let in_target = touched.iter().any(|(_, target)| text.rect.inside(target));
        !in_row && !in_target
    });
    let targets = touched
        .iter()
        .filter(|(_, target)| !frame.rows.iter().any(|row| target.inside(row)));
    let items = frame.rows.len() + targets.count() + alone.count();
    if items > 21 {
        vec![format!("{items} items")]
    } else {
        Vec::new()
    }
}

/// S1: a text of at most 31 Chinese characters or 80 letters, or a mixture; secondary text on at most two lines.
pub fn s1(frame: &Frame, probe: &Probe) -> Vec<String> {
    let mut wrong = Vec::new();
    for text in &frame.texts {
        let letters = text.text.chars().filter(char::is_ascii).count();
        let characters = text.text.chars().count() - letters;
        if characters * 80 + letters * 31 > 31 * 80 {
            wrong.push(format!("{:?} is too long for a glance", text.text));
        }
        if let Some(style) = text.style.filter(|style| style.size <= 24) {
            let need = probe.measure(&text.text, style, text.rect.width);
            if need.block_height > need.line_height * 2.2 {
                wrong.push(format!("{:?} has more than two lines", text.text));
            }
        }
    }
    wrong
}

/// S2: every text has the room it needs, in its card and in the window, and no text lies on another.
pub fn s2(frame: &Frame, probe: &Probe) -> Vec<String> {
    let mut wrong = Vec::new();
    for (index, text) in frame.texts.iter().enumerate() {
        let Some(style) = text.style else {
            continue;
        };
        let need = probe.measure(&text.text, style, text.rect.width);
        let on_a_line =
            need.line_width <= text.rect.width + 0.6 && need.line_height <= text.rect.height + 0.6;
        let wrapped =
            need.line_width > text.rect.width + 0.6 && need.block_height <= text.rect.height + 0.6;
        if !on_a_line && !wrapped {
            wrong.push(format!(
                "{:?} does not fit {:?}: {need:?}",
                text.text, text.rect
            ));
        }
        if !text.rect.inside(&frame.window) {
            wrong.push(format!(
                "{:?} leaves the window: {:?}",
                text.text, text.rect
            ));
        }
        for card in &frame.cards {
            if text.rect.overlaps(card) && !text.rect.inside(card) {
                wrong.push(format!("{:?} leaves its card: {:?}", text.text, text.rect));
            }
        }
        for target in &frame.targets {
            if text.rect.overlaps(&target.rect) && !text.rect.inside(&target.rect) {
                wrong.push(format!(
                    "{:?} leaves {}: {:?}",
                    text.text, target.id, text.rect
                ));
            }
        }
        for other in &frame.texts[index + 1..] {
            if text.rect.overlaps(&other.rect) {
                wrong.push(format!("{:?} lies on {:?}", text.text, other.text));
            }
        }
    }
    for card in &frame.cards {
        if !card.inside(&frame.window) {
            wrong.push(format!("a card leaves the window: {card:?}"));
        }
    }
    wrong
}

/// S3: nothing on the page has moved after ten seconds.
pub fn s3(window: &impl ComponentHandle, picture: &ScreenPicture) -> Vec<String> {
    i_slint_backend_testing::mock_elapsed_time(std::time::Duration::from_millis(10_300));
    let later = window.window().take_snapshot().unwrap();
    if later.as_bytes() == picture.as_bytes() {
        Vec::new()
    } else {
        vec!["the page moves by itself".to_owned()]
    }
}

/// R2: an unknown state shows what a moving car shows.
pub fn r2(case: &Case) -> Vec<String> {
    let moving = Case {
        drive: Drive::Moving,
        ..*case
    };
    shows_no_more(&case.state(), &moving.state())
}

/// What a page shows in an unknown state beside the same page in a moving car.
pub fn shows_no_more(unknown: &ScreenState, moving: &ScreenState) -> Vec<String> {
    let same = unknown.page == moving.page && unknown.frame.locked == moving.frame.locked;
    if same && is_restricted(Drive::Unknown) {
        Vec::new()
    } else {
        vec!["an unknown state shows more than a moving car".to_owned()]
    }
}

/// R3: while driving there is no code to scan, no text entry, and nothing to touch but the rail.
pub fn r3(frame: &Frame) -> Vec<String> {
    let mut wrong = Vec::new();
    if frame.images > 0 {
        wrong.push("a code to scan".to_owned());
    }
    if frame.inputs > 0 {
        wrong.push("text entry".to_owned());
    }
    wrong.extend(
        frame
            .targets
            .iter()
            .filter(|target| target.enabled && target.role != AccessibleRole::Tab)
            .map(|target| format!("{} can be touched", target.id)),
    );
    wrong
}

/// B1: at night the mean luminance is below 0.15 and nothing is full white.
pub fn b1(picture: &ScreenPicture) -> Vec<String> {
    let linear: Vec<f64> = (0..=255).map(linear).collect();
    let (mut sum, mut white) = (0.0, 0_u32);
    for pixel in picture.as_slice() {
        sum += 0.2126 * linear[usize::from(pixel.r)]
            + 0.7152 * linear[usize::from(pixel.g)]
            + 0.0722 * linear[usize::from(pixel.b)];
        white += u32::from(pixel.r.min(pixel.g).min(pixel.b) > 0xe6);
    }
    let mean = sum / f64::from(picture.width() * picture.height());
    let mut wrong = Vec::new();
    if mean >= 0.15 {
        wrong.push(format!("the mean luminance is {mean:.3}"));
    }
    if white > 0 {
        wrong.push(format!("{white} pixels are whiter than #e6e6e6"));
    }
    wrong
}

/// A1: what can be touched has a role, a label and an id of its own.
pub fn a1(frame: &Frame) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut ids = std::collections::BTreeSet::new();
    for target in &frame.targets {
        if target.label.is_empty() || target.id.is_empty() {
            wrong.push(format!("{target:?} has no label or no id"));
        }
        if !ids.insert(target.id.as_str()) {
            wrong.push(format!("{:?} is the id of two targets", target.id));
        }
    }
    for area in &frame.touch {
        if !frame.targets.iter().any(|target| area.inside(&target.rect)) {
            wrong.push(format!("a touch area without a role at {area:?}"));
        }
    }
    wrong
}

/// The colours of the theme, named.
#[derive(Debug, Clone, Default)]
pub struct Palette {
    pub texts: Vec<(String, [u8; 3])>,
    pub surfaces: Vec<(String, [u8; 3])>,
    pub controls: Vec<(String, [u8; 3])>,
    pub grounds: Vec<(String, [u8; 3])>,
    pub marks: Vec<(String, [u8; 3])>,
    pub track: [u8; 3],
}

/// C1 and C2 on every pair of tokens, day and night.
pub fn palette(window: &DashpointWindow, report: &mut Report) {
    for night in [false, true] {
        let name = if night { "night" } else { "day" };
        let colours = read_palette(window, night);
        report.hold("C1", name, c1_pairs(&colours));
        report.hold("C2", name, c2_pairs(&colours));
    }
}

fn read_palette(window: &DashpointWindow, night: bool) -> Palette {
    let theme = window.global::<Theme>();
    theme.set_night(night);
    let named = |name: &str, colour: Color| (name.to_owned(), rgb(colour));
    let tiers = [
        TierAccent::Basic,
        TierAccent::Silver,
        TierAccent::Gold,
        TierAccent::Diamond,
        TierAccent::BlackDiamond,
    ];
    let accents: Vec<_> = tiers
        .iter()
        .map(|tier| (format!("accent {tier:?}"), rgb(theme.invoke_accent(*tier))))
        .collect();
    let mut surfaces = vec![
        named("background", theme.get_background()),
        named("surface", theme.get_surface()),
        named("raised", theme.get_raised()),
    ];
    surfaces.extend(
        tiers
            .iter()
            .map(|tier| (format!("tint {tier:?}"), rgb(theme.invoke_tint(*tier)))),
    );
    let mut texts = vec![
        named("text", theme.get_text()),
        named("text-quiet", theme.get_text_quiet()),
        named("clean", theme.get_clean()),
        named("warning", theme.get_warning()),
    ];
    texts.extend(accents.clone());
    let mut marks = accents;
    marks.push(named("text", theme.get_text()));
    Palette {
        texts,
        grounds: surfaces[..3].to_vec(),
        surfaces,
        controls: vec![
            named("control", theme.get_control()),
            named("text", theme.get_text()),
        ],
        marks,
        track: rgb(theme.get_track()),
    }
}

/// C1: each text colour on each surface has 4.5:1.
pub fn c1_pairs(palette: &Palette) -> Vec<String> {
    below(&palette.texts, &palette.surfaces, 4.5)
}

/// C2: each control on each ground, and each filled bar on its track, has 3:1.
pub fn c2_pairs(palette: &Palette) -> Vec<String> {
    let mut wrong = below(&palette.controls, &palette.grounds, 3.0);
    wrong.extend(below(
        &palette.marks,
        &[("track".to_owned(), palette.track)],
        3.0,
    ));
    wrong
}

fn below(fronts: &[(String, [u8; 3])], grounds: &[(String, [u8; 3])], least: f64) -> Vec<String> {
    let mut wrong = Vec::new();
    for (front, ink) in fronts {
        for (ground, paper) in grounds {
            let reached = contrast(*ink, *paper);
            if reached < least {
                wrong.push(format!("{front} on {ground} has {reached:.2}:1"));
            }
        }
    }
    wrong
}

fn rgb(colour: Color) -> [u8; 3] {
    [colour.red(), colour.green(), colour.blue()]
}

/// The contrast ratio of WCAG 2.
pub fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance([r, g, b]: [u8; 3]) -> f64 {
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

fn linear(value: u8) -> f64 {
    let value = f64::from(value) / 255.0;
    if value <= 0.04045 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}
