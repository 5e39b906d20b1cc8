//! HTTP client of object stores. It asks for what the client library does not: that an upload is completed only under
//! a free name. And it believes less of what is answered: a listing has to be one, an error is its code, and nobody
//! else gets the credentials.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use http_body_util::{BodyExt, Limited};
use object_store::client::{
    ClientConfigKey, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use object_store::{ClientOptions, HeaderValue};
use reqwest::redirect::Policy;

use super::response::{Pages, error_code, not_a_listing, with_possible_keys};

/// Redirects that are followed within one host.
const REDIRECTS_MAX: usize = 5;

/// Longest error body that is searched for a code.
const ERROR_BYTES_MAX: usize = 64 << 10;

/// Longest page of a listing: several times what 5000 names need, the most that a store sends.
const PAGE_BYTES_MAX: usize = 16 << 20;

/// Longest of the other answers, tokens among them, where the request does not say what it asks for.
const ANSWER_BYTES_MAX: usize = 1 << 20;

const NO_CONDITIONAL_PUTS: &str = "it has no conditional puts (If-None-Match), which keep two bots from overwriting \
     each other's backups; Amazon S3, Cloudflare R2, MinIO, Google Cloud Storage and Azure have them";
const REDIRECTED: &str =
    "it redirects to another host, which is not followed; give the endpoint or region of that one";
const LISTING_TOO_LONG: &str = "its listing does not end";
const TOO_LONG: &str = "its answer is longer than what was asked for";

/// Connector of these clients.
#[derive(Debug, Default)]
pub struct CheckedConnector;

impl HttpConnector for CheckedConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = client(options).map_err(|error| object_store::Error::Generic {
            store: "HTTP client",
            source: Box::new(error.without_url()),
        })?;
        Ok(HttpClient::new(Checked { client: HttpClient::new(client), pages: Arc::default() }))
    }
}

/// Makes a client with these options that follows no redirect to another host: the library's own would send it the
/// session token, of which it does not know that it is one.
fn client(options: &ClientOptions) -> reqwest::Result<reqwest::Client> {
    let option = |key| options.get_config_value(&key);
    let duration = |key| humantime::parse_duration(&option(key)?).ok();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("rootcellar/", env!("CARGO_PKG_VERSION")))
        .https_only(option(ClientConfigKey::AllowHttp).as_deref() != Some("true"))
        .redirect(Policy::custom(|attempt| {
            let is_same = attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin());
            if is_same && attempt.previous().len() <= REDIRECTS_MAX { attempt.follow() } else { attempt.stop() }
        }));
    if let Some(timeout) = duration(ClientConfigKey::Timeout) {
        builder = builder.timeout(timeout);
    }
    if let Some(timeout) = duration(ClientConfigKey::ConnectTimeout) {
        builder = builder.connect_timeout(timeout);
    }
    builder.build()
}

#[derive(Debug)]
struct Checked {
    client: HttpClient,
    pages: Arc<Pages>,
}

type ResponseFuture<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpService for Checked {
    fn call<'a, 'b>(&'a self, mut request: HttpRequest) -> ResponseFuture<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        if completes_upload(&request) {
            // Not signed, as it is not either where the library itself sets it for a multipart copy.
            request.headers_mut().insert("if-none-match", HeaderValue::from_static("*"));
        }
        let is_conditional = request.headers().contains_key("if-none-match");
        let listing = listing(&request);
        let bytes_max = range_bytes(&request).unwrap_or(ANSWER_BYTES_MAX);
        let (client, pages) = (self.client.clone(), Arc::clone(&self.pages));
        Box::pin(async move {
            let response = client.execute(request).await?;
            let status = response.status();
            if status.is_success() {
                if let Some(is_first) = listing {
                    return check_listing(response, is_first, &pages).await;
                }
                let (parts, body) = response.into_parts();
                return Ok(HttpResponse::from_parts(parts, read(body, bytes_max, TOO_LONG).await?.into()));
            }
            if status.is_redirection() && response.headers().contains_key("location") {
                return Err(refused(REDIRECTED));
            }
            let (parts, body) = response.into_parts();
            let body = read(body, ERROR_BYTES_MAX, TOO_LONG).await.unwrap_or_default();
            let code = error_code(&parts.headers, &body);
            if is_conditional && (status == 501 || code == "NotImplemented") {
                return Err(refused(NO_CONDITIONAL_PUTS));
            }
            Ok(HttpResponse::from_parts(parts, code.into()))
        })
    }
}

/// Checks that an answer is a listing, and that it is not one page too many.
async fn check_listing(response: HttpResponse, is_first: bool, pages: &Pages) -> Result<HttpResponse, HttpError> {
    let (parts, body) = response.into_parts();
    let body = read(body, PAGE_BYTES_MAX, LISTING_TOO_LONG).await?;
    if let Some(problem) = not_a_listing(&body) {
        return Err(refused(&problem));
    }
    if !pages.take(is_first, body.len()) {
        return Err(refused(LISTING_TOO_LONG));
    }
    Ok(HttpResponse::from_parts(parts, with_possible_keys(body).into()))
}

/// Reads a body that may be this long.
async fn read(body: HttpResponseBody, bytes_max: usize, too_long: &str) -> Result<Vec<u8>, HttpError> {
    match Limited::new(body, bytes_max).collect().await {
        Ok(read) => Ok(read.to_bytes().into()),
        Err(error) => Err(error.downcast::<HttpError>().map_or_else(|_| refused(too_long), |error| *error)),
    }
}

/// Error that is not worth a retry.
fn refused(problem: &str) -> HttpError {
    HttpError::new(HttpErrorKind::Decode, io::Error::other(problem.to_owned()))
}

/// Returns true if a request is for the first page of a listing, false for a later one, and `None` for others.
fn listing(request: &HttpRequest) -> Option<bool> {
    let options = || request.uri().query().unwrap_or_default().split('&');
    let lists =
        request.method() == "GET" && options().any(|option| option == "list-type=2" || option == "comp=list");
    lists.then(|| {
        !options().any(|option| option.starts_with("continuation-token=") || option.starts_with("marker="))
    })
}

/// Number of bytes that a request for a part of an object asks for.
fn range_bytes(request: &HttpRequest) -> Option<usize> {
    let range = request.headers().get("range")?.to_str().ok()?.strip_prefix("bytes=")?;
    let (first, last) = range.split_once('-')?;
    let bytes = last.parse::<u64>().ok()?.checked_sub(first.parse().ok()?)?.checked_add(1)?;
    usize::try_from(bytes).ok()
}

/// Returns true for `POST <object>?uploadId=<upload>`, S3's `CompleteMultipartUpload`.
fn completes_upload(request: &HttpRequest) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.method() == "POST" && query.split('&').any(|option| option.starts_with("uploadId="))
}
