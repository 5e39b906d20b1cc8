//! Answers of object stores: listings, which are XML, and error codes.

use std::fmt::Display;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bounds of one listing: more than a hundred times what the schedule of backups leaves.
const PAGES_MAX: usize = 1_000;
const BYTES_MAX: usize = 128 << 20;

/// Longest code of an error, and longest reason in a message.
const CODE_LENGTH_MAX: usize = 48;
const REASON_LENGTH_MAX: usize = 300;

/// Pages and bytes of the listing under way. Listings at the same time share the bounds.
#[derive(Debug, Default)]
pub struct Pages {
    pages: AtomicUsize,
    bytes: AtomicUsize,
}

impl Pages {
    /// Counts a page. Returns false if the listing has become too long.
    pub fn take(&self, is_first: bool, bytes: usize) -> bool {
        if is_first {
            self.pages.store(0, Ordering::Relaxed);
            self.bytes.store(0, Ordering::Relaxed);
        }
        self.pages.fetch_add(1, Ordering::Relaxed) < PAGES_MAX
            && self.bytes.fetch_add(bytes, Ordering::Relaxed) < BYTES_MAX
    }
}

/// Returns what is wrong with the answer to a request for a listing, as a part of a sentence; `None` if it is one.
///
/// The client library takes any XML for a listing, without entries if it finds none.
pub fn not_a_listing(body: &[u8]) -> Option<String> {
    let problem =
        |what: &str| Some(format!("its answer is {what} and no listing; is this the address of its API?"));
    let Ok(text) = std::str::from_utf8(body) else { return problem("binary") };
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return problem("empty");
    }
    let Some(tag) = root_tag(text) else { return problem("no XML") };
    let name = tag.rsplit(':').next().unwrap_or_default();
    let members: &[&str] = match name {
        // Of S3 and of Google.
        "ListBucketResult" => &["Name", "Prefix", "IsTruncated", "KeyCount", "MaxKeys", "Contents"],
        "EnumerationResults" => &["Blobs"],
        _ if name.eq_ignore_ascii_case("html") => return problem("a page of HTML"),
        _ => return problem(&format!("XML ({})", code_of(name).unwrap_or("..."))),
    };
    if !text.ends_with(&format!("</{tag}>")) {
        return problem("cut off");
    }
    let has = |member: &&str| text.contains(&format!("<{member}")) || text.contains(&format!(":{member}"));
    if members.iter().any(has) { None } else { problem("without content") }
}

/// Returns the name of the outermost element of XML, with its prefix; `html` for a document that says so.
fn root_tag(mut text: &str) -> Option<&str> {
    loop {
        text = text.trim_start();
        if let Some(rest) = text.strip_prefix("<?") {
            text = rest.split_once("?>")?.1;
        } else if let Some(rest) = text.strip_prefix("<!--") {
            text = rest.split_once("-->")?.1;
        } else if let Some(rest) = text.strip_prefix("<!") {
            return rest.to_ascii_lowercase().starts_with("doctype html").then_some("html");
        } else {
            let rest = text.strip_prefix('<')?;
            let end = rest.find(|letter: char| letter.is_whitespace() || matches!(letter, '>' | '/'))?;
            return Some(&rest[..end]).filter(|name| !name.is_empty());
        }
    }
}

/// Returns the code of an error, or nothing. The rest of its body is not believed: it may be long, and may repeat what
/// is secret.
pub fn error_code(headers: &reqwest::header::HeaderMap, body: &[u8]) -> String {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let header = headers.get("x-ms-error-code").and_then(|code| code.to_str().ok());
    let in_xml = || Some(text.split_once("<Code>")?.1.split_once("</Code>")?.0);
    if let Some(code) = header.or_else(in_xml).and_then(code_of) {
        return code.to_owned();
    }
    let json: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let places = ["/error/status", "/error/errors/0/reason", "/error", "/code", "/Code"];
    let mut codes = places.iter().filter_map(|place| json.pointer(place)?.as_str());
    codes.find_map(code_of).unwrap_or_default().to_owned()
}

/// Returns a code if it looks like one: `NoSuchBucket`, `invalid_grant`.
fn code_of(code: &str) -> Option<&str> {
    let is_one = |code: &str| code.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    Some(code.trim()).filter(|code| !code.is_empty() && code.len() <= CODE_LENGTH_MAX && is_one(code))
}

