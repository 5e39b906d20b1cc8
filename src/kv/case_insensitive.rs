//! Search of keys in ascending order for those that begin with a text in either case.
//!
//! An index has the keys in the order of their bytes, capital letters before small ones, so keys that differ in case alone
//! lie far apart. Between two of them a search need not read on: it can say which is the next key that may fit.

/// Literal text that every key begins with that a pattern matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiteralStart {
    /// ASCII letters are small ones.
    text: String,
    /// A key that fits has nothing behind it.
    is_whole: bool,
}

/// What to do at a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchStep {
    /// It fits, and so may the next.
    Take,
    /// It does not fit, and none below this one does.
    Seek(String),
    /// Neither it nor any behind it fits.
    End,
}

impl LiteralStart {
    /// A start of this text, ASCII letters in lower case.
    pub(super) fn new(text: String, is_whole: bool) -> Self {
        Self { text, is_whole }
    }

    /// The least key that can fit.
    #[must_use]
    pub fn first(&self) -> String {
        self.text.to_ascii_uppercase()
    }

    /// What to do at a key, which need not be UTF-8. What it says to seek is always behind it.
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
