//! Tokens that the machine of a bot gives it: Google's metadata server, and Azure's managed identities.
//!
//! The client library has both, but reads the environment whenever it needs a token, on whatever thread that is. There
//! JavaScript may change it meanwhile, which ends the process. Here it is read once, by whoever makes the provider.

use std::fmt::{self, Debug, Formatter};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use object_store::azure::{AzureConfigKey, AzureCredential, MicrosoftAzureBuilder};
use object_store::client::{CredentialProvider, HttpClient, HttpConnector, HttpRequest};
use object_store::gcp::GcpCredential;
use object_store::{ClientOptions, HeaderValue};
use serde_json::Value;
use url::Url;

use super::http::CheckedConnector;
use crate::threads::lock;

/// Timeouts of a request: such a server is near, or there is none.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Time before its end at which a token is renewed. Google renews its own at most this long before.
const RENEWED_BEFORE: Duration = Duration::from_secs(4 * 60);

/// Shortest and longest time for which a token is kept.
const KEPT_MIN: Duration = Duration::from_secs(1);
const KEPT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Google's server by name and by address (docs.cloud.google.com/compute/docs/metadata/querying-metadata).
const GOOGLE_HOST: &str = "metadata.google.internal";
const GOOGLE_ADDRESS: &str = "169.254.169.254";
const GOOGLE_PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/token";

/// Azure's server, where the environment names none, and what is asked of it
/// (learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token).
const AZURE_ENDPOINT: &str = "http://169.254.169.254/metadata/identity/oauth2/token";
const AZURE_VERSION: &str = "2019-08-01";
const AZURE_RESOURCE: &str = "https://storage.azure.com/";

/// Credentials that consist of a token.
pub trait BearerToken: Debug + Send + Sync + 'static {
    /// Makes them.
    fn of(token: String) -> Self;
}

impl BearerToken for GcpCredential {
    fn of(bearer: String) -> Self {
        Self { bearer }
    }
}

impl BearerToken for AzureCredential {
    fn of(token: String) -> Self {
        Self::BearerToken(token)
    }
}

/// Provider of tokens from a server of the machine.
pub struct InstanceTokens<T> {
    client: HttpClient,
    /// Requests, of which the first that is answered gives the token.
    requests: Vec<HttpRequest>,
    /// Last token, and when it has to be renewed.
    kept: Mutex<Option<(Arc<T>, Until)>>,
}

/// Moment by two clocks: that of the process stands still while the machine sleeps, and that of the wall may be set back.
struct Until(Instant, SystemTime);

impl Until {
    fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration, SystemTime::now() + duration)
    }

    fn is_to_come(&self) -> bool {
        Instant::now() < self.0 && SystemTime::now() < self.1
    }
}

/// Provider for Google's cloud. Reads the environment.
///
/// # Errors
///
/// If there can be no HTTP client.
pub fn google() -> object_store::Result<InstanceTokens<GcpCredential>> {
    let host = variable("GCE_METADATA_HOST").or_else(|| variable("GCE_METADATA_ROOT"));
    let hosts = [(host, GOOGLE_HOST), (variable("GCE_METADATA_IP"), GOOGLE_ADDRESS)];
    let urls = hosts.map(|(given, usual)| format!("http://{}{GOOGLE_PATH}", given.as_deref().unwrap_or(usual)));
    let headers = [("metadata-flavor", "Google".to_owned())];
    InstanceTokens::new(urls.iter().filter_map(|url| request(url, &[], &headers)).collect())
}

