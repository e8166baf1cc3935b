//! The pages that the program holds (`conclave-pages`): the chat, the console, the lab, and what
//! they are made of. They are what is found where nothing else is, so that no path of the API or
//! of a surface can be taken by them.

use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HOST, HeaderMap, HeaderName, HeaderValue,
    IF_NONE_MATCH, LOCATION, VARY,
};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use conclave_pages::{Asset, EMBEDDED, Shelf};

use super::problem;

/// What is at a path that no call has.
pub(super) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    match found(&EMBEDDED, uri.path()) {
        Some(found) => found.answer(&method, &headers),
        None => problem::not_found(uri).await.into_response(),
    }
}

/// What there is at a path.
enum Found {
    /// A file.
    File(&'static Asset),
    /// Another path, for good.
    Moved(&'static str),
    /// A page that this program was built without.
    Unbuilt,
}

fn found(shelf: &Shelf, path: &str) -> Option<Found> {
    if let Some((_, to)) = MOVED.iter().find(|(from, _)| *from == path) {
        return Some(Found::Moved(to));
    }
    if let Some((_, file)) = PAGES.iter().find(|(page, _)| *page == path) {
        return Some(shelf.find(file).map_or(Found::Unbuilt, Found::File));
    }
    let file = path.strip_prefix('/')?;
    let is_open = file.starts_with("assets/") || FILES.contains(&file);
    shelf.find(file).filter(|_| is_open).map(Found::File)
}

impl Found {
    fn answer(self, method: &Method, asked: &HeaderMap) -> Response {
        if !matches!(*method, Method::GET | Method::HEAD) {
            let refused = problem::refused_method(method).into_response();
            return with(refused, [(ALLOW, HeaderValue::from_static("GET,HEAD"))]);
        }
        let mut response = match self {
            Self::File(asset) => file(asset, asked),
            Self::Moved(to) => {
                let to = (LOCATION, HeaderValue::from_static(to));
                with(StatusCode::PERMANENT_REDIRECT.into_response(), [to])
            }
            Self::Unbuilt => unbuilt(),
        };
        if *method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        response
    }
}

/// The file as the client likes it best, or that it has it already.
fn file(asset: &'static Asset, asked: &HeaderMap) -> Response {
    let form = Form::best(asset, asked);
    let bytes = form.bytes(asset);
    let tag = format!("\"{}{}\"", asset.tag(), form.mark());
    let mut response = if has(asked, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Body::from(bytes).into_response();
        let headers = response.headers_mut();
        let media_type = HeaderValue::from_static(asset.media_type());
        headers.insert(CONTENT_TYPE, media_type);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        if let Some(coding) = form.coding() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    let kept = if asset.is_hashed() { FOR_EVER } else { ASK };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    if asset.path() != LIBRARY {
        headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    }
    if asset.media_type().starts_with("text/html") {
        page_headers(headers, asked);
    }
    response
}

/// What a page may do: load what this server has, and talk to it.
fn page_headers(headers: &mut HeaderMap, asked: &HeaderMap) {
    let host = asked.get(HOST).and_then(|host| host.to_str().ok());
    // Not every browser counts WebSockets of the same host as 'self'.
    let sockets = host
        .filter(|host| is_authority(host))
        .map_or_else(String::new, |host| format!(" ws://{host} wss://{host}"));
    if let Ok(policy) = HeaderValue::try_from(format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; \
         font-src 'self'; connect-src 'self'{sockets}; manifest-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    )) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.append(VARY, HeaderValue::from_static("Host"));
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(PERMISSIONS_POLICY, HeaderValue::from_static(PERMISSIONS));
}

/// A name or an address, perhaps with a port: nothing that could end a source of the policy.
fn is_authority(host: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    (1..=HOST_BYTES_MAX).contains(&host.len()) && host.bytes().all(is_fit)
}

fn unbuilt() -> Response {
    let response = (StatusCode::SERVICE_UNAVAILABLE, UNBUILT).into_response();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    with(response, [(CONTENT_TYPE, html)])
}

fn with<const N: usize>(mut response: Response, more: [(HeaderName, HeaderValue); N]) -> Response {
    for (name, value) in more {
        response.headers_mut().insert(name, value);
    }
    response
}

/// How a file is packed on its way; the better ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Brotli,
    Gzip,
    Plain,
}

impl Form {
    const ALL: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Plain];

