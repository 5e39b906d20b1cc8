//! Values that others stored, of which some are JSON. An input is values with record separators (0x1e) between.

use rootcellar::kv::{Row, RowFormat, to_json_slices};
use serde::de::IgnoredAny;

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let row = |(number, value): (usize, &str)| Row {
        key: format!("{number}\"\\"),
        value: value.to_owned(),
        expires_at: (number % 2 == 1).then_some(5),
    };
    let rows: Vec<Row> = text.split('\x1e').enumerate().map(row).collect();
    let are_json = rows.iter().all(|row| is_json(&row.value));
    for row in &rows {
        let accepted = to_json_slices(std::slice::from_ref(row), RowFormat::Value).is_ok();
        assert_eq!(accepted, is_json(&row.value), "{:?}", row.value);
        if serde_json::from_str::<serde_json::Value>(&row.value).is_ok() {
            assert!(accepted, "{:?}", row.value);
        }
    }
    for format in [RowFormat::Value, RowFormat::Entry] {
        match to_json_slices(&rows, format) {
            Ok(slices) => {
                assert!(are_json);
                let [json] = &slices[..] else { panic!("more than a slice of {} rows", rows.len()) };
                assert_eq!(serde_json::from_str::<Vec<IgnoredAny>>(json).unwrap().len(), rows.len());
                check(json, &rows, format);
            }
            Err(error) => {
                assert!(!are_json);
                assert_eq!(error.code(), "ERR_VALUE_NOT_JSON");
            }
        }
    }
}

/// Compares the rows one by one, where `serde_json` holds all of them: it knows no number of any size, for one.
fn check(json: &str, rows: &[Row], format: RowFormat) {
    let Ok(found) = serde_json::from_str::<Vec<serde_json::Value>>(json) else { return };
    for (found, row) in found.iter().zip(rows) {
        let value: serde_json::Value = serde_json::from_str(&row.value).unwrap();
        match format {
            RowFormat::Value => assert_eq!(*found, value),
            RowFormat::Entry => {
                assert_eq!(found["key"], row.key.as_str());
                assert_eq!(found["value"], value);
                assert_eq!(found.get("expires_at").and_then(serde_json::Value::as_i64), row.expires_at);
            }
        }
    }
}

/// Whether a text is JSON by RFC 8259.
pub fn is_json(text: &str) -> bool {
    let mut rest = text.as_bytes();
    // What would close the arrays and objects that are open.
    let mut closing = Vec::new();
    loop {
        skip_space(&mut rest);
        let is_whole = match rest.first() {
            Some(b'[') => {
                skip(&mut rest, 1);
                if !take(&mut rest, b"]") {
                    closing.push(b']');
                    continue;
                }
                true
            }
            Some(b'{') => {
                skip(&mut rest, 1);
                if !take(&mut rest, b"}") {
                    closing.push(b'}');
                    if member_name(&mut rest) {
                        continue;
                    }
                    return false;
                }
                true
            }
            Some(b'"') => string(&mut rest),
            Some(b'-' | b'0'..=b'9') => number(&mut rest),
            _ => [&b"true"[..], b"false", b"null"].iter().any(|word| take(&mut rest, word)),
        };
        if !is_whole {
            return false;
        }
        loop {
            skip_space(&mut rest);
            match (closing.last(), rest.first()) {
                (None, None) => return true,
                (Some(closes), Some(next)) if closes == next => {
                    closing.pop();
                    skip(&mut rest, 1);
                }
                (Some(closes), Some(b',')) => {
                    skip(&mut rest, 1);
                    if *closes == b'}' && !member_name(&mut rest) {
                        return false;
                    }
                    break;
                }
                _ => return false,
            }
        }
    }
}

fn skip(rest: &mut &[u8], count: usize) {
    *rest = &rest[count..];
}

fn skip_space(rest: &mut &[u8]) {
    while matches!(rest.first(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        skip(rest, 1);
    }
}

/// Takes a text, blanks before it included, if it is next.
fn take(rest: &mut &[u8], text: &[u8]) -> bool {
    skip_space(rest);
    let found = rest.starts_with(text);
    if found {
        skip(rest, text.len());
    }
    found
}

fn member_name(rest: &mut &[u8]) -> bool {
    skip_space(rest);
    string(rest) && take(rest, b":")
}

fn string(rest: &mut &[u8]) -> bool {
    if rest.first() != Some(&b'"') {
        return false;
    }
    skip(rest, 1);
    loop {
        let length = match rest {
            [b'"', ..] => {
                skip(rest, 1);
                return true;
            }
            [b'\\', b'u', hex @ ..] if hex.len() >= 4 && hex[..4].iter().all(u8::is_ascii_hexdigit) => 6,
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'\\' | 0..0x20, ..] | [] => return false,
            _ => 1,
        };
        skip(rest, length);
    }
}

fn number(rest: &mut &[u8]) -> bool {
    if rest.first() == Some(&b'-') {
        skip(rest, 1);
    }
    let has_integer = if rest.first() == Some(&b'0') {
        skip(rest, 1);
        true
    } else {
        digits(rest)
    };
    let has_fraction = rest.first() != Some(&b'.') || {
        skip(rest, 1);
        digits(rest)
    };
    let has_exponent = !matches!(rest.first(), Some(b'e' | b'E')) || {
        skip(rest, 1);
        if matches!(rest.first(), Some(b'+' | b'-')) {
            skip(rest, 1);
        }
        digits(rest)
    };
    has_integer && has_fraction && has_exponent
}

/// Takes one digit or more.
fn digits(rest: &mut &[u8]) -> bool {
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    skip(rest, count);
    count > 0
}
