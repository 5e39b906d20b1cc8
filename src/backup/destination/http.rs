//! HTTP client of object stores. It asks for what the client library does not: that an upload is completed only under
//! a free name. And it believes less of what is answered: a listing has to be one, an error is its code, and nobody
//! else gets the credentials.

use std::error::Error as StdError;
use std::io;
use std::mem::take;
use std::pin::Pin;
use std::sync::Arc;

use object_store::client::{
    ClientConfigKey, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::{ClientOptions, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Body, Client, Request, Response};

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
        Ok(HttpClient::new(Checked { client, pages: Arc::default() }))
    }
}

/// Makes a client with these options that follows no redirect to another host: the library's own would send it the
/// session token, of which it does not know that it is one.
fn client(options: &ClientOptions) -> reqwest::Result<Client> {
    let option = |key| options.get_config_value(&key);
    let duration = |key| humantime::parse_duration(&option(key)?).ok();
    let mut builder = Client::builder()
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
    client: Client,
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
            let request = Request::try_from(request.map(Body::wrap)).map_err(failed)?;
            let mut response = client.execute(request).await.map_err(failed)?;
            let status = response.status();
            if status.is_success() {
                let body = match listing {
                    Some(is_first) => read_listing(&mut response, is_first, &pages).await?,
                    None => read(&mut response, bytes_max, TOO_LONG).await?,
                };
                return Ok(answer(response, body));
            }
            if status.is_redirection() && response.headers().contains_key("location") {
                return Err(refused(REDIRECTED));
            }
            let body = read(&mut response, ERROR_BYTES_MAX, TOO_LONG).await.unwrap_or_default();
            let code = error_code(response.headers(), &body);
            if is_conditional && (status == 501 || code == "NotImplemented") {
                return Err(refused(NO_CONDITIONAL_PUTS));
            }
            Ok(answer(response, code.into()))
        })
    }
}

/// The response with another body.
fn answer(mut response: Response, body: Vec<u8>) -> HttpResponse {
    let mut answer = HttpResponse::new(body.into());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = take(response.headers_mut());
    answer
}

/// Reads a listing. Checks that it is one, and not one page too many.
async fn read_listing(response: &mut Response, is_first: bool, pages: &Pages) -> Result<Vec<u8>, HttpError> {
    let body = read(response, PAGE_BYTES_MAX, LISTING_TOO_LONG).await?;
    if let Some(problem) = not_a_listing(&body) {
        return Err(refused(&problem));
    }
    if !pages.take(is_first, body.len()) {
        return Err(refused(LISTING_TOO_LONG));
    }
    Ok(with_possible_keys(body))
}

/// Reads a body that may be this long.
async fn read(response: &mut Response, bytes_max: usize, too_long: &str) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if chunk.len() > bytes_max - body.len() {
            return Err(refused(too_long));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Error of a request, with the kind by which `object_store` decides about a retry. Its own message names the address.
fn failed(error: reqwest::Error) -> HttpError {
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else if error.is_decode() {
        HttpErrorKind::Decode
    } else {
        kind_by_cause(&error).unwrap_or(HttpErrorKind::Unknown)
    };
    HttpError::new(kind, error.without_url())
}

/// Kind of an error, by the first of its causes that tells it.
fn kind_by_cause(error: &reqwest::Error) -> Option<HttpErrorKind> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(kind) = kind_of_cause(error) {
            return Some(kind);
        }
        cause = error.source();
    }
    None
}

fn kind_of_cause(cause: &(dyn StdError + 'static)) -> Option<HttpErrorKind> {
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        let is_cut_off = error.is_closed() || error.is_incomplete_message() || error.is_body_write_aborted();
        return is_cut_off.then_some(HttpErrorKind::Request);
    }
    match cause.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::TimedOut => Some(HttpErrorKind::Timeout),
        io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(HttpErrorKind::Interrupted),
        _ => None,
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