    /// The one that the client gives the most weight, of those that there are; the smaller one
    /// where that is open.
    fn best(asset: &'static Asset, asked: &HeaderMap) -> Self {
        let wishes = Wishes::read(asked);
        let there = Self::ALL.into_iter().filter(|form| match form {
            Self::Brotli => asset.brotli().is_some(),
            Self::Gzip => asset.gzip().is_some(),
            Self::Plain => true,
        });
        let weighed = there.map(|form| (wishes.weight(form), form));
        // The first of equals: `max_by_key` would take the last.
        let best = weighed.filter(|(weight, _)| *weight > 0).fold(
            None,
            |best: Option<(u16, Self)>, next| match best {
                Some(best) if best.0 >= next.0 => Some(best),
                Some(_) | None => Some(next),
            },
        );
        best.map_or(Self::Plain, |(_, form)| form)
    }

    fn bytes(self, asset: &'static Asset) -> &'static [u8] {
        match self {
            Self::Brotli => asset.brotli().unwrap_or_default(),
            Self::Gzip => asset.gzip().unwrap_or_default(),
            Self::Plain => asset.plain(),
        }
    }

    const fn coding(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Plain => None,
        }
    }

    /// Bytes that differ have tags that differ.
    const fn mark(self) -> &'static str {
        match self {
            Self::Brotli => "-br",
            Self::Gzip => "-gz",
            Self::Plain => "",
        }
    }
}

/// `Accept-Encoding` (RFC 9110, section 12.5.3), in thousandths.
#[derive(Default)]
struct Wishes {
    brotli: Option<u16>,
    gzip: Option<u16>,
    identity: Option<u16>,
    others: Option<u16>,
}

impl Wishes {
    fn read(asked: &HeaderMap) -> Self {
        let mut wishes = Self::default();
        let lines = asked.get_all(ACCEPT_ENCODING).iter();
        for item in lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
        {
            let (name, weight) = item.split_once(';').unwrap_or((item, ""));
            let place = match name.trim().to_ascii_lowercase().as_str() {
                "br" => &mut wishes.brotli,
                "gzip" | "x-gzip" => &mut wishes.gzip,
                "identity" => &mut wishes.identity,
                "*" => &mut wishes.others,
                _ => continue,
            };
            *place = Some(thousandths(weight));
        }
        wishes
    }

    fn weight(&self, form: Form) -> u16 {
        let own = match form {
            Form::Brotli => self.brotli,
            Form::Gzip => self.gzip,
            Form::Plain => self.identity,
        };
        match (own.or(self.others), form) {
            (Some(weight), _) => weight,
            // It may be sent unless it is refused, but nothing is said for it.
            (None, Form::Plain) => 1,
            (None, Form::Brotli | Form::Gzip) => 0,
        }
    }
}

/// `q=0.5`; 1 where there is none, 0 where it is no number from 0 to 1.
fn thousandths(parameter: &str) -> u16 {
    let parameter = parameter.trim();
    if parameter.is_empty() {
        return 1000;
    }
    let number = parameter
        .strip_prefix("q=")
        .or_else(|| parameter.strip_prefix("Q="));
    let (whole, part) = number.map_or(("", ""), |number| {
        number.split_once('.').unwrap_or((number, ""))
    });
    match (whole, part.len() <= 3) {
        ("0", true) => format!("{part:0<3}").parse().unwrap_or(0),
        ("1", true) if part.bytes().all(|digit| digit == b'0') => 1000,
        _ => 0,
    }
}

/// Whether `If-None-Match` names it.
fn has(asked: &HeaderMap, tag: &str) -> bool {
    let lines = asked.get_all(IF_NONE_MATCH).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// Paths of pages, and the files they are.
const PAGES: [(&str, &str); 3] = [
    ("/", "index.html"),
    ("/console", "console.html"),
    ("/lab", "lab.html"),
];
/// What else is at the root.
const FILES: [&str; 3] = ["favicon.svg", LIBRARY, "manifest.webmanifest"];
/// The client library, which pages of other origins that are on the list may import.
const LIBRARY: &str = "jwt_utils.js";
const MOVED: [(&str, &str); 6] = [
    ("/console.html", "/console"),
    ("/console/", "/console"),
    ("/index.html", "/"),
    ("/jwt_tests.html", "/lab"),
    ("/lab.html", "/lab"),
    ("/lab/", "/lab"),
];
const ASK: &str = "no-cache";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const HOST_BYTES_MAX: usize = 260;
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), \
    encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), magnetometer=(), \
    microphone=(), midi=(), payment=(), publickey-credentials-get=(), \
    screen-wake-lock=(), usb=(), xr-spatial-tracking=()";
const UNBUILT: &str = "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
    <title>Conclave</title></head>\n<body>\n<h1>Conclave is running</h1>\n\
    <p>This program was built without its pages. To have them, run <code>make pages</code> (it needs \
    Node.js) and build again: <code>make run</code> does both.</p>\n\
    <p>The calls are described at <a href=\"/docs\">/docs</a>.</p>\n</body>\n</html>\n";

#[cfg(test)]
mod tests;
