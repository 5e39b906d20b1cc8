//! Statements of the user, and their rows as JSON text.

use std::error::Error as StdError;
use std::fmt::Write;

use bytes::BytesMut;
use futures_util::{TryStreamExt, pin_mut};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{Format, FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Row};

use super::failure::{ServerFailure, is_fatal};
use super::time::PgTime;
use crate::Error;
use crate::clock::DATE_MS_MAX;
use crate::error::PostgresProblem;
use crate::kv::{is_json, number_text, push_json};
use crate::sql::SqlError;

/// The most parameters of a statement (PostgreSQL, the `Bind` message).
const PARAMETERS_MAX: usize = 65_535;

/// Result of a statement.
#[derive(Debug)]
pub struct Queried {
    /// JSON text: an array with the columns, each its name and the kind of its values (0 as they are, 1 milliseconds since
    /// 1970 UTC, 2 bytes as hexadecimal digits), and then the rows, each an array.
    pub json: String,
    /// Number of rows that it returned or changed.
    pub count: u64,
}

/// A parameter as text, of which the server finds out the type.
#[derive(Debug)]
struct TextParameter(Option<String>);

impl ToSql for TextParameter {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        let Some(text) = &self.0 else { return Ok(IsNull::Yes) };
        out.extend_from_slice(text.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// A value as it came.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Runs a statement.
pub async fn run(client: &Client, text: &str, parameters: Vec<Option<String>>) -> Result<Queried, ServerFailure> {
    let given = parameters.len();
    // A text may name more than the server takes for parameters, and never fewer.
    let most = last_parameter(text).min(PARAMETERS_MAX);
    if given > most {
        return Err(wrong_count(most, given).into());
    }
    let parameters = parameters.into_iter().map(|parameter| (TextParameter(parameter), Type::UNKNOWN));
    let stream = client.query_typed_raw(text, parameters).await.map_err(|error| {
        match expected_parameters(&error, given) {
            Some(expected) => ServerFailure::Refused(wrong_count(expected, given)),
            None => ServerFailure::from(error),
        }
    })?;
    pin_mut!(stream);
    let mut rows = Vec::new();
    while let Some(row) = stream.try_next().await? {
        rows.push(row);
    }
    let json = to_json(&rows).map_err(ServerFailure::Refused)?;
    // Of some statements with rows, such as EXPLAIN, the server does not say how many there are.
    let count = stream.rows_affected().unwrap_or_default().max(rows.len() as u64);
    Ok(Queried { json, count })
}

/// The greatest number of a parameter that a text names, also within a string or comment.
fn last_parameter(text: &str) -> usize {
    let number = |rest: &str| {
        let digits = &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())];
        if digits.is_empty() { 0 } else { digits.parse().unwrap_or(usize::MAX) }
    };
    text.split('$').skip(1).map(number).max().unwrap_or_default()
}

/// The number of parameters that a statement has, if the server refuses it because another number was given: its message, in
/// whatever language, has the two.
fn expected_parameters(error: &tokio_postgres::Error, given: usize) -> Option<usize> {
    let refusal = error.as_db_error()?;
    if *refusal.code() != SqlState::PROTOCOL_VIOLATION || is_fatal(refusal) {
        return None;
    }
    let mut numbers = refusal.message().split(|c: char| !c.is_ascii_digit()).filter_map(|text| text.parse().ok());
    numbers.find(|number| *number != given)
}

fn wrong_count(expected: usize, given: usize) -> Error {
    let values = if expected == 1 { "1 value".to_owned() } else { format!("{expected} values") };
    SqlError::Parameters(format!("must have {values} for this statement, not {given}")).into()
}

fn to_json(rows: &[Row]) -> Result<String, Error> {
    let mut json = String::from("[[");
    for (index, column) in rows.first().map_or(&[][..], Row::columns).iter().enumerate() {
        json.push_str(if index == 0 { "[" } else { ",[" });
        push_json(&mut json, column.name());
        let kind = match *column.type_() {
            Type::TIMESTAMPTZ | Type::TIMESTAMP | Type::DATE => 1,
            Type::BYTEA => 2,
            _ => 0,
        };
        let _ = write!(json, ",{kind}]");
    }
    json.push_str("],[");
    for (index, row) in rows.iter().enumerate() {
        json.push_str(if index == 0 { "[" } else { ",[" });
        for (place, column) in row.columns().iter().enumerate() {
            if place > 0 {
                json.push(',');
            }
            let raw: Option<Raw> = row.try_get(place).map_err(|_| unsupported(column.name(), column.type_()))?;
            match raw {
                None => json.push_str("null"),
                Some(Raw(raw)) => push_value(&mut json, column.name(), column.type_(), raw)?,
            }
        }
        json.push(']');
    }
    json.push_str("]]");
    Ok(json)
}

