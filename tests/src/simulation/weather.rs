//! The network: what becomes of one request.

use super::random::SeededRandom;

/// Fate of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlightFate {
    /// It arrives, and so does the answer.
    Fine,
    /// It never arrives.
    Lost,
    /// It arrives twice, the second time whenever.
    Doubled,
    /// The car has given it up when it arrives, after later ones perhaps.
    Delayed,
    /// Half of it arrives.
    Cut,
    /// It is done and the answer is lost.
    AnswerLost,
    /// It is done and the answer comes when the car has given up.
    AnswerLate,
    /// It is done and half of the answer arrives.
    AnswerCut,
    /// It is done and the answer arrives with other bytes.
    AnswerDamaged,
    /// Somebody else answers that everything was taken.
    Forged,
    /// The cloud's front fails before it is done.
    ErrorBefore,
    /// The cloud's front fails after it was done.
    ErrorAfter,
}

impl FlightFate {
    const FAULTS: [Self; 11] = [
        Self::Lost,
        Self::Doubled,
        Self::Delayed,
        Self::Cut,
        Self::AnswerLost,
        Self::AnswerLate,
        Self::AnswerCut,
        Self::AnswerDamaged,
        Self::Forged,
        Self::ErrorBefore,
        Self::ErrorAfter,
    ];

    /// Draws a fate; a fault so often in a thousand.
    pub fn draw(random: &mut SeededRandom, faults_permille: u64) -> Self {
        if !random.permille(faults_permille) {
            return Self::Fine;
        }
        let place = random.range(0, Self::FAULTS.len() as u64);
        usize::try_from(place)
            .ok()
            .and_then(|place| Self::FAULTS.get(place).copied())
            .unwrap_or(Self::Lost)
    }

    /// Its name in the tally; none for what is no fault.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Fine => None,
            Self::Lost => Some("request lost"),
            Self::Doubled => Some("request doubled"),
            Self::Delayed => Some("request delayed"),
            Self::Cut => Some("request cut"),
            Self::AnswerLost => Some("answer lost after commit"),
            Self::AnswerLate => Some("answer late"),
            Self::AnswerCut => Some("answer cut"),
            Self::AnswerDamaged => Some("answer damaged"),
            Self::Forged => Some("receipt forged"),
            Self::ErrorBefore | Self::ErrorAfter => Some("server error"),
        }
    }
}
