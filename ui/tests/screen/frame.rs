//! What is on a page: texts, targets, icons and cards with their places.

use std::cell::RefCell;
use std::collections::BTreeMap;

use i_slint_backend_testing::{AccessibleRole, ElementHandle, ElementRoot};

use crate::broken::generated;

/// A place on the screen, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

impl Rect {
    fn of(element: &ElementHandle) -> Self {
        let (at, size) = (element.absolute_position(), element.size());
        Self {
            x: at.x,
            y: at.y,
            width: size.width,
            height: size.height,
        }
    }

    pub fn right(&self) -> f32 {
        self.x + self.width
    }

    pub fn bottom(&self) -> f32 {
        self.y + self.height
    }

    /// How far apart two places are across and down; negative where they overlap.
    pub fn gaps(&self, other: &Self) -> (f32, f32) {
        (
            (other.x - self.right()).max(self.x - other.right()),
            (other.y - self.bottom()).max(self.y - other.bottom()),
        )
    }

    pub fn overlaps(&self, other: &Self) -> bool {
        let (across, down) = self.gaps(other);
        across < 0.0 && down < 0.0
    }

    pub fn inside(&self, outer: &Self) -> bool {
        const SLACK: f32 = 0.6;
        self.x >= outer.x - SLACK
            && self.y >= outer.y - SLACK
            && self.right() <= outer.right() + SLACK
            && self.bottom() <= outer.bottom() + SLACK
    }
}

/// A text and its style on the type scale, if it has one.
#[derive(Debug, Clone)]
pub struct TextSeen {
    pub text: String,
    pub style: Option<Style>,
    pub rect: Rect,
}

/// A step of the type scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Style {
    pub size: u16,
    pub weight: i32,
}

/// Something that can be touched.
#[derive(Debug, Clone)]
pub struct Target {
    pub id: String,
    pub label: String,
    pub role: AccessibleRole,
    pub enabled: bool,
    pub rect: Rect,
}

/// Everything that the rules look at.
#[derive(Debug, Clone)]
pub struct Frame {
    pub window: Rect,
    pub texts: Vec<TextSeen>,
    pub targets: Vec<Target>,
    /// Bare touch areas: each has to lie in a target.
    pub touch: Vec<Rect>,
    pub icons: Vec<Rect>,
    pub cards: Vec<Rect>,
    pub rows: Vec<Rect>,
    pub images: usize,
    pub inputs: usize,
    /// One line for each element that says something.
    pub tree: Vec<String>,
}

impl Frame {
    pub fn of(root: &impl ElementRoot, width: u32) -> Self {
        let mut frame = Self {
            window: Rect {
                x: 0.0,
                y: 0.0,
                width: width as f32,
                height: 720.0,
            },
            texts: Vec::new(),
            targets: Vec::new(),
            touch: Vec::new(),
            icons: Vec::new(),
            cards: Vec::new(),
            rows: Vec::new(),
            images: 0,
            inputs: 0,
            tree: Vec::new(),
        };
        let stopped: Option<()> = root.root_element().visit_descendants(|element| {
            frame.take(&element);
            std::ops::ControlFlow::Continue(())
        });
        debug_assert!(stopped.is_none());
        frame
    }

    fn take(&mut self, element: &ElementHandle) {
        let types: Vec<String> = element
            .type_name()
            .into_iter()
            .chain(element.bases().into_iter().flatten())
            .map(Into::into)
            .collect();
        let is = |name: &str| types.iter().any(|name_of| name_of == name);
        let rect = Rect::of(element);
        let role = element.accessible_role();
        if is("Text") {
            let text: String = element.accessible_label().unwrap_or_default().into();
            // Elements that the compiler has merged are visited once each.
            let again = self
                .texts
                .iter()
                .any(|seen| seen.text == text && seen.rect == rect);
            if !text.is_empty() && !again {
                self.line(&types, &text, "", rect);
                self.texts.push(TextSeen {
                    text,
                    style: types.iter().find_map(|name| style(name)),
                    rect,
                });
            }
            return;
        }
        if is("TouchArea") {
            self.touch.push(rect);
        }
        if is("Icon") {
            self.icons.push(rect);
        }
        if is("Card") {
            self.cards.push(rect);
        }
        match role {
            Some(AccessibleRole::Image) => {
                self.images += usize::from(rect.width > 200.0);
            }
            Some(AccessibleRole::TextInput) => self.inputs += 1,
            _ => {}
        }
        if let Some(role) = role.filter(is_target) {
            self.take_target(element, &types, role, rect);
        }
    }

    fn take_target(
        &mut self,
        element: &ElementHandle,
        types: &[String],
        role: AccessibleRole,
        rect: Rect,
    ) {
        let label: String = element.accessible_label().unwrap_or_default().into();
        let id: String = element.accessible_id().unwrap_or_default().into();
        let again = |seen: &Target| seen.id == id && seen.label == label && seen.rect == rect;
        if self.targets.iter().any(again) {
            return;
        }
        if role == AccessibleRole::ListItem {
            self.rows.push(rect);
        }
        self.line(types, &label, &id, rect);
        self.targets.push(Target {
            id,
            label,
            role,
            enabled: element.accessible_enabled().unwrap_or(true),
            rect,
        });
    }

    fn line(&mut self, types: &[String], text: &str, id: &str, rect: Rect) {
        let kind = types.first().map_or("", String::as_str);
        let id = if id.is_empty() {
            String::new()
        } else {
            format!(" #{id}")
        };
        self.tree.push(format!(
            "{kind}{id} {text:?} {:.0},{:.0} {:.0}x{:.0}",
            rect.x, rect.y, rect.width, rect.height
        ));
    }
}

fn is_target(role: &AccessibleRole) -> bool {
    matches!(
        role,
        AccessibleRole::Button
            | AccessibleRole::Tab
            | AccessibleRole::Switch
            | AccessibleRole::RadioButton
            | AccessibleRole::ListItem
    )
}

/// The steps of the type scale, as `widgets/text.slint` has them.
fn style(component: &str) -> Option<Style> {
    let (size, weight) = match component {
        "Caption" => (24, 400),
        "Label" => (24, 500),
        "Body" => (32, 400),
        "Strong" => (32, 500),
        "Title" => (44, 500),
        "Hero" => (72, 500),
        _ => return None,
    };
    Some(Style { size, weight })
}

/// What a text needs.
#[derive(Debug, Clone, Copy)]
pub struct Need {
    pub line_width: f32,
    pub line_height: f32,
    /// Of the text wrapped to the width it has.
    pub block_height: f32,
}

/// Measures texts with the real font.
pub struct Probe {
    window: generated::Probe,
    known: RefCell<BTreeMap<(String, Style, u32), Need>>,
}

impl Probe {
    pub fn new() -> Self {
        Self {
            window: generated::Probe::new().unwrap(),
            known: RefCell::default(),
        }
    }

    pub fn measure(&self, text: &str, style: Style, width: f32) -> Need {
        let key = (text.to_owned(), style, width.to_bits());
        *self.known.borrow_mut().entry(key).or_insert_with(|| {
            self.window.set_words(text.into());
            self.window.set_size(f32::from(style.size));
            self.window.set_weight(style.weight);
            self.window.set_room(width);
            Need {
                line_width: self.window.get_line_width(),
                line_height: self.window.get_line_height(),
                block_height: self.window.get_block_height(),
            }
        })
    }
}
