//! Addresses of destinations: paths and URLs.

use std::path::Path;
use std::sync::Arc;

use url::Url;

use super::bucket::Bucket;
use super::clients::{StoreOptions, invalid, object_store};
use super::folder::Folder;
use super::interface::Destination;
use super::layout::Layout;
use crate::Error;

/// Parses a path or a URL: `file:`, `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix` (or `abs:`,
/// as in Litestream; `az://account@container/prefix` names the account).
///
/// Credentials come from the usual environment variables (`AWS_ACCESS_KEY_ID` and so on). The query may give
/// `endpoint`, and for S3 `region` and `forcePathStyle`, as in Litestream.
///
/// # Errors
///
/// `ERR_INVALID_CONFIG` if it is neither, or incomplete.
pub fn parse(address: &str) -> Result<Arc<dyn Destination>, Error> {
    if let Some((scheme, rest)) = address.split_at_checked("file:".len())
        && scheme.eq_ignore_ascii_case("file:")
    {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        let path = decode_percent(path).filter(|path| path.starts_with('/'));
        let path = path.ok_or_else(|| invalid("a file: URL names an absolute path, as file:///var/backups"))?;
        let path = if cfg!(windows) { without_slash(&path) } else { &path };
        return Ok(Arc::new(Folder::new(Path::new(path))));
    }
    match address.split_once("://") {
        Some((scheme, _)) if scheme.len() > 1 => parse_bucket(address),
        _ if address.is_empty() => Err(invalid("it is empty")),
        _ => Ok(Arc::new(Folder::new(Path::new(address)))),
    }
}

fn parse_bucket(address: &str) -> Result<Arc<dyn Destination>, Error> {
    let url = Url::parse(address).map_err(|error| invalid(&error.to_string()))?;
    let scheme = url.scheme();
    let layout = match scheme {
        "s3" => Layout::S3,
        "gs" => Layout::Google,
        "az" | "abs" => Layout::Azure,
        _ => return Err(invalid(&format!("{scheme}: is not supported, but a path, file:, s3:, gs: and az: are"))),
    };
    let name = url.host_str().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| invalid(&format!("{scheme}:// has to be followed by the name of a bucket")))?;
    let prefix = decode_percent(url.path().trim_matches('/'));
    let prefix = prefix.filter(|prefix| !prefix.contains(char::is_control));
    let prefix = prefix.ok_or_else(|| invalid("its prefix is no text"))?;
    if prefix.is_empty() {
        // Litestream looks under other keys without a prefix.
        return Err(invalid(&format!("it needs a prefix, as {scheme}://{name}/my-bot")));
    }
    if !has_plain_parts(address) {
        return Err(invalid("its prefix has an empty part, or one that is . or .."));
    }
    if url.fragment().is_some() {
        return Err(invalid("it has a #, which a prefix has as %23"));
    }
    if url.password().is_some() || (layout != Layout::Azure && !url.username().is_empty()) {
        return Err(invalid("credentials are given in the environment, and not in the address"));
    }
    let store = object_store(layout, name, url.username(), StoreOptions::of(&url, layout)?)?;
    Ok(Arc::new(Bucket::new(store, &prefix, layout, format!("{scheme}://{name}/{prefix}"))?))
}

