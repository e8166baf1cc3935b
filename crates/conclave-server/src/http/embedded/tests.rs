//! A shelf of known files.

use axum::http::Request;
use conclave_pages::Forms;
use http_body_util::BodyExt as _;

use super::*;

static ASSETS: [Asset; 6] = [
    asset("assets/chat-YMm1U_09.js", Some(b"br"), Some(PACKED)),
    asset("assets/logo.svg", None, None),
    asset("console.html", None, None),
    asset("index.html", Some(b"br"), Some(PACKED)),
    asset("jwt_utils.js", None, None),
    asset("secret.txt", None, None),
];
static SHELF: Shelf = Shelf::new(&ASSETS);

/// `hello` by gzip.
const PACKED: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07,
    0x00, 0x86, 0xa6, 0x10, 0x36, 0x05, 0x00, 0x00, 0x00,
];

const fn asset(
    path: &'static str,
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
) -> Asset {
    let plain: Option<&'static [u8]> = if gzip.is_none() { Some(b"hello") } else { None };
    let forms = Forms {
        brotli,
        gzip,
        plain,
    };
    Asset::new(path, "17", forms)
}

/// Status, headers and body of what the shelf gives.
struct Given {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Given {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

async fn ask(method: Method, path: &str, headers: &[(&str, &str)]) -> Option<Given> {
    let mut request = Request::builder();
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(()).unwrap();
    let response = found(&SHELF, path)?.answer(&method, request.headers());
    let (parts, body) = response.into_parts();
    Some(Given {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: body.collect().await.unwrap().to_bytes().to_vec(),
    })
}

async fn get(path: &str, headers: &[(&str, &str)]) -> Given {
    ask(Method::GET, path, headers).await.unwrap()
}

#[tokio::test]
async fn a_page_may_load_and_call_its_own_server_alone() {
    let page = get("/", &[("host", "chat.example:8081")]).await;
    assert_eq!((page.status, &*page.body), (200, &b"hello"[..]));
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    assert_eq!(
        page.header("cross-origin-opener-policy"),
        Some("same-origin")
    );
    let policy = page.header("content-security-policy").unwrap();
    let sockets = "connect-src 'self' ws://chat.example:8081 wss://chat.example:8081;";
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self';"),
        "{policy}"
    );
    assert!(policy.contains(sockets), "{policy}");
    assert!(
        !policy.contains("unsafe") && !policy.contains('*'),
        "{policy}"
    );
    assert!(
        page.header("permissions-policy")
            .unwrap()
            .contains("camera=()")
    );
}

#[tokio::test]
async fn a_host_cannot_widen_the_policy() {
    for host in ["evil; script-src *", "a b", "a,b", "a'b", "", "a/b", "a*b"] {
        let page = get("/", &[("host", host)]).await;
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("connect-src 'self';"), "{host}: {policy}");
    }
    let long = "a".repeat(1000);
    let page = get("/", &[("host", &long)]).await;
    assert!(page.header("content-security-policy").unwrap().len() < 400);
    let six = get("/", &[("host", "[::1]:8081")]).await;
    let policy = six.header("content-security-policy").unwrap();
    assert!(policy.contains("ws://[::1]:8081"), "{policy}");
}

#[tokio::test]
async fn each_gets_the_form_it_asks_for() {
    for (accept, expected) in [
        ("", None),
        ("br", Some("br")),
        ("gzip, deflate, br, zstd", Some("br")),
        ("gzip", Some("gzip")),
        ("x-gzip", Some("gzip")),
        ("GZIP;Q=0.2", Some("gzip")),
        ("gzip;q=1.0, br;q=0.5", Some("gzip")),
        ("br;q=0, gzip", Some("gzip")),
        ("*", Some("br")),
        ("br;q=0, *;q=0.1", Some("gzip")),
        ("identity", None),
        ("identity;q=1, br;q=0.9", None),
        ("br;q=0, gzip;q=0", None),
        ("*;q=0", None),
        ("br;q=2, gzip;q=x", None),
        ("deflate", None),
        ("br;q=0.001", Some("br")),
    ] {
        let given = get("/assets/chat-YMm1U_09.js", &[("accept-encoding", accept)]).await;
        assert_eq!(given.header("content-encoding"), expected, "{accept}");
        assert_eq!(given.header("vary"), Some("Accept-Encoding"));
        let body = match expected {
            Some("br") => &b"br"[..],
            Some(_) => PACKED,
            None => b"hello",
        };
        assert_eq!(given.body, body, "{accept}");
    }
    let plain = get("/assets/logo.svg", &[("accept-encoding", "br, gzip")]).await;
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(plain.header("content-type"), Some("image/svg+xml"));
}

#[tokio::test]
async fn only_what_is_named_by_its_bytes_is_kept_for_ever() {
    let hashed = get("/assets/chat-YMm1U_09.js", &[]).await;
    assert_eq!(
        hashed.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    for path in ["/", "/console", "/jwt_utils.js", "/assets/logo.svg"] {
        assert_eq!(
            get(path, &[]).await.header("cache-control"),
            Some("no-cache")
        );
    }
}

#[tokio::test]
async fn who_has_it_is_not_sent_it_again() {
    let tag = |given: &Given| given.header("etag").unwrap().to_owned();
    let plain = tag(&get("/", &[]).await);
    let packed = tag(&get("/", &[("accept-encoding", "br")]).await);
    assert_eq!((&*plain, &*packed), ("\"17\"", "\"17-br\""));
    for known in ["\"17\"", "W/\"17\"", "\"x\", \"17\"", "*"] {
        let again = get("/", &[("if-none-match", known), ("host", "h")]).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
        assert_eq!(tag(&again), plain);
        assert!(again.header("content-security-policy").is_some());
        assert_eq!(again.header("content-length"), None);
    }
    // It is another representation: the bytes differ.
    let other = get("/", &[("if-none-match", &packed)]).await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn a_head_has_the_headers_alone() {
    let head = ask(Method::HEAD, "/", &[]).await.unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some("5"));
    let post = ask(Method::POST, "/", &[]).await.unwrap();
    assert_eq!(post.status, 405);
    assert_eq!(post.header("allow"), Some("GET,HEAD"));
}

#[tokio::test]
async fn older_addresses_lead_on_and_nothing_else_is_there() {
    for (from, to) in [("/jwt_tests.html", "/lab"), ("/console/", "/console")] {
        let moved = get(from, &[]).await;
        assert_eq!((moved.status, moved.header("location")), (308, Some(to)));
    }
    for path in [
        "/secret.txt",
        "/chat",
        "/assets/",
        "/assets/none.js",
        "/assets/../secret.txt",
        "//",
        "/Console",
    ] {
        assert!(ask(Method::GET, path, &[]).await.is_none(), "{path}");
    }
    let unbuilt = get("/lab", &[]).await;
    assert_eq!(unbuilt.status, 503);
    assert!(
        String::from_utf8(unbuilt.body)
            .unwrap()
            .contains("make pages")
    );
}
