//! Where backups are in an object store.

use crate::backup::catalog::files::Level;

/// Where the files of a level are, and where their time is noted: as Litestream has it for each kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `<prefix>/<level, 4 hexadecimal digits>/`.
    S3,
    /// `<prefix>/ltx/<level>/`.
    Google,
    /// `<prefix>/ltx/<level>/`, and names of metadata have no hyphen.
    Azure,
}

impl Layout {
    /// What the folder of a level is called.
    #[must_use]
    pub fn level(self, level: Level) -> String {
        match self {
            Self::S3 => format!("{:04x}", level.get()),
            Self::Google | Self::Azure => format!("ltx/{level}"),
        }
    }

    /// Whether what is put in parts can be given its name on condition. Else it is put without one, and copied.
    #[must_use]
    pub fn completes_once(self) -> bool {
        self == Self::S3
    }

    /// The name of the metadata that has a file's time.
    #[must_use]
    pub fn time_attribute(self) -> &'static str {
        match self {
            Self::S3 | Self::Google => "litestream-timestamp",
            Self::Azure => "litestreamtimestamp",
        }
    }
}
