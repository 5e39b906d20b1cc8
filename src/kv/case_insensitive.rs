//! Case-insensitive search by the beginning of keys, through an index in the order of their bytes.
//!
//! In that order capital letters come before small ones, so keys that differ in case alone lie far apart. A search need not
//! read what lies between two of them: it seeks the next key that may match.

/// Literal text at the beginning of a pattern, and so of every key that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiteralStart {
    /// With ASCII letters in lower case.
    text: String,
    /// True if the text is the whole pattern, so that a key has to equal it.
    is_whole: bool,
}

/// Next action of a search at a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchStep {
    /// It matches, and so may the next.
    Take,
    /// It does not match, and no key below this one does.
    Seek(String),
    /// Neither it nor any greater key matches.
    End,
}

impl LiteralStart {
    /// A start of this text, ASCII letters in lower case.
    pub(super) fn new(text: String, is_whole: bool) -> Self {
        Self { text, is_whole }
    }

    /// The least key that can match.
    #[must_use]
    pub fn first(&self) -> String {
        self.text.to_ascii_uppercase()
    }

    /// Next action at a key, which need not be UTF-8. A key to seek is always greater.
    #[must_use]
    pub fn step(&self, key: &[u8]) -> SearchStep {
        let text = self.text.as_bytes();
        let same =
            key.iter().zip(text).take_while(|(byte, literal)| byte.to_ascii_lowercase() == **literal).count();
        match (key.get(same), text.get(same)) {
            (None, None) => return SearchStep::Take,
            (Some(_), None) if !self.is_whole => return SearchStep::Take,
            (None, Some(_)) => return self.seek(key, same, None),
            (Some(byte), Some(literal)) if *byte < literal.to_ascii_uppercase() => {
                return self.seek(key, same, None);
            }
            (Some(byte), Some(literal)) if byte < literal => return self.seek(key, same, Some(*literal)),
            (Some(_), _) => {}
        }
        // The last capital letter before that becomes a small one.
        match key[..same].iter().rposition(u8::is_ascii_uppercase) {
            Some(capital) => self.seek(key, capital, Some(text[capital])),
            None => SearchStep::End,
        }
    }

    /// The least key that can fit which begins with the first bytes of `key`, and then goes on with `next`, if it is given.
    fn seek(&self, key: &[u8], kept: usize, next: Option<u8>) -> SearchStep {
        let mut bytes = self.first().into_bytes();
        bytes[..kept].copy_from_slice(&key[..kept]);
        if let Some(next) = next {
            bytes[kept] = next;
        }
        SearchStep::Seek(String::from_utf8(bytes).expect("it is the text but for the case of ASCII letters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(text: &str, is_whole: bool) -> LiteralStart {
        LiteralStart::new(text.to_owned(), is_whole)
    }

    fn seek(key: &str) -> SearchStep {
        SearchStep::Seek(key.to_owned())
    }

    #[test]
    fn the_next_key_that_can_fit_is_sought() {
        let user = start("user:", false);
        assert_eq!(user.first(), "USER:");
        assert_eq!(user.step(b"UsEr:1"), SearchStep::Take);
        assert_eq!(user.step(b"A"), seek("USER:"));
        assert_eq!(user.step(b"US"), seek("USER:"));
        assert_eq!(user.step(b"USER;"), seek("USEr:"));
        assert_eq!(user.step(b"USEa"), seek("USEr:"));
        assert_eq!(user.step(b"USEs"), seek("USeR:"));
        assert_eq!(user.step(b"Usz"), seek("uSER:"));
        assert_eq!(user.step(b"user;"), SearchStep::End);
        assert_eq!(user.step(b"v"), SearchStep::End);
    }

    #[test]
    fn a_whole_key_is_not_read_past() {
        let whole = start("ab", true);
        assert_eq!(whole.step(b"AB"), SearchStep::Take);
        assert_eq!(whole.step(b"AB1"), seek("Ab"));
        assert_eq!(whole.step(b"Ab1"), seek("aB"));
        assert_eq!(whole.step(b"ab1"), SearchStep::End);
        assert_eq!(start("", true).step(b""), SearchStep::Take);
        assert_eq!(start("", true).step(b"a"), SearchStep::End);
    }

    #[test]
    fn characters_beyond_ascii_have_one_case() {
        let start = start("\u{e9}a", false);
        assert_eq!(start.first(), "\u{e9}A");
        assert_eq!(start.step("\u{e9}B".as_bytes()), seek("\u{e9}a"));
        assert_eq!(start.step(b"\xc3\xff"), SearchStep::End);
        assert_eq!(start.step(b"\xc3"), seek("\u{e9}A"));
    }
}
