//! Addresses of destinations: paths and URLs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use url::Url;

use super::bucket::Bucket;
use super::folder::Folder;
use super::http::CheckedConnector;
use super::interface::Destination;
use super::layout::Layout;
use crate::{BackupProblem, Error};

/// Timeouts and retries of one request. A request that fails all of them is retried later, and the failure shows in
/// the status meanwhile.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const RETRY_TIMEOUT: Duration = Duration::from_secs(20);
const RETRIES_MAX: usize = 3;

/// Environment variables with the endpoint of S3, by precedence, as in every client.
const ENDPOINT_VARIABLES: [&str; 3] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];

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
    if let Some(rest) = address.strip_prefix("file:") {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        let path = decode_percent(path).filter(|path| path.starts_with('/'));
        let path = path.ok_or_else(|| invalid("a file: URL names an absolute path, as file:///var/backups"))?;
        return Ok(Arc::new(Folder::new(Path::new(&path))));
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
    let prefix = prefix.ok_or_else(|| invalid("its prefix is no text"))?;
    if prefix.is_empty() {
        // Litestream looks under other keys without a prefix.
        return Err(invalid(&format!("it needs a prefix, as {scheme}://{name}/my-bot")));
    }
    if url.password().is_some() || (layout != Layout::Azure && !url.username().is_empty()) {
        return Err(invalid("credentials are given in the environment, and not in the address"));
    }
    let options = UrlOptions::of(&url, layout)?;
    // The only provider that is compiled in. Fails if it is already set.
    drop(rustls::crypto::ring::default_provider().install_default());
    let store = match layout {
        Layout::S3 => s3(name, options),
        Layout::Google => google(name, options),
        Layout::Azure => azure(name, url.username(), options),
    };
    let store = store.map_err(|error| invalid(&error.to_string()))?;
    Ok(Arc::new(Bucket::new(store, &prefix, layout, format!("{scheme}://{name}/{prefix}"))?))
}

/// Options in the query of a URL.
#[derive(Debug, Default)]
struct UrlOptions {
    endpoint: Option<String>,
    region: Option<String>,
    path_style: Option<bool>,
}

impl UrlOptions {
    fn of(url: &Url, layout: Layout) -> Result<Self, Error> {
        let mut options = Self::default();
        for (name, value) in url.query_pairs() {
            match &*name {
                "endpoint" => options.endpoint = Some(endpoint("its endpoint", &value)?),
                "region" if layout == Layout::S3 && !value.is_empty() => options.region = Some(value.into_owned()),
                "forcePathStyle" | "force-path-style" if layout == Layout::S3 => {
                    let is_set = value.parse();
                    options.path_style =
                        Some(is_set.map_err(|_| invalid(&format!("{name} has to be true or false")))?);
                }
                "region" if layout == Layout::S3 => return Err(invalid("its region is empty")),
                _ => return Err(invalid(&format!("{name} is no option of {}://", url.scheme()))),
            }
        }
        if layout == Layout::S3 && options.endpoint.is_none() {
            let value = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
            let configured = ENDPOINT_VARIABLES.iter().find_map(|name| Some((name, value(name)?)));
            options.endpoint = configured.map(|(name, value)| endpoint(name, &value)).transpose()?;
        }
        Ok(options)
    }

    /// HTTP client options; unencrypted only if the endpoint says so.
    fn client(&self) -> ClientOptions {
        let is_plain = self.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http:"));
        ClientOptions::new()
            .with_timeout(REQUEST_TIMEOUT)
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_allow_http(is_plain)
    }
}

/// Validates an endpoint, without showing it in messages: it might contain credentials. `name` is the option or
/// variable that gave it.
fn endpoint(name: &str, value: &str) -> Result<String, Error> {
    let url = Url::parse(value).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| invalid(&format!("{name} has to be as https://host or http://host:port")))?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(invalid(&format!("{name} has more than a host, a port and a path")));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

type Store = object_store::Result<Arc<dyn ObjectStore>>;

fn s3(bucket: &str, options: UrlOptions) -> Store {
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_http_connector(CheckedConnector)
        .with_client_options(options.client())
        .with_retry(retry());
    if let Some(endpoint) = options.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    if let Some(region) = options.region {
        builder = builder.with_region(region);
    }
    if let Some(path_style) = options.path_style {
        builder = builder.with_virtual_hosted_style_request(!path_style);
    }
    Ok(Arc::new(builder.build()?))
}

fn google(bucket: &str, options: UrlOptions) -> Store {
    let mut builder = GoogleCloudStorageBuilder::from_env()
        .with_bucket_name(bucket)
        .with_http_connector(CheckedConnector)
        .with_client_options(options.client())
        .with_retry(retry());
    if let Some(endpoint) = options.endpoint {
        builder = builder.with_base_url(&endpoint);
    }
    Ok(Arc::new(builder.build()?))
}

fn azure(container: &str, account: &str, options: UrlOptions) -> Store {
    let mut builder = MicrosoftAzureBuilder::from_env()
        .with_container_name(container)
        .with_http_connector(CheckedConnector)
        .with_client_options(options.client())
        .with_retry(retry());
    if !account.is_empty() {
        builder = builder.with_account(account);
    }
    if let Some(endpoint) = options.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    Ok(Arc::new(builder.build()?))
}

fn retry() -> RetryConfig {
    RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() }
}

fn invalid(problem: &str) -> Error {
    Error::backup(BackupProblem::Address, format!("the destination of backups cannot be used: {problem}"))
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
        for address in ["", "file://host/path", "file:relative", "file:///%ff"] {
            assert_eq!(description(address).unwrap_err().code(), "ERR_INVALID_CONFIG", "{address}");
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
