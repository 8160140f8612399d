//! Finds the place at which an expression breaks the grammar, once cel has refused it: cel's own words name what no rule may have.

use super::error::{ProfileError, SourcePlace};

/// Tells where and why an expression is none.
pub(super) fn diagnose(source: &str, refused: &cel::parser::ParseErrors) -> ProfileError {
    let found = SyntaxReader { source, at: 0 }.whole().err();
    let (at, problem) = found.unwrap_or_else(|| {
        let first = refused.errors.first();
        let (line, column) = first.map_or((1, 0), |error| error.pos);
        let at = byte_at(source, line, column);
        (at, "it cannot be read from here on".to_owned())
    });
    ProfileError::Syntax {
        place: SourcePlace::of(source, at),
        problem,
    }
}

/// The byte of cel's line, from 1, and column, from 0.
fn byte_at(source: &str, line: isize, column: isize) -> usize {
    let before: usize = source
        .split_inclusive('\n')
        .take(usize::try_from(line - 1).unwrap_or(0))
        .map(str::len)
        .sum();
    (before + usize::try_from(column).unwrap_or(0)).min(source.len())
}

type Fault = (usize, String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Number(&'a str),
    Name(&'a str),
    Sign(&'a str),
    End,
}

const VALUE: &str = "a number, a name, (, ! or -";

/// Follows the grammar of the profile. The limits of nesting and operators were checked before, which bound its depth.
struct SyntaxReader<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> SyntaxReader<'a> {
    fn whole(mut self) -> Result<(), Fault> {
        self.condition()?;
        match self.peek() {
            (_, Token::End) => Ok(()),
            (at, Token::Sign(")")) => Err((at, "this ) was never opened".to_owned())),
            (at, token) => Err((at, format!("expected an operator, found {}", told(token)))),
        }
    }

    /// The next token and its place.
    fn peek(&self) -> (usize, Token<'a>) {
        let rest = &self.source[self.at..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        let (at, rest) = (self.at + blank, &rest[blank..]);
        let while_in = |part: fn(char) -> bool| {
            let end = rest.find(|char| !part(char)).unwrap_or(rest.len());
            &rest[..end]
        };
        let word = |char: char| char.is_ascii_alphanumeric() || char == '_';
        let token = match rest.chars().next() {
            None => Token::End,
            Some('0'..='9') => Token::Number(while_in(word)),
            Some('a'..='z' | '_') => Token::Name(while_in(word)),
            Some(first) => {
                let two = ["&&", "||", "==", "!=", "<=", ">="];
                let sign = two.into_iter().find(|two| rest.starts_with(two));
                Token::Sign(sign.map_or(&rest[..first.len_utf8()], |sign| &rest[..sign.len()]))
            }
        };
        (at, token)
    }

    fn take(&mut self) -> (usize, Token<'a>) {
        let (at, token) = self.peek();
        self.at = at
            + match token {
                Token::Number(text) | Token::Name(text) | Token::Sign(text) => text.len(),
                Token::End => 0,
            };
        (at, token)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let here = self.peek().1 == Token::Sign(sign);
        if here {
            self.take();
        }
        here
    }

    fn condition(&mut self) -> Result<(), Fault> {
        self.chain()?;
        if !self.takes("?") {
            return Ok(());
        }
        self.chain()?;
        let (at, token) = self.peek();
        if !self.takes(":") {
            return Err((at, format!("expected the : of ?:, found {}", told(token))));
        }
        self.condition()
    }

    /// Values with binary operators between them; which of them bind closer makes no difference to what may stand where.
    fn chain(&mut self) -> Result<(), Fault> {
        loop {
            self.value()?;
            match self.peek() {
                (
                    _,
                    Token::Sign(
                        "&&" | "||" | "==" | "!=" | "<=" | ">=" | "<" | ">" | "+" | "-" | "*" | "/"
                        | "%",
                    ),
                ) => {
                    self.take();
                }
                (at, Token::Sign(sign @ ("&" | "|" | "="))) => {
                    return Err((
                        at,
                        format!("{sign} is no operator: did you mean {sign}{sign}?"),
                    ));
                }
                _ => return Ok(()),
            }
        }
    }

    fn value(&mut self) -> Result<(), Fault> {
        while self.takes("!") || self.takes("-") {}
        match self.take() {
            (at, Token::Number(text)) => number(text).map_err(|problem| (at, problem)),
            (at, Token::Name(name)) => {
                if !self.takes("(") {
                    return Ok(());
                }
                if !matches!(name, "min" | "max") {
                    let problem = format!("{name}() is not allowed: there are min() and max()");
                    return Err((at, problem));
                }
                self.condition()?;
                while self.takes(",") {
                    self.condition()?;
                }
                self.close()
            }
            (_, Token::Sign("(")) => {
                self.condition()?;
                self.close()
            }
            (at, token) => Err((at, format!("expected {VALUE}, found {}", told(token)))),
        }
    }

    fn close(&mut self) -> Result<(), Fault> {
        let (at, token) = self.peek();
        if self.takes(")") {
            Ok(())
        } else {
            Err((
                at,
                format!("expected an operator or ), found {}", told(token)),
            ))
        }
    }
}

fn told(token: Token<'_>) -> String {
    match token {
        Token::Number(text) | Token::Name(text) | Token::Sign(text) => text.to_owned(),
        Token::End => "the end".to_owned(),
    }
}

fn number(text: &str) -> Result<(), String> {
    let (digits, radix) = text.strip_prefix("0x").map_or((text, 10), |hex| (hex, 16));
    if digits.is_empty() || !digits.chars().all(|char| char.is_digit(radix)) {
        return Err(format!("{text} is neither a number nor a name"));
    }
    match i64::from_str_radix(digits, radix) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("{text} is above {}", i64::MAX)),
    }
}