/// Shortens the innermost cause of an error for a message: without what a server has sent, and in one line.
pub fn short_reason(cause: &dyn Display) -> String {
    let cause = cause.to_string();
    let end = cause.find(['<', '{', '\n', '\r']).unwrap_or(cause.len());
    let reason: String = cause[..end].chars().take(REASON_LENGTH_MAX).collect();
    reason.trim_end_matches([' ', ':']).to_owned()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;

    use super::*;

    const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

    #[test]
    fn listings_of_every_store_are_listings_also_without_entries() {
        for listing in [
            "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name><Prefix>p/</Prefix>\
             <KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>",
            "<!-- made by hand --><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>\n",
            "<s3:ListBucketResult xmlns:s3='x'><s3:Name>b</s3:Name></s3:ListBucketResult>",
            "<EnumerationResults ServiceEndpoint=\"x\"><Blobs /><NextMarker /></EnumerationResults>",
        ] {
            for text in [listing.to_owned(), format!("{XML}{listing}"), format!("\u{feff}{XML}{listing}")] {
                assert_eq!(not_a_listing(text.as_bytes()), None, "{text}");
            }
        }
    }

    #[test]
    fn nothing_else_is_a_listing_and_what_it_is_is_said() {
        for (body, what) in [
            ("", "empty"),
            (" \n", "empty"),
            ("{\"items\": []}", "no XML"),
            ("OK", "no XML"),
            ("<!DOCTYPE html><html><body>Sign in</body></html>", "HTML"),
            ("<!doctype HTML>\n<html>", "HTML"),
            ("<html><ListBucketResult><Name>b</Name></ListBucketResult></html>", "HTML"),
            ("<HTML></HTML>", "HTML"),
            ("<Error><Code>AccessDenied</Code></Error>", "XML (Error)"),
            ("<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>", "XML (ListAllMyBucketsResult)"),
            ("<rss><channel/></rss>", "XML (rss)"),
            ("<secret-42/>", "XML (...)"),
            ("<ListBucketResult/>", "cut off"),
            ("<ListBucketResult></ListBucketResult>", "without content"),
            ("<ListBucketResult><Name>b</Name><Contents><Key>a", "cut off"),
            ("<EnumerationResults></EnumerationResults>", "without content"),
        ] {
            for text in [body.to_owned(), format!("{XML}{body}")] {
                let is_bare = body.trim().is_empty() && text != body;
                let problem = not_a_listing(text.as_bytes()).unwrap_or_else(|| panic!("{text} is a listing"));
                assert!(problem.contains(if is_bare { "no XML" } else { what }), "{text}: {problem}");
            }
        }
        assert!(not_a_listing(b"\xff\xfe<").unwrap().contains("binary"));
    }

    #[test]
    fn a_listing_without_end_has_one() {
        let pages = Pages::default();
        assert!((0..PAGES_MAX).all(|page| pages.take(page == 0, 1)));
        assert!(!pages.take(false, 1));
        assert!(pages.take(true, BYTES_MAX));
        assert!(!pages.take(false, 1));
        assert!(pages.take(true, 1));
    }

    #[test]
    fn an_error_is_its_code_and_nothing_that_a_server_repeats() {
        let code = |body: &str| error_code(&HeaderMap::new(), body.as_bytes());
        assert_eq!(code("<Error><Code>AccessDenied</Code><Message>secret</Message></Error>"), "AccessDenied");
        assert_eq!(code("{\"error\": {\"code\": 403, \"status\": \"PERMISSION_DENIED\"}}"), "PERMISSION_DENIED");
        assert_eq!(code("{\"error\": {\"errors\": [{\"reason\": \"forbidden\"}]}}"), "forbidden");
        assert_eq!(code("{\"error\": \"invalid_grant\", \"error_description\": \"secret\"}"), "invalid_grant");
        let long = format!("<Code>{}</Code>", "a".repeat(CODE_LENGTH_MAX + 1));
        for body in ["", "secret", "<Code>secret-1</Code>", "<Code></Code>", "{\"error\": {\"a\": 1}}", &long] {
            assert_eq!(code(body), "", "{body}");
        }
        let azure: HeaderMap = [("x-ms-error-code", "BlobNotFound")]
            .into_iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        assert_eq!(error_code(&azure, b""), "BlobNotFound");
    }

    #[test]
    fn a_reason_is_short() {
        assert_eq!(short_reason(&"status 200: <Error>secret</Error>"), "status 200");
        assert_eq!(short_reason(&"status 200: {\"secret\": 1}"), "status 200");
        assert_eq!(short_reason(&"a".repeat(5_000_000)).len(), REASON_LENGTH_MAX);
    }
}