/// Provider for Azure. Reads the environment, beside what `builder` has read of it.
///
/// # Errors
///
/// If there can be no HTTP client.
pub fn azure(builder: &MicrosoftAzureBuilder) -> object_store::Result<InstanceTokens<AzureCredential>> {
    let value = |key| builder.get_config_value(&key).filter(|value| !value.is_empty());
    let mut query = vec![("api-version", AZURE_VERSION.to_owned()), ("resource", AZURE_RESOURCE.to_owned())];
    let identities = [
        ("msi_res_id", AzureConfigKey::MsiResourceId),
        ("object_id", AzureConfigKey::ObjectId),
        ("client_id", AzureConfigKey::ClientId),
    ];
    query.extend(identities.into_iter().find_map(|(name, key)| Some((name, value(key)?))));
    let mut headers = vec![("metadata", "true".to_owned())];
    headers.extend(variable("IDENTITY_HEADER").map(|secret| ("x-identity-header", secret)));
    let endpoint = value(AzureConfigKey::MsiEndpoint);
    let endpoint = endpoint.as_deref().unwrap_or(AZURE_ENDPOINT);
    InstanceTokens::new(request(endpoint, &query, &headers).into_iter().collect())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Makes a request; `None` if the environment has no address or header that could be sent.
fn request(url: &str, query: &[(&str, String)], headers: &[(&'static str, String)]) -> Option<HttpRequest> {
    let mut url = Url::parse(url).ok()?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    let mut request = HttpRequest::new(Vec::new().into());
    *request.uri_mut() = url.as_str().parse().ok()?;
    for (name, value) in headers {
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        request.headers_mut().insert(*name, value);
    }
    Some(request)
}

impl<T> InstanceTokens<T> {
    fn new(requests: Vec<HttpRequest>) -> object_store::Result<Self> {
        let options = ClientOptions::new()
            .with_timeout(REQUEST_TIMEOUT)
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_allow_http(true);
        Ok(Self { client: CheckedConnector.connect(&options)?, requests, kept: Mutex::default() })
    }

    /// Asks one server.
    async fn ask(&self, request: &HttpRequest) -> Result<(String, Duration), String> {
        let response = self.client.execute(request.clone()).await.map_err(|error| error.to_string())?;
        if !response.status().is_success() {
            return Err(response.status().to_string());
        }
        let body = response.into_body().bytes().await.map_err(|error| error.to_string())?;
        // The message does not quote the response, which may contain a part of a token.
        read_token(&body).ok_or_else(|| "its answer is no token".to_owned())
    }
}

impl<T: BearerToken> InstanceTokens<T> {
    async fn get(&self) -> object_store::Result<Arc<T>> {
        if let Some((token, until)) = &*lock(&self.kept)
            && until.is_to_come()
        {
            return Ok(Arc::clone(token));
        }
        let mut problem = "no server is named that could be asked".to_owned();
        for request in &self.requests {
            match self.ask(request).await {
                Ok((token, lasts)) => {
                    let token = Arc::new(T::of(token));
                    let until = Until::after(lasts.saturating_sub(RENEWED_BEFORE).clamp(KEPT_MIN, KEPT_MAX));
                    *lock(&self.kept) = Some((Arc::clone(&token), until));
                    return Ok(token);
                }
                Err(error) => problem = error,
            }
        }
        let message = format!("no credentials are configured, and this machine gives none: {problem}");
        Err(object_store::Error::Generic { store: "token", source: message.into() })
    }
}

impl<T: BearerToken> CredentialProvider for InstanceTokens<T> {
    type Credential = T;

    fn get_credential<'a, 'b>(
        &'a self,
    ) -> Pin<Box<dyn Future<Output = object_store::Result<Arc<Self::Credential>>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(self.get())
    }
}

impl<T> Debug for InstanceTokens<T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("InstanceTokens").finish_non_exhaustive()
    }
}

/// Reads an answer: a token, and how long it lasts. Google tells seconds from now, Azure seconds since 1970, as a number
/// or as text.
fn read_token(body: &[u8]) -> Option<(String, Duration)> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let seconds = |name: &str| {
        let value = answer.get(name)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok()).map(Duration::from_secs)
    };
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let lasts =
        seconds("expires_on").map(|end| end.saturating_sub(since_1970)).or_else(|| seconds("expires_in"))?;
    let token = answer.get("access_token")?.as_str().filter(|token| !token.is_empty())?;
    Some((token.to_owned(), lasts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lasts_for_what_its_answer_says() {
        let lasts = |body: &str| read_token(body.as_bytes()).map(|(token, lasts)| (token, lasts.as_secs()));
        assert_eq!(lasts(r#"{"access_token": "a", "expires_in": 3599}"#), Some(("a".to_owned(), 3599)));
        assert_eq!(lasts(r#"{"access_token": "a", "expires_in": "60"}"#), Some(("a".to_owned(), 60)));
        assert_eq!(lasts(r#"{"access_token": "a", "expires_on": "1"}"#), Some(("a".to_owned(), 0)));
        let most = format!("{{\"access_token\": \"a\", \"expires_on\": {}}}", u64::MAX);
        assert!(lasts(&most).unwrap().1 > u64::from(u32::MAX));
    }

    #[test]
    fn nothing_else_is_a_token() {
        for body in [
            "",
            "token",
            "<html></html>",
            "[]",
            "null",
            r#"{"access_token": "a"}"#,
            r#"{"access_token": "", "expires_in": 1}"#,
            r#"{"access_token": 1, "expires_in": 1}"#,
            r#"{"access_token": "a", "expires_in": -1}"#,
            r#"{"access_token": "a", "expires_in": 1e300}"#,
            r#"{"access_token": "a", "expires_on": "01/01/2030 00:00:00 +00:00"}"#,
            r#"{"expires_in": 1}"#,
        ] {
            assert_eq!(read_token(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn what_cannot_be_sent_is_not() {
        assert!(request("http://host/path", &[("a", "b c".to_owned())], &[]).is_some());
        assert!(request("no address", &[], &[]).is_none());
        assert!(request("http://host", &[], &[("metadata", "two\nlines".to_owned())]).is_none());
    }
}
