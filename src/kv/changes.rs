//! Changes of keys as JSON text.

use serde::de::IgnoredAny;

use super::rows::push_json;
use crate::Error;

/// Writes changes: an array for each, of a key, and of the value that it has unless it was deleted.
///
/// ```
/// use rootcellar::kv::ChangeWriter;
///
/// let mut writer = ChangeWriter::default();
/// writer.push("a", Some("[1]")).unwrap();
/// writer.push("b", None).unwrap();
/// assert_eq!(writer.finish(), r#"[["a",[1]],["b"]]"#);
/// ```
#[derive(Debug, Default)]
pub struct ChangeWriter {
    json: String,
    changes: usize,
}

impl ChangeWriter {
    /// Adds a change.
    ///
    /// # Errors
    ///
    /// `ERR_VALUE_NOT_JSON` if the value is not exactly one JSON text.
    pub fn push(&mut self, key: &str, value: Option<&str>) -> Result<(), Error> {
        if let Some(value) = value {
            serde_json::from_str::<IgnoredAny>(value).map_err(|_| Error::not_json(key))?;
        }
        self.json.push(if self.changes == 0 { '[' } else { ',' });
        self.json.push('[');
        push_json(&mut self.json, key);
        if let Some(value) = value {
            self.json.push(',');
            self.json.push_str(value);
        }
        self.json.push(']');
        self.changes += 1;
        Ok(())
    }

    /// Number of changes.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.changes
    }

    /// Length in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.json.len()
    }

    /// The text.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.json.push_str(if self.changes == 0 { "[]" } else { "]" });
        self.json
    }
}
