//! Conditional completion of multipart uploads: S3 supports it, the client library does not request it.

use std::pin::Pin;

use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};
use object_store::{ClientOptions, HeaderValue};

/// HTTP connector whose clients complete no upload over an existing object.
///
/// The added header is not signed, as it is not either where the client library itself sets it for a multipart copy.
#[derive(Debug, Default)]
pub struct CompleteOnce;

impl HttpConnector for CompleteOnce {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        ReqwestConnector::default().connect(options).map(|client| HttpClient::new(Conditional(client)))
    }
}

#[derive(Debug)]
struct Conditional(HttpClient);

type ResponseFuture<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpService for Conditional {
    fn call<'a, 'b>(&'a self, mut request: HttpRequest) -> ResponseFuture<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        if completes_upload(&request) {
            request.headers_mut().insert("if-none-match", HeaderValue::from_static("*"));
        }
        Box::pin(self.0.execute(request))
    }
}

/// Returns true for `POST <object>?uploadId=<upload>`, S3's `CompleteMultipartUpload`.
fn completes_upload(request: &HttpRequest) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.method() == "POST" && query.split('&').any(|option| option.starts_with("uploadId="))
}
