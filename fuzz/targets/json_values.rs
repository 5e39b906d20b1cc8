//! Values that others stored, of which some are JSON. An input is values with record separators (0x1e) between.

use rootcellar::kv::{EntryWriter, RowFormat};
use serde::de::IgnoredAny;

type Columns<T> = (Vec<T>, Vec<String>, Vec<i64>);

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for format in [RowFormat::Value, RowFormat::Entry] {
        let mut writer = EntryWriter::new(format);
        let mut written = Vec::new();
        let mut slices = Vec::new();
        for (number, value) in text.split('\x1e').enumerate() {
            let expires_at = (number % 2 == 1).then_some(5);
            match writer.push(&key(number), value, expires_at) {
                Ok(full) => {
                    assert!(is_json(value), "{value:?}");
                    slices.extend(full);
                    written.push((number, value));
                }
                Err(error) => {
                    assert!(!is_json(value), "{value:?}");
                    assert!(serde_json::from_str::<serde_json::Value>(value).is_err(), "{value:?}");
                    assert_eq!(error.code(), "ERR_VALUE_NOT_JSON");
                }
            }
        }
        slices.push(writer.finish(None));
        let mut rest = &written[..];
        for slice in slices {
            let length = serde_json::from_str::<Columns<IgnoredAny>>(&slice).unwrap().0.len();
            check(&slice, &rest[..length], format);
            rest = &rest[length..];
        }
        assert_eq!(rest, []);
    }
}

fn key(number: usize) -> String {
    format!("{number}\"\\")
}

/// Compares a slice with its rows, where `serde_json` holds all of them: it knows no number of any size, for one.
fn check(slice: &str, rows: &[(usize, &str)], format: RowFormat) {
    let Ok((values, keys, expiries)) = serde_json::from_str::<Columns<serde_json::Value>>(slice) else { return };
    let expected: Vec<serde_json::Value> =
        rows.iter().map(|(_, text)| serde_json::from_str(text).unwrap()).collect();
    assert_eq!(values, expected);
    if format == RowFormat::Value {
        assert!(keys.is_empty() && expiries.is_empty());
        return;
    }
    assert_eq!(keys, rows.iter().map(|(number, _)| key(*number)).collect::<Vec<_>>());
    let with_expiry = (0..).zip(rows).filter(|(_, (number, _))| number % 2 == 1);
    assert_eq!(expiries, with_expiry.flat_map(|(index, _)| [index, 5]).collect::<Vec<i64>>());
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
