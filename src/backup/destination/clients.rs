//! Clients of object stores, as an address and the environment configure them.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use url::Url;

use super::http::CheckedConnector;
use super::instance;
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

/// Configuration by which Azure's client gets a token or a key elsewhere than from the machine.
const AZURE_CREDENTIALS: [&[AzureConfigKey]; 6] = [
    &[AzureConfigKey::Token],
    &[AzureConfigKey::AccessKey],
    &[AzureConfigKey::SasKey],
    &[AzureConfigKey::ClientId, AzureConfigKey::AuthorityId, AzureConfigKey::FederatedTokenFile],
    &[AzureConfigKey::ClientId, AzureConfigKey::AuthorityId, AzureConfigKey::ClientSecret],
    &[
        AzureConfigKey::FabricTokenServiceUrl,
        AzureConfigKey::FabricWorkloadHost,
        AzureConfigKey::FabricSessionToken,
        AzureConfigKey::FabricClusterIdentifier,
    ],
];

/// Options in the query of a URL.
#[derive(Debug, Default)]
pub struct StoreOptions {
    endpoint: Option<String>,
    region: Option<String>,
    path_style: Option<bool>,
}

impl StoreOptions {
    /// Reads them, and for S3 an endpoint that the environment has instead.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_CONFIG`.
    pub fn of(url: &Url, layout: Layout) -> Result<Self, Error> {
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

/// Makes a client. Everything in the environment that it will need is read here: a thread that reads it while JavaScript
/// changes it ends the process.
///
/// # Errors
///
/// `ERR_INVALID_CONFIG`.
pub fn object_store(
    layout: Layout,
    bucket: &str,
    account: &str,
    options: StoreOptions,
) -> Result<Arc<dyn ObjectStore>, Error> {
    // The only provider that is compiled in. Fails if it is already set.
    drop(rustls::crypto::ring::default_provider().install_default());
    match layout {
        Layout::S3 => s3(bucket, options),
        Layout::Google => google(bucket, options),
        Layout::Azure => azure(bucket, account, options),
    }
}

type Store = Result<Arc<dyn ObjectStore>, Error>;

fn s3(bucket: &str, options: StoreOptions) -> Store {
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
    Ok(Arc::new(builder.build().map_err(|error| unusable(&error))?))
}

fn google(bucket: &str, mut options: StoreOptions) -> Store {
    let mut builder = GoogleCloudStorageBuilder::from_env();
    if let Some(address) = options.endpoint.take().or_else(|| builder.get_config_value(&GoogleConfigKey::BaseUrl)) {
        let address = endpoint("GOOGLE_BASE_URL", &address)?;
        builder = builder.with_base_url(&address);
        options.endpoint = Some(address);
    }
    if google_gets_token_from_machine(&builder) {
        let tokens = instance::google().map_err(|error| unusable(&error))?;
        builder = builder.with_credentials(Arc::new(tokens));
    }
    let builder = builder
        .with_bucket_name(bucket)
        .with_http_connector(CheckedConnector)
        .with_client_options(options.client())
        .with_retry(retry());
    Ok(Arc::new(builder.build().map_err(|error| unusable(&error))?))
}

/// Returns true if no credentials are configured, nor left where Google's own tools leave them.
fn google_gets_token_from_machine(builder: &GoogleCloudStorageBuilder) -> bool {
    let configured = [
        GoogleConfigKey::ServiceAccount,
        GoogleConfigKey::ServiceAccountKey,
        GoogleConfigKey::ApplicationCredentials,
        GoogleConfigKey::BearerToken,
    ];
    let home = std::env::var_os(if cfg!(windows) { "APPDATA" } else { "HOME" });
    let folder = if cfg!(windows) { "gcloud" } else { ".config/gcloud" };
    let left =
        home.map(|home| std::path::Path::new(&home).join(folder).join("application_default_credentials.json"));
    configured.iter().all(|key| builder.get_config_value(key).is_none()) && !left.is_some_and(|file| file.exists())
}

fn azure(container: &str, account: &str, mut options: StoreOptions) -> Store {
    let mut builder = MicrosoftAzureBuilder::from_env();
    if let Some(address) = options.endpoint.take().or_else(|| builder.get_config_value(&AzureConfigKey::Endpoint)) {
        let address = endpoint("AZURE_STORAGE_ENDPOINT", &address)?;
        builder = builder.with_endpoint(address.clone());
        options.endpoint = Some(address);
    }
    if !account.is_empty() {
        builder = builder.with_account(account);
    }
    if azure_gets_token_from_machine(&builder)? {
        let tokens = instance::azure(&builder).map_err(|error| unusable(&error))?;
        builder = builder.with_credentials(Arc::new(tokens));
    }
    let builder = builder
        .with_container_name(container)
        .with_http_connector(CheckedConnector)
        .with_client_options(options.client())
        .with_retry(retry());
    Ok(Arc::new(builder.build().map_err(|error| unusable(&error))?))
}

/// Returns true if no credentials are configured.
fn azure_gets_token_from_machine(builder: &MicrosoftAzureBuilder) -> Result<bool, Error> {
    let value = |key: &AzureConfigKey| builder.get_config_value(key);
    let kind = value(&AzureConfigKey::CredentialType).unwrap_or_else(|| "auto".to_owned());
    let has = |keys: &&[AzureConfigKey]| keys.iter().all(|key| value(key).is_some());
    let is_auto = kind == "auto" && !AZURE_CREDENTIALS.iter().any(has);
    let asks_cli = value(&AzureConfigKey::UseAzureCli).is_some_and(|value| value == "true");
    if kind == "azure_cli" || (is_auto && asks_cli) {
        return Err(invalid("it would need Azure's command line, which is not asked for tokens"));
    }
    Ok(is_auto || kind == "managed_identity")
}

fn retry() -> RetryConfig {
    RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() }
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

fn unusable(error: &object_store::Error) -> Error {
    invalid(&error.to_string())
}

/// Error of an address, or of configuration that it needs.
pub fn invalid(problem: &str) -> Error {
    Error::backup(BackupProblem::Address, format!("the destination of backups cannot be used: {problem}"))
}
