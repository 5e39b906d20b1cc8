//! How a destination is named.

use std::path::Path;
use std::sync::Arc;

use super::{Destination, Folder};
use crate::{BackupProblem, Error};

/// The destination of a path, or of a URL with the scheme `file`.
///
/// # Errors
///
/// `ERR_INVALID_CONFIG` if it is neither.
pub fn parse(address: &str) -> Result<Arc<dyn Destination>, Error> {
    if let Some(rest) = address.strip_prefix("file:") {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        let path = decode_percent(path).filter(|path| path.starts_with('/'));
        let path = path.ok_or_else(|| invalid("a file: URL names an absolute path, as file:///var/backups"))?;
        return Ok(Arc::new(Folder::new(Path::new(&path))));
    }
    match address.split_once("://") {
        Some((scheme, _)) if scheme.len() > 1 => Err(invalid(&format!("{scheme}: is not supported"))),
        _ if address.is_empty() => Err(invalid("it is empty")),
        _ => Ok(Arc::new(Folder::new(Path::new(address)))),
    }
}

fn invalid(problem: &str) -> Error {
    Error::backup(BackupProblem::Address, format!("the destination of backups cannot be used: {problem}"))
}

/// Replaces `%20` and the like; `None` if what comes out is no text.
fn decode_percent(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let digits = (*first == b'%').then(|| rest.get(..2)).flatten();
        let decoded = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(decoded.unwrap_or(*first));
        if decoded.is_some() {
            rest = &rest[2..];
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_file_urls_name_folders_and_nothing_else_does() {
        let description = |address| parse(address).map(|destination| destination.describe().to_owned());
        assert_eq!(description("/var/backups").unwrap(), "/var/backups");
        assert_eq!(description("relative/%20").unwrap(), "relative/%20");
        assert_eq!(description("C://odd").unwrap(), "C://odd");
        assert_eq!(description("file:///var/my%20backups").unwrap(), "/var/my backups");
        assert_eq!(description("file:/var/100%").unwrap(), "/var/100%");
        for address in ["", "file://host/path", "file:relative", "file:///%ff", "ftp://host/path"] {
            assert_eq!(description(address).unwrap_err().code(), "ERR_INVALID_CONFIG", "{address}");
        }
    }
}
