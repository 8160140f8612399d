//! Enrolment: a QR code that a phone scans.

use dashpoint_membership::ServerTime;
use qrcode::{Color, EcLevel, QrCode};

use crate::locale::{Language, Locale};
use crate::model::{EnrolmentData, EnrolmentStep};
use crate::{EnrolShown, EnrolStep};

/// View-state of the enrolment page.
#[derive(Debug, Clone, PartialEq)]
pub struct EnrolmentState {
    /// The words.
    pub shown: EnrolShown,
    /// The code to scan.
    pub code: Option<Matrix>,
}

/// The modules of a QR code with its quiet zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// Modules on a side.
    pub side: u32,
    /// The modules of the code, row by row: true for a dark one.
    pub dark: Vec<bool>,
}

/// Light modules that a reader needs around the code.
const QUIET_ZONE: usize = 4;

/// Makes the view-state of the enrolment page.
#[must_use]
pub fn enrolment(data: &EnrolmentData, locale: &Locale, now: ServerTime) -> EnrolmentState {
    let mut shown = EnrolShown {
        car: data.vin_end.as_str().into(),
        chinese: locale.language == Language::Chinese,
        ..EnrolShown::default()
    };
    let mut code = None;
    shown.step = match &data.step {
        EnrolmentStep::Waiting {
            code: text,
            url,
            valid_until,
        } => {
            shown.code = text.as_str().into();
            shown.valid_until = locale.moment(*valid_until, now).into();
            code = matrix(url);
            EnrolStep::Waiting
        }
        EnrolmentStep::AwaitingConsent => EnrolStep::Consent,
        EnrolmentStep::Offline => EnrolStep::Offline,
        EnrolmentStep::Expired => EnrolStep::Expired,
        EnrolmentStep::Refused => EnrolStep::Refused,
        EnrolmentStep::Enrolled { name } => {
            shown.member = name.as_str().into();
            EnrolStep::Enrolled
        }
    };
    // What is over waits for the member, and not for the cloud.
    shown.needs_link = matches!(
        shown.step,
        EnrolStep::Waiting | EnrolStep::Consent | EnrolStep::Offline
    );
    EnrolmentState { shown, code }
}

/// The code of a text; nothing for one that no QR code can hold.
fn matrix(text: &str) -> Option<Matrix> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let (inner, colours) = (code.width(), code.to_colors());
    let side = inner + 2 * QUIET_ZONE;
    let mut dark = vec![false; side * side];
    for (index, colour) in colours.into_iter().enumerate() {
        let (row, column) = (index / inner + QUIET_ZONE, index % inner + QUIET_ZONE);
        dark[row * side + column] = colour == Color::Dark;
    }
    Some(Matrix {
        side: u32::try_from(side).ok()?,
        dark,
    })
}
