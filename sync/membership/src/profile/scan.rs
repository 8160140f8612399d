//! Checks that run before cel sees an expression: its parser overflows the stack on deep nesting.

use super::error::ProfileError;
use super::limits::{MAX_NESTING, MAX_OPERATORS, MAX_SOURCE_BYTES};

/// Refuses what is too long, nests too deeply, has too many operators or foreign characters.
pub(super) fn scan(source: &str) -> Result<(), ProfileError> {
    if source.len() > MAX_SOURCE_BYTES {
        return Err(ProfileError::TooLong(source.len()));
    }
    let mut nesting = Nesting::default();
    let mut operators = 0;
    let mut previous = ' ';
    for (at, found) in source.char_indices() {
        match found {
            'a'..='z' | '_' | ' ' | '\t' | '\n' | '\r' => {}
            // A digit may stand in a number or in a name; a letter after a number is left to the parser.
            '0'..='9' => {}
            '(' => nesting.open(),
            ')' => nesting.close(),
            ',' => nesting.argument(),
            '?' => {
                operators += 1;
                nesting.condition();
            }
            // Two strokes begin a comment.
            '/' if previous == '/' => return Err(ProfileError::Character { found, at }),
            '+' | '-' | '*' | '/' | '%' | '<' | '>' | '=' | '!' | '&' | '|' | ':' => operators += 1,
            _ => return Err(ProfileError::Character { found, at }),
        }
        previous = found;
    }
    if nesting.deepest > MAX_NESTING {
        return Err(ProfileError::TooDeep(nesting.deepest));
    }
    // `:` is counted with its `?`, and both characters of `&&`, `==` and the like: an upper bound is enough.
    if operators > MAX_OPERATORS {
        return Err(ProfileError::TooManyOperators(operators));
    }
    Ok(())
}

/// Depth of parentheses, and of conditions within each of them: `a ? b : c ? d : e` nests to the right.
#[derive(Default)]
struct Nesting {
    /// Conditions begun in each open parenthesis around the present one.
    around: Vec<usize>,
    here: usize,
    depth: usize,
    deepest: usize,
}

impl Nesting {
    fn open(&mut self) {
        self.around.push(self.here);
        self.here = 0;
        self.deepen();
    }

    fn condition(&mut self) {
        self.here += 1;
        self.deepen();
    }

    fn argument(&mut self) {
        self.depth -= self.here;
        self.here = 0;
    }

    fn close(&mut self) {
        // A parenthesis that was never opened is the parser's to report.
        if let Some(here) = self.around.pop() {
            self.depth -= self.here + 1;
            self.here = here;
        }
    }

    fn deepen(&mut self) {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
    }
}
