//! Responses of object stores: listings, which are XML, and error codes.

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
        // S3 and Google.
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

/// Elements of a listing that hold a key.
const KEY_TAGS: [&str; 3] = ["<Key>", "<Name>", "<Prefix>"];

/// Stands for what a key cannot have here.
const REPLACED: &str = "\u{fffd}";

/// Makes each key of a listing one that the client library takes: it would refuse the whole listing for one foreign
/// object whose key has an empty part, a part `.` or `..`, or a control character. A key that ends with `/`, as that of
/// what shows as a folder in a console, gets one more part, because the library leaves the `/` out.
pub fn with_possible_keys(body: Vec<u8>) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(&body) else { return body };
    let mut possible = String::new();
    let (mut rest, mut copied) = (text, 0);
    while let Some((at, tag)) = next_key(rest) {
        let begin = text.len() - rest.len() + at + tag.len();
        let end = text[begin..].find('<').map_or(text.len(), |length| begin + length);
        if let Some(key) = possible_key(&text[begin..end]) {
            possible.push_str(&text[copied..begin]);
            possible.push_str(&key);
            copied = end;
        }
        rest = &text[end..];
    }
    if copied == 0 {
        return body;
    }
    possible.push_str(&text[copied..]);
    possible.into_bytes()
}

/// Returns where the next key is, and its tag.
fn next_key(text: &str) -> Option<(usize, &'static str)> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find('<')?;
        if let Some(tag) = KEY_TAGS.iter().find(|tag| text[at..].starts_with(**tag)) {
            return Some((at, tag));
        }
        from = at + 1;
    }
}

/// Returns a key that is possible instead of one that is not.
fn possible_key(key: &str) -> Option<String> {
    let plain = without_control_characters(key);
    let part = |(index, part): (usize, &str)| match part {
        "" if index > 0 => REPLACED.to_owned(),
        "." | ".." => REPLACED.to_owned(),
        _ => part.to_owned(),
    };
    let possible = plain.split('/').enumerate().map(part).collect::<Vec<_>>().join("/");
    (possible != key).then_some(possible)
}

/// Replaces control characters, also where XML has them as numbers.
fn without_control_characters(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let (length, letter_meant) = reference(rest).unwrap_or((letter.len_utf8(), letter));
        if letter_meant.is_ascii_control() {
            plain.push_str(REPLACED);
        } else if matches!(letter_meant, '/' | '.') {
            plain.push(letter_meant);
        } else {
            plain.push_str(&rest[..length]);
        }
        rest = &rest[length..];
    }
    plain
}

/// Reads a character that XML has as a number: `&#10;` or `&#xA;`. Returns its length there as well.
fn reference(text: &str) -> Option<(usize, char)> {
    let (number, _) = text.strip_prefix("&#")?.split_once(';')?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    Some(("&#;".len() + number.len(), char::from_u32(code.ok()?)?))
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
    fn a_key_that_the_library_would_refuse_is_replaced_and_no_other() {
        for (key, possible) in [
            ("p/0000//x.ltx", "p/0000/?/x.ltx"),
            ("p/0000/", "p/0000/?"),
            ("p/0000//", "p/0000/?/?"),
            ("p/0000/../x", "p/0000/?/x"),
            ("p/./x", "p/?/x"),
            ("p/a\nb", "p/a?b"),
            ("p/a\u{7f}b", "p/a?b"),
            ("p/a&#10;b", "p/a?b"),
            ("p/a&#xA;b&#x1;", "p/a?b?"),
            ("p/a&#47;&#x2F;b", "p/a/?/b"),
            ("p/&#46;&#46;/b", "p/?/b"),
            ("p/a&#65;&amp;..b", "p/a&#65;&amp;..b"),
            ("p/a&#999999999999;b&#;", "p/a&#999999999999;b&#;"),
            ("/p/x", "/p/x"),
            ("", ""),
        ] {
            let possible = possible.replace('?', REPLACED);
            for tag in ["Key", "Name", "Prefix"] {
                let listing = |key: &str| format!("{XML}<a><{tag}>{key}</{tag}><Size>1</Size><{tag}>b</{tag}></a>");
                let found = with_possible_keys(listing(key).into_bytes());
                assert_eq!(String::from_utf8(found).unwrap(), listing(&possible), "{key}");
            }
        }
        let others = "<a><KeyCount>1</KeyCount><NextMarker>a//b</NextMarker><Key>cut off";
        assert_eq!(with_possible_keys(others.into()), others.as_bytes());
        assert_eq!(with_possible_keys(b"<Key>\xff//</Key>".into()), b"<Key>\xff//</Key>");
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
