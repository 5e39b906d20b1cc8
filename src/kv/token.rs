//! Tokens of a pattern between two `%`.

/// One character of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// This character; ASCII letters in lower case.
    Literal(char),
    /// Any character.
    Any,
}

impl Token {
    pub fn fits(self, c: char) -> bool {
        match self {
            Self::Literal(literal) => literal == c.to_ascii_lowercase(),
            Self::Any => true,
        }
    }
}
