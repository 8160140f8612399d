//! Randomness of the edges: ids and codes. Everything inside takes them as parameters.

use dashpoint_wire::WireError;
use ring::rand::{SecureRandom, SystemRandom};

/// Digits and letters that nobody mistakes for each other when they are read out (no I, L, O, U).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Characters of an enrolment code: 40 bits, valid for five minutes, with bounded attempts.
const CODE_LEN: usize = 8;

/// Random bytes of the operating system.
///
/// # Errors
/// [`WireError::NoRandomness`].
pub fn bytes<const N: usize>() -> Result<[u8; N], WireError> {
    let mut out = [0; N];
    SystemRandom::new()
        .fill(&mut out)
        .map_err(|_| WireError::NoRandomness)?;
    Ok(out)
}

/// A new enrolment code, such as `7K3MZ0QA`.
///
/// # Errors
/// [`WireError::NoRandomness`].
pub fn code() -> Result<String, WireError> {
    let bytes = bytes::<CODE_LEN>()?;
    // 256 is a multiple of 32: no letter is likelier than another.
    Ok(bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect())
}

/// A code as a person typed it, as it was made: without blanks and dashes, in capitals, with look-alikes put right.
#[must_use]
pub fn typed_code(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '-')
        .map(|letter| match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect()
}

/// A code as people read it, in two halves.
#[must_use]
pub fn spoken_code(code: &str) -> String {
    match code.split_at_checked(CODE_LEN / 2) {
        Some((first, second)) if !second.is_empty() => format!("{first}-{second}"),
        _ => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_survives_being_read_out_and_typed() {
        assert_eq!(typed_code(" o1il-zq7k "), "0111ZQ7K");
        assert_eq!(spoken_code("0111ZQ7K"), "0111-ZQ7K");
        let code = code().unwrap();
        assert_eq!(typed_code(&spoken_code(&code).to_lowercase()), code);
    }
}