/// The path that the one of a `file:` URL stands for on Windows, where a drive comes first: `C:/backups` for `/C:/backups`.
fn without_slash(path: &str) -> &str {
    match path.as_bytes() {
        [b'/', drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic() => &path[1..],
        _ => path,
    }
}

/// Returns false if a part of the prefix is one that parsers of URLs leave out, and that object stores take for a name.
fn has_plain_parts(address: &str) -> bool {
    let end = address.find(['?', '#']).unwrap_or(address.len());
    let path = address[..end].strip_suffix('/').unwrap_or(&address[..end]);
    let decoded = |part| decode_percent(part).unwrap_or_default();
    path.split('/').skip("s3://bucket".split('/').count()).all(|part| !["", ".", ".."].contains(&&*decoded(part)))
}

/// Decodes percent-encoding; `None` if the result is not UTF-8.
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
        assert_eq!(description("FILE:///var/backups").unwrap(), "/var/backups");
        for address in ["", "file://host/path", "file:relative", "file:///%ff"] {
            assert_eq!(description(address).unwrap_err().code(), "ERR_INVALID_CONFIG", "{address}");
        }
    }

    #[test]
    fn a_drive_of_windows_needs_no_slash_before_it() {
        assert_eq!(without_slash("/C:/my backups"), "C:/my backups");
        assert_eq!(without_slash("/c:\\backups"), "c:\\backups");
        for path in ["/var/backups", "/C:", "/CD:/a", "//server/share", "/1:/a", "/"] {
            assert_eq!(without_slash(path), path);
        }
    }

    #[test]
    fn urls_of_object_stores_name_a_bucket_and_a_prefix() {
        for (address, description) in [
            ("s3://bucket/prefix", "s3://bucket/prefix"),
            ("S3://bucket/my%20bot/backups/", "s3://bucket/my bot/backups"),
            ("s3://bucket/prefix?endpoint=https://host:9000&region=eu-central-1", "s3://bucket/prefix"),
            ("s3://bucket/prefix?endpoint=http%3A%2F%2F127.0.0.1%3A9000%2F", "s3://bucket/prefix"),
            ("s3://bucket/prefix?forcePathStyle=true", "s3://bucket/prefix"),
            ("s3://bucket/prefix?force-path-style=false", "s3://bucket/prefix"),
            ("gs://bucket_1/prefix", "gs://bucket_1/prefix"),
            ("gs://bucket/prefix?endpoint=http://127.0.0.1:4443", "gs://bucket/prefix"),
            ("az://account@container/prefix", "az://container/prefix"),
            ("abs://account@container/a/b", "abs://container/a/b"),
            ("az://account@container/a?endpoint=http://127.0.0.1:10000/account", "az://container/a"),
        ] {
            assert_eq!(parse(address).unwrap().describe(), description, "{address}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_what_might_be_secret() {
        for (address, problem) in [
            ("s3://bucket", "s3://bucket/my-bot"),
            ("s3://bucket/", "s3://bucket/my-bot"),
            ("gs://bucket?endpoint=https://host", "gs://bucket/my-bot"),
            ("s3:///prefix", "name of a bucket"),
            ("s3://bucket:port/prefix", "port"),
            ("s3://bucket/%ff", "no text"),
            ("s3://bucket/a%0asecret", "no text"),
            ("s3://bucket/a/../secret", "empty part"),
            ("s3://bucket/./secret", "empty part"),
            ("s3://bucket/%2E%2e/secret", "empty part"),
            ("s3://bucket//secret", "empty part"),
            ("s3://bucket/a//secret?region=a", "empty part"),
            ("s3://bucket/secret//", "empty part"),
            ("gs://bucket/a/s3://bucket/secret", "empty part"),
            ("s3://bucket/prefix#secret", "has a #"),
            ("az://a@container/prefix?endpoint=https://host#secret", "has a #"),
            ("ftp://secret@host/path", "ftp: is not supported"),
            ("https://host/secret", "https: is not supported"),
            ("sftp://user:secret@host/path", "sftp: is not supported"),
            ("s3://key:secret@bucket/prefix", "in the environment"),
            ("s3://secret@bucket/prefix", "in the environment"),
            ("gs://secret@bucket/prefix", "in the environment"),
            ("az://account:secret@container/prefix", "in the environment"),
            ("s3://bucket/prefix?nothing=secret", "nothing is no option of s3://"),
            ("gs://bucket/prefix?region=secret", "region is no option of gs://"),
            ("az://a@container/prefix?forcePathStyle=true", "forcePathStyle is no option of az://"),
            ("s3://bucket/prefix?region=", "region is empty"),
            ("s3://bucket/prefix?forcePathStyle=secret", "forcePathStyle has to be true or false"),
            ("s3://bucket/prefix?endpoint=secret:9000", "https://host"),
            ("s3://bucket/prefix?endpoint=", "https://host"),
            ("s3://bucket/prefix?endpoint=ftp://secret", "https://host"),
            ("gs://bucket/prefix?endpoint=https://key:secret@host", "more than a host"),
            ("az://a@container/prefix?endpoint=https://host/?sig=secret", "more than a host"),
        ] {
            let error = parse(address).err().unwrap_or_else(|| panic!("{address} is accepted"));
            assert_eq!(error.code(), "ERR_INVALID_CONFIG", "{address}");
            let message = error.to_string();
            assert!(message.contains(problem), "{address}: {message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
