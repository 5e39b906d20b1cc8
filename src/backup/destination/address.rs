//! How a destination is named.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use url::Url;

use super::bucket::{Bucket, Layout};
use super::{Destination, Folder};
use crate::{BackupProblem, Error};

/// How long one request may take, and how long it is tried again. What still fails then is tried again later, and
/// shows in the status meanwhile.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const RETRY_TIMEOUT: Duration = Duration::from_secs(20);
const RETRIES_MAX: usize = 3;

/// The destination of a path, or of a URL: `file:`, `s3://bucket/prefix`, `gs://bucket/prefix`,
/// `az://container/prefix`.
///
/// Credentials come from the usual variables of the environment (`AWS_ACCESS_KEY_ID` and so on). After a question mark
/// `endpoint`, `region` and `forcePathStyle` may be given, as Litestream has them.
///
/// # Errors
///
/// `ERR_INVALID_CONFIG` if it is neither, or if something is missing.
pub fn parse(address: &str) -> Result<Arc<dyn Destination>, Error> {
    if let Some(rest) = address.strip_prefix("file:") {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        let path = decode_percent(path).filter(|path| path.starts_with('/'));
        let path = path.ok_or_else(|| invalid("a file: URL names an absolute path, as file:///var/backups"))?;
        return Ok(Arc::new(Folder::new(Path::new(&path))));
    }
    match address.split_once("://") {
        Some((scheme, _)) if scheme.len() > 1 => parse_bucket(scheme, address),
        _ if address.is_empty() => Err(invalid("it is empty")),
        _ => Ok(Arc::new(Folder::new(Path::new(address)))),
    }
}

fn parse_bucket(scheme: &str, address: &str) -> Result<Arc<dyn Destination>, Error> {
    let url = Url::parse(address).map_err(|error| invalid(&error.to_string()))?;
    let name = url.host_str().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| invalid(&format!("{scheme}:// has to be followed by the name of a bucket")))?;
    let prefix = decode_percent(url.path().trim_matches('/')).unwrap_or_default();
    if prefix.is_empty() {
        // Litestream would look for what is there under other keys.
        return Err(invalid(&format!("it needs a prefix, as {scheme}://{name}/my-bot")));
    }
    // The only one that is compiled in. Fails if it is set already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let (store, layout): (Arc<dyn ObjectStore>, Layout) = match scheme {
        "s3" => (Arc::new(s3(&url, name)?), Layout::S3),
        "gs" => {
            let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(name);
            let builder = builder.with_client_options(client()).with_retry(retry());
            (Arc::new(builder.build().map_err(|error| invalid(&error.to_string()))?), Layout::Google)
        }
        "az" | "abs" => {
            let builder = MicrosoftAzureBuilder::from_env().with_container_name(name);
            let builder = builder.with_client_options(client()).with_retry(retry());
            let builder = match url.username() {
                "" => builder,
                account => builder.with_account(account),
            };
            (Arc::new(builder.build().map_err(|error| invalid(&error.to_string()))?), Layout::Azure)
        }
        _ => return Err(invalid(&format!("{scheme}: is not supported"))),
    };
    let description = format!("{scheme}://{name}/{prefix}");
    Ok(Arc::new(Bucket::new(store, &prefix, layout, description)?))
}

fn s3(url: &Url, bucket: &str) -> Result<impl ObjectStore, Error> {
    let mut options = client();
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_retry(retry());
    for (name, value) in url.query_pairs() {
        builder = match &*name {
            "endpoint" => {
                options = options.with_allow_http(value.starts_with("http://"));
                builder.with_endpoint(value)
            }
            "region" => builder.with_region(value),
            "forcePathStyle" | "force-path-style" => builder.with_virtual_hosted_style_request(value == "false"),
            _ => return Err(invalid(&format!("{name} is no option of s3://"))),
        };
    }
    builder.with_client_options(options).build().map_err(|error| invalid(&error.to_string()))
}

fn client() -> ClientOptions {
    ClientOptions::new().with_timeout(REQUEST_TIMEOUT).with_connect_timeout(CONNECT_TIMEOUT)
}

fn retry() -> RetryConfig {
    RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() }
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
        for address in [
            "",
            "file://host/path",
            "file:relative",
            "file:///%ff",
            "ftp://host/path",
            "s3://bucket",
            "s3://bucket/",
            "s3:///prefix",
            "s3://bucket/prefix?nothing=1",
        ] {
            assert_eq!(description(address).unwrap_err().code(), "ERR_INVALID_CONFIG", "{address}");
        }
    }
}
