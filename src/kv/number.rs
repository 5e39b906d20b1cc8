//! Numbers as JavaScript reads and writes them in JSON.

use serde::de::IgnoredAny;

/// Kind of a stored text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum JsonNumber {
    /// A number. One that is too large is infinite, as `JSON.parse` has it.
    Number(f64),
    /// Another JSON value.
    Other,
    /// No JSON text.
    NotJson,
}

/// Returns `true` if a text is exactly one JSON text.
#[must_use]
pub fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Reads a JSON text as `JSON.parse` does, if it is a number.
///
/// ```
/// use rootcellar::kv::{JsonNumber, parse_number};
///
/// assert_eq!(parse_number(" 1E2 "), JsonNumber::Number(100.0));
/// assert_eq!(parse_number("\"1\""), JsonNumber::Other);
/// assert_eq!(parse_number("+1"), JsonNumber::NotJson);
/// ```
#[must_use]
pub fn parse_number(text: &str) -> JsonNumber {
    if !is_json(text) {
        return JsonNumber::NotJson;
    }
    // JSON has no other white space (RFC 8259, section 2). Every number of JSON is one of Rust's, which is read exactly;
    // of the other JSON texts none is.
    let trimmed = text.trim_matches([' ', '\t', '\n', '\r']);
    trimmed.parse().map_or(JsonNumber::Other, JsonNumber::Number)
}

/// The text of a finite number, as `JSON.stringify` writes it (ECMAScript, `Number::toString`).
///
/// ```
/// use rootcellar::kv::number_text;
///
/// assert_eq!(number_text(0.1 + 0.2), "0.30000000000000004");
/// assert_eq!(number_text(1e21), "1e+21");
/// assert_eq!(number_text(-0.0), "0");
/// ```
#[must_use]
pub fn number_text(number: f64) -> String {
    const SAFE_INTEGER_MAX: f64 = 9_007_199_254_740_991.0;
    if number.trunc().to_bits() == number.to_bits() && number.abs() <= SAFE_INTEGER_MAX || number == 0.0 {
        #[expect(clippy::cast_possible_truncation, reason = "an integer that is exact")]
        return (number as i64).to_string();
    }
    let sign = if number < 0.0 { "-" } else { "" };
    // The shortest digits that are read as this number; of those the closest, and of two of these the even one, as
    // ECMAScript has it. (Of Rust's own formatting the last is not true.)
    let shortest = serde_json::to_string(&number.abs()).unwrap_or_default();
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    let leading_zeros = digits.len() - significant.len();
    let digits = significant.trim_end_matches('0');
    // The point stands behind so many of the digits.
    let point = whole.len().cast_signed() - leading_zeros.cast_signed() + exponent.parse().unwrap_or(0);
    match usize::try_from(point) {
        Ok(point @ 1..=21) if digits.len() <= point => {
            format!("{sign}{digits}{}", "0".repeat(point - digits.len()))
        }
        Ok(point @ 1..=21) => format!("{sign}{}.{}", &digits[..point], &digits[point..]),
        _ if (-5..=0).contains(&point) => format!("{sign}0.{}{digits}", "0".repeat(point.unsigned_abs())),
        _ => {
            let (first, rest) = digits.split_at(1);
            let dot = if rest.is_empty() { "" } else { "." };
            format!("{sign}{first}{dot}{rest}e{:+}", point - 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        // Printed by Node.
        let written = [
            (0.0, "0"),
            (-0.0, "0"),
            (-1.0, "-1"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (-9_007_199_254_740_994.0, "-9007199254740994"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (999_999_999_999_999_900_000.0, "999999999999999900000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (f64::MAX, "1.7976931348623157e+308"),
            (0.1 + 0.2, "0.30000000000000004"),
            (123.456, "123.456"),
            (-0.000_001, "-0.000001"),
            (0.000_001_234_5, "0.0000012345"),
            (0.000_000_1, "1e-7"),
            (1.25e-7, "1.25e-7"),
            (5e-324, "5e-324"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (5e-7, "5e-7"),
            (4.35, "4.35"),
            // As far from .2 as from .3.
            (1_752_393_690_039_080.0 + 0.25, "1752393690039080.2"),
            (-2_130_975_053_872_528.0 - 0.25, "-2130975053872528.2"),
            (960_212_878_632_835.0 + 0.75, "960212878632835.8"),
        ];
        for (number, text) in written {
            assert_eq!(number_text(number), text);
        }
    }

    #[test]
    fn only_numbers_of_json_are_read() {
        let numbers =
            [("1.0", 1.0), ("1E2", 100.0), ("\t-0\r\n", 0.0), ("1e400", f64::INFINITY), ("2.5e-3", 0.0025)];
        for (text, number) in numbers {
            assert_eq!(parse_number(text), JsonNumber::Number(number), "{text}");
        }
        for text in ["null", "true", "\"1\"", "[1]", "{\"a\":1}"] {
            assert_eq!(parse_number(text), JsonNumber::Other, "{text}");
        }
        for text in ["", "+1", "01", ".5", "5.", "inf", "NaN", "Infinity", "1 2", "0x10", "1_000", "\u{a0}1"] {
            assert_eq!(parse_number(text), JsonNumber::NotJson, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same_number(number in any::<f64>()) {
            prop_assert_eq!(parse_number(&number_text(number)), JsonNumber::Number(number));
        }

        #[test]
        fn any_text_is_read_without_panic(text in any::<String>()) {
            let is_json = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            prop_assert_eq!(parse_number(&text) != JsonNumber::NotJson, is_json);
        }
    }
}
