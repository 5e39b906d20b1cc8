//! SQLite's error messages without the values that some of them quote.

/// Beginnings of messages that end with a value, and what is kept of each.
const ENDING_WITH_A_VALUE: &[(&str, &str)] = &[
    ("bad JSON path", "bad JSON path"),
    ("JSON path error", "JSON path error"),
    ("fts5: ", "fts5: the query or command cannot be used"),
    ("unknown special query", "fts5: the query or command cannot be used"),
    ("malformed MATCH expression", "malformed MATCH expression"),
    ("unable to open database", "unable to open database"),
    ("parse error in rank function", "parse error in rank function"),
    ("no such function", "no such function"),
];

/// The message of a statement that failed while it ran, without quoted parameters and stored values.
///
/// ```
/// use rootcellar::error::without_values;
///
/// assert_eq!(without_values("bad JSON path: 'secret'"), "bad JSON path");
/// assert_eq!(without_values("near \"secret\": odd"), "near ...: odd");
/// assert_eq!(without_values("UNIQUE constraint failed: t.a"), "UNIQUE constraint failed: t.a");
/// ```
#[must_use]
pub fn without_values(message: &str) -> String {
    for (start, kept) in ENDING_WITH_A_VALUE {
        if message.starts_with(start) {
            return (*kept).to_owned();
        }
    }
    let Some(first) = message.find(['"', '\'']) else { return message.to_owned() };
    // Cut from the first quotation mark to the last: a value may have quotation marks in it.
    let last = message.rfind(['"', '\'']).unwrap_or(first);
    format!("{}...{}", &message[..first], &message[last + 1..])
}
