//! Layouts of object stores.

use crate::backup::catalog::files::Level;

/// Keys of the levels, and the metadata that holds a file's time: as in Litestream for each kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `<prefix>/<level, 4 hexadecimal digits>/`.
    S3,
    /// `<prefix>/ltx/<level>/`.
    Google,
    /// `<prefix>/ltx/<level>/`, with metadata names that have no hyphen.
    Azure,
}

impl Layout {
    /// Path of a level below the prefix.
    #[must_use]
    pub fn level(self, level: Level) -> String {
        match self {
            Self::S3 => format!("{:04x}", level.get()),
            Self::Google | Self::Azure => format!("ltx/{level}"),
        }
    }

    /// Returns true if a multipart upload can be completed on condition that the name is free. Otherwise it is
    /// uploaded under a temporary name and copied.
    #[must_use]
    pub fn completes_once(self) -> bool {
        self == Self::S3
    }

    /// Name of the metadata that holds a file's time.
    #[must_use]
    pub fn time_attribute(self) -> &'static str {
        match self {
            Self::S3 | Self::Google => "litestream-timestamp",
            Self::Azure => "litestreamtimestamp",
        }
    }
}
