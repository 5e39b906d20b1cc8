//! Statements that the user may not run in a transaction: what ends it, and what stays with the connection when it has ended.

use crate::Error;
use crate::error::SqlError;

/// First words of statements that would end the transaction, or part of it.
const ENDS: &[&str] = &["begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release"];

/// First words of statements that set something, and that set it for longer than the transaction.
const SETS: &[&str] = &["set", "reset"];

/// First words of statements that leave something to the connection, or take from it what it has.
const STAYS: &[&str] = &["prepare", "deallocate", "discard", "load", "listen", "unlisten"];

/// White space between the words of a statement. That of Unicode is a part of a word.
const WHITE_SPACE: &[char] = &[' ', '\t', '\n', '\r', '\x0b', '\x0c'];

/// Refuses a statement that would end the transaction in which it runs, or change what the connection is for others.
///
/// # Errors
///
/// `ERR_SQL_FORBIDDEN`.
pub fn check(text: &str) -> Result<(), Error> {
    let keyword = first_word(text).to_ascii_lowercase();
    let is_one_of = |words: &[&str]| words.contains(&keyword.as_str());
    let why = if is_one_of(ENDS) {
        "the transaction ends with its callback, and tx.transaction nests one"
    } else if is_one_of(SETS) {
        "a setting would outlive the transaction; for the transaction alone, SELECT set_config(name, value, true)"
    } else if is_one_of(STAYS) {
        "it would change the connection for what comes behind the transaction; use a connection of your own"
    } else if keyword == "copy" {
        "its rows are no result; read them with SELECT, write them with INSERT, or use a connection of your own"
    } else {
        return Ok(());
    };
    Err(SqlError::Forbidden(format!("{} is not for tx.query: {why}", keyword.to_ascii_uppercase())).into())
}

/// The first word of a text, as PostgreSQL finds it (`scan.l`): behind white space, comments and empty statements. Empty if
/// it begins with something else.
fn first_word(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(WHITE_SPACE).trim_start_matches(';');
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.find(['\n', '\r']).map_or("", |end| &comment[end..]);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = behind_comment(comment);
        } else if !rest.starts_with(WHITE_SPACE) {
            let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
            return &rest[..rest.find(|c| !in_word(c)).unwrap_or(rest.len())];
        }
    }
}

/// Text after a comment, which may have others in it.
fn behind_comment(text: &str) -> &str {
    let (mut depth, mut rest) = (1_usize, text);
    while depth > 0 {
        let Some(at) = rest.find(['*', '/']) else { return "" };
        rest = &rest[at..];
        let step = match rest.as_bytes() {
            [b'*', b'/', ..] => {
                depth -= 1;
                2
            }
            [b'/', b'*', ..] => {
                depth += 1;
                2
            }
            _ => 1,
        };
        rest = &rest[step..];
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_the_transaction_is_refused_wherever_the_server_finds_it() {
        for text in [
            "COMMIT",
            " rollback",
            "-- a\n end",
            "--a\rCOMMIT",
            "--\r\n;COMMIT",
            "/* a /* b */ c */begin",
            "/*/**/*/ABORT",
            "/**/SET x = 1",
            "/*\u{e9}*/ABORT;",
            ";COMMIT",
            " ; ;;\t;--;\n/*;*/ ;ROLLBACK",
            "\x0c\x0bCOMMIT",
            ";SET x = 1",
            "RESET ALL",
            "Discard All",
            "deallocate s",
            "LOAD 'x'",
            "LISTEN a",
            "UNLISTEN *",
            "COPY t TO STDOUT",
            "COMMIT/**/",
            "COMMIT--",
        ] {
            assert_eq!(check(text).unwrap_err().code(), "ERR_SQL_FORBIDDEN", "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_left_to_the_server() {
        for text in [
            "SELECT 1",
            "/* COMMIT */ SELECT",
            "--COMMIT",
            "",
            ";;",
            "/*",
            "/*/COMMIT",
            "(SELECT 1)",
            "(COMMIT)",
            "settle",
            "commit_all",
            "commit1",
            "\u{feff}COMMIT",
            "\u{a0}COMMIT",
            "commit\u{e9}",
            "\"commit\"",
            "U&\"commit\"",
            "DECLARE c CURSOR FOR SELECT 1",
            "LOCK TABLE t",
            "NOTIFY a",
        ] {
            assert!(check(text).is_ok(), "{text}");
        }
    }
}
