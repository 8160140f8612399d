//! Draws the cases and lists them on one page.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use slint::platform::PlatformError;
use slint::{ComponentHandle, Rgba8Pixel, SharedPixelBuffer};

use super::cases::Case;
use crate::DashpointWindow;
use crate::headless::Canvas;
use crate::show::apply;

/// Errors of the gallery.
#[derive(Debug, thiserror::Error)]
pub enum GalleryError {
    /// There is no window.
    #[error("the window cannot be made")]
    Window(#[from] PlatformError),
    /// A picture cannot be coded.
    #[error("a picture cannot be coded")]
    Png(#[from] png::EncodingError),
    /// A file cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Two pictures are the same and nobody said why.
    #[error("{first} and {second} are the same picture; say why in `may_repeat`, or drop one")]
    Equal {
        /// The one drawn first.
        first: String,
        /// The one that repeats it.
        second: String,
    },
}

/// One frame.
pub type ScreenPicture = SharedPixelBuffer<Rgba8Pixel>;

/// A window in memory that shows one case after another.
pub struct Gallery {
    canvas: Canvas,
    window: DashpointWindow,
    seen: BTreeMap<Vec<u8>, String>,
    repeats: Vec<(String, String, &'static str)>,
}

impl Gallery {
    /// Opens the window; once per process.
    ///
    /// # Errors
    /// When the process has a window system already.
    pub fn open() -> Result<Self, GalleryError> {
        let canvas = Canvas::install()?;
        let window = DashpointWindow::new()?;
        window.show()?;
        Ok(Self {
            canvas,
            window,
            seen: BTreeMap::new(),
            repeats: Vec::new(),
        })
    }

    /// Draws a case.
    ///
    /// # Errors
    /// When the window cannot be drawn.
    pub fn draw(&self, case: &Case) -> Result<ScreenPicture, GalleryError> {
        self.canvas.resize(case.wide.px(), 720);
        apply(&self.window, &case.state());
        Ok(self.canvas.draw()?)
    }

    /// Draws a case into a file of the folder and remembers it.
    ///
    /// # Errors
    /// When the file cannot be written, or the picture repeats an earlier one without a reason.
    pub fn save(&mut self, case: &Case, folder: &Path) -> Result<(), GalleryError> {
        let name = case.to_string();
        let bytes = png_bytes(&self.draw(case)?)?;
        write(&folder.join(format!("{name}.png")), &bytes)?;
        match (self.seen.get(&bytes), case.may_repeat()) {
            (None, _) => {
                self.seen.insert(bytes, name);
            }
            (Some(first), Some(reason)) => self.repeats.push((name, first.clone(), reason)),
            (Some(first), None) => {
                return Err(GalleryError::Equal {
                    first: first.clone(),
                    second: name,
                });
            }
        }
        Ok(())
    }

    /// Writes the page that lists the cases.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn index(&self, cases: &[Case], folder: &Path) -> Result<(), GalleryError> {
        write(
            &folder.join("index.html"),
            index_page(cases, &self.repeats).as_bytes(),
        )
    }
}

/// Codes a picture as PNG, always to the same bytes.
///
/// # Errors
/// When the coder refuses it.
pub fn png_bytes(picture: &ScreenPicture) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut coder = png::Encoder::new(&mut bytes, picture.width(), picture.height());
    coder.set_color(png::ColorType::Rgb);
    // A plain loop: a build that is not optimised spends most of the gallery's time here.
    let mut opaque = Vec::with_capacity(picture.as_slice().len() * 3);
    for pixel in picture.as_slice() {
        opaque.extend_from_slice(&[pixel.r, pixel.g, pixel.b]);
    }
    coder.set_compression(png::Compression::Fast);
    coder.write_header()?.write_image_data(&opaque)?;
    Ok(bytes)
}

/// Writes a file at once or not at all: a disk that fills up leaves no half of it under its name.
///
/// # Errors
/// When the disk refuses; then there is no new file.
pub fn whole_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".part");
    let written = std::fs::write(&draft, bytes).and_then(|()| std::fs::rename(&draft, path));
    if written.is_err() {
        // Where nothing could be written there is nothing to remove.
        drop(std::fs::remove_file(&draft));
    }
    written
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), GalleryError> {
    whole_file(path, bytes).map_err(|source| GalleryError::Write {
        path: path.to_owned(),
        source,
    })
}

const STYLE: &str = "body{margin:32px;background:#15181c;color:#e6e6e6;font:16px/1.5 sans-serif}\
h1{font-weight:500}h2{font-weight:500;margin:48px 0 16px}\
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(440px,1fr));gap:24px}\
figure{margin:0}img{width:100%;border-radius:8px;display:block}figcaption{color:#a7afb8;font-size:13px;padding:6px 2px}";

fn index_page(cases: &[Case], repeats: &[(String, String, &'static str)]) -> String {
    let mut page = format!(
        "<!doctype html><meta charset=\"utf-8\"><title>Dashpoint: every page in every state</title><style>{STYLE}</style>\
         <h1>Dashpoint: every page in every state</h1><p>{} pictures, drawn by the software renderer.</p>",
        cases.len()
    );
    let mut heading = String::new();
    for case in cases {
        let view = format!("{:?}", case.view);
        let view = view.split('(').next().unwrap_or_default();
        if view != heading {
            if !heading.is_empty() {
                page.push_str("</main>");
            }
            // Writing to a String cannot fail.
            let _ = write!(page, "<h2>{view}</h2><main>");
            view.clone_into(&mut heading);
        }
        let _ = write!(
            page,
            "<figure><a href=\"{case}.png\"><img loading=\"lazy\" src=\"{case}.png\" alt=\"{case}\"></a>\
             <figcaption>{case}</figcaption></figure>"
        );
    }
    page.push_str("</main><h2>Pictures that are the same, and why</h2><ul>");
    for (name, first, reason) in repeats {
        let _ = write!(page, "<li>{name} = {first}: {reason}</li>");
    }
    page.push_str("</ul>\n");
    page
}