fn push_value(json: &mut String, column: &str, of: &Type, raw: &[u8]) -> Result<(), Error> {
    let wrong = || unsupported(column, of);
    let text = || std::str::from_utf8(raw).map_err(|_| wrong());
    match *of {
        Type::BOOL => json.push_str(if raw == [1] { "true" } else { "false" }),
        Type::INT2 => push_integer(json, column, i16::from_be_bytes(raw.try_into().map_err(|_| wrong())?).into())?,
        Type::INT4 => push_integer(json, column, i32::from_be_bytes(raw.try_into().map_err(|_| wrong())?).into())?,
        Type::OID => push_integer(json, column, u32::from_be_bytes(raw.try_into().map_err(|_| wrong())?).into())?,
        Type::INT8 => push_integer(json, column, i64::from_be_bytes(raw.try_into().map_err(|_| wrong())?))?,
        Type::FLOAT4 => push_real(json, f32::from_be_bytes(raw.try_into().map_err(|_| wrong())?).into()),
        Type::FLOAT8 => push_real(json, f64::from_be_bytes(raw.try_into().map_err(|_| wrong())?)),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => push_json(json, text()?),
        Type::JSON if is_json(text()?) => json.push_str(text()?),
        Type::JSONB if raw.first() == Some(&1) => {
            json.push_str(std::str::from_utf8(&raw[1..]).map_err(|_| wrong())?);
        }
        Type::NUMERIC => push_json(json, &numeric_text(raw).ok_or_else(wrong)?),
        Type::UUID => {
            let bytes = raw.try_into().map_err(|_| wrong())?;
            let digits = format!("{:032x}", u128::from_be_bytes(bytes));
            let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
            push_json(json, &parts.join("-"));
        }
        Type::TIMESTAMPTZ | Type::TIMESTAMP => {
            let micros = i64::from_be_bytes(raw.try_into().map_err(|_| wrong())?);
            let ms = PgTime(micros).ms().filter(|_| micros != i64::MIN);
            push_time(json, ms).ok_or_else(wrong)?;
        }
        Type::DATE => {
            let days = i32::from_be_bytes(raw.try_into().map_err(|_| wrong())?);
            let ms = PgTime(0).ms().map(|since| i64::from(days) * 86_400_000 + since);
            push_time(json, ms).ok_or_else(wrong)?;
        }
        Type::BYTEA => {
            json.push('"');
            for byte in raw {
                let _ = write!(json, "{byte:02x}");
            }
            json.push('"');
        }
        _ if matches!(of.kind(), Kind::Enum(_)) => push_json(json, text()?),
        _ => return Err(wrong()),
    }
    Ok(())
}

/// Appends a time in milliseconds. `None` for one that a Date cannot have.
fn push_time(json: &mut String, ms: Option<i64>) -> Option<()> {
    let ms = ms.filter(|ms| ms.abs() <= DATE_MS_MAX)?;
    let _ = write!(json, "{ms}");
    Some(())
}

/// A `numeric` as text, from its digits to the base of 10,000 (PostgreSQL, `numeric_send`).
fn numeric_text(raw: &[u8]) -> Option<String> {
    const NEGATIVE: i32 = 0x4000;
    let words: Vec<i32> =
        raw.chunks_exact(2).map(|word| i32::from(u16::from_be_bytes([word[0], word[1]]))).collect();
    let [count, weight, sign, scale, digits @ ..] = words.as_slice() else { return None };
    match *sign {
        0 | NEGATIVE => {}
        0xc000 => return Some("NaN".to_owned()),
        0xd000 => return Some("Infinity".to_owned()),
        0xf000 => return Some("-Infinity".to_owned()),
        _ => return None,
    }
    let weight = if *weight > 0x7fff { *weight - 0x1_0000 } else { *weight };
    let digit = |place: i32| {
        let index = usize::try_from(weight - place).ok();
        index.filter(|index| *index < usize::try_from(*count).unwrap_or(0)).and_then(|index| digits.get(index))
    };
    let mut whole = String::new();
    for place in (0..=weight.max(0)).rev() {
        let _ = write!(whole, "{:04}", digit(place).unwrap_or(&0));
    }
    let mut fraction = String::new();
    let scale = usize::try_from(*scale).ok()?;
    let mut place = -1;
    while fraction.len() < scale {
        let _ = write!(fraction, "{:04}", digit(place).unwrap_or(&0));
        place -= 1;
    }
    fraction.truncate(scale);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let (minus, point) = (if *sign == NEGATIVE { "-" } else { "" }, if scale > 0 { "." } else { "" });
    Some(format!("{minus}{whole}{point}{fraction}"))
}

fn push_integer(json: &mut String, column: &str, value: i64) -> Result<(), Error> {
    const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;
    if value.unsigned_abs() > SAFE_INTEGER_MAX {
        return Err(SqlError::InexactBigint { column: column.to_owned() }.into());
    }
    let _ = write!(json, "{value}");
    Ok(())
}

/// Appends a number, or the text of what is none.
fn push_real(json: &mut String, value: f64) {
    if value.is_finite() {
        json.push_str(&number_text(value));
    } else {
        let _ = write!(
            json,
            "\"{}\"",
            if value.is_nan() {
                "NaN"
            } else if value > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            }
        );
    }
}

fn unsupported(column: &str, of: &Type) -> Error {
    let message = format!(
        "the column {column} has values of the type {}, which are not converted; select {column}::text",
        of.name()
    );
    Error::postgres(PostgresProblem::Refused("0A000".to_owned()), None, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_as_the_text_names_them() {
        for (text, last) in [
            ("SELECT 1", 0),
            ("SELECT $1, $12, $3", 12),
            ("$", 0),
            ("$$ $1 $$", 1),
            ("$a$", 0),
            ("$99999999999999999999", usize::MAX),
        ] {
            assert_eq!(last_parameter(text), last, "{text}");
        }
    }

    #[test]
    fn numerics_become_their_digits() {
        let text = |words: &[u16]| {
            let raw: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            numeric_text(&raw)
        };
        assert_eq!(text(&[2, 0, 0, 2, 1, 5000]).as_deref(), Some("1.50"));
        assert_eq!(text(&[1, 1, 0x4000, 0, 12]).as_deref(), Some("-120000"));
        assert_eq!(text(&[1, 0xffff, 0, 5, 12]).as_deref(), Some("0.00120"));
        assert_eq!(text(&[1, 0xfffe, 0, 8, 7]).as_deref(), Some("0.00000007"));
        assert_eq!(text(&[0, 0, 0, 0]).as_deref(), Some("0"));
        assert_eq!(text(&[0, 0, 0xc000, 0]).as_deref(), Some("NaN"));
        assert_eq!(text(&[1]), None);
    }
}
