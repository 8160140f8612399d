//! The token of a request.

use dashpoint_membership::DeviceId;
use dashpoint_wire::{
    Nonce, Raw, RequestTarget, RequestToken, Signed, TOKEN_WINDOW_S, TokenError, WireError,
    authorization, parse_authorization, verify_token,
};

use crate::samples::{DEVICE, NOW, Signer};

const NONCE: Nonce = [7; 16];
const ASKED: RequestTarget<'static> = RequestTarget {
    method: "POST",
    path: "/v1/devices/d0/entries",
    body: b"deflated",
};

fn token(at_unix_s: i64, nonce: Option<Nonce>) -> Raw<RequestToken> {
    let body = RequestToken::new(ASKED, at_unix_s, nonce);
    Signed::sign(body, &Signer::Car.key(), &DEVICE)
        .unwrap()
        .into()
}

fn let_in(token: Raw<RequestToken>, asked: RequestTarget<'_>) -> Result<(), TokenError> {
    let key = Signer::Car.key().public();
    verify_token(token, &key, &DEVICE, asked, NOW, &[[6; 16], NONCE])
}

#[test]
fn a_time_within_the_window_lets_in() {
    let now = NOW.as_unix_s();
    let window = i64::try_from(TOKEN_WINDOW_S).unwrap();
    for at in [now, now - window, now + window] {
        assert_eq!(let_in(token(at, None), ASKED), Ok(()));
    }
    for (at, off_s) in [
        (now - window - 1, 121),
        (now + window + 1, 121),
        (i64::MIN, i64::MIN.abs_diff(now)),
    ] {
        let refused = let_in(token(at, None), ASKED);
        assert_eq!(refused, Err(TokenError::Clock { off_s }));
        assert!(refused.unwrap_err().wants_nonce());
    }
}

#[test]
fn an_accepted_nonce_lets_in_at_any_time() {
    assert_eq!(let_in(token(0, Some(NONCE)), ASKED), Ok(()));
    let refused = let_in(token(NOW.as_unix_s(), Some([8; 16])), ASKED);
    assert_eq!(refused, Err(TokenError::Nonce));
}

#[test]
fn a_token_is_good_for_its_request_only() {
    let others = [
        RequestTarget {
            method: "GET",
            ..ASKED
        },
        RequestTarget {
            path: "/v1/devices/d0/entries?x",
            ..ASKED
        },
        RequestTarget {
            body: b"other",
            ..ASKED
        },
    ];
    for asked in others {
        let refused = let_in(token(NOW.as_unix_s(), None), asked);
        assert_eq!(refused, Err(TokenError::OtherRequest), "{asked:?}");
    }
}

#[test]
fn a_token_is_good_for_its_device_only() {
    let token = token(NOW.as_unix_s(), None);
    let key = Signer::Car.key().public();
    let other = DeviceId::from_bytes([1; 16]);
    let refused = verify_token(token, &key, &other, ASKED, NOW, &[]);
    assert_eq!(refused, Err(TokenError::Token(WireError::BadSignature)));
}

#[test]
fn the_header_carries_it_there_and_back() {
    let body = RequestToken::new(ASKED, 0, None);
    let signed = Signed::sign(body, &Signer::Car.key(), &DEVICE).unwrap();
    let header = authorization(&signed);
    assert_eq!(parse_authorization(&header), Ok(signed.to_raw()));
    let padded = format!("{header}=");
    let long = format!("Dashpoint {}", "A".repeat(2_000));
    for bad in [
        "",
        "Bearer AAAA",
        "dashpoint AAAA",
        "Dashpoint A+/A",
        "Dashpoint A",
        &padded,
    ] {
        assert_eq!(
            parse_authorization(bad),
            Err(WireError::Authorization),
            "{bad}"
        );
    }
    assert!(matches!(
        parse_authorization(&long),
        Err(WireError::TooLong { .. })
    ));
}
