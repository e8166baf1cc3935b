use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::trust::trusting_nobody;

/// One call that is expected, and its answer.
type Call = (&'static str, &'static str, u16, Value);

/// A server that expects these calls, and then no more.
async fn server(calls: Vec<Call>) -> (Url, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let mut calls = VecDeque::from(calls);
        while let Some((path, holds, status, answer)) = calls.pop_front() {
            let mut socket = listener.accept().await.unwrap().0;
            let request = request(&mut socket).await;
            assert!(
                request.starts_with(&format!("POST {path} HTTP/1.1\r\n")),
                "{request}"
            );
            assert!(request.contains(holds), "{request}");
            let body = answer.to_string();
            let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length:");
            let answer = format!("{head} {}\r\n\r\n{body}", body.len());
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (Url::parse(&url).unwrap(), served)
}

async fn request(socket: &mut TcpStream) -> String {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return String::from_utf8(read).unwrap();
            }
        }
        assert_ne!(socket.read_buf(&mut read).await.unwrap(), 0);
    }
}

/// Tokens of a password, and the seconds that their clock shows.
fn tokens(url: &Url) -> (Tokens, Arc<AtomicU64>) {
    let seconds = Arc::new(AtomicU64::new(1_000_000));
    let shown = Arc::clone(&seconds);
    let mut surroundings = Surroundings::system();
    surroundings.fill = Arc::new(|bytes| bytes.fill(0));
    surroundings.now = Arc::new(move || -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(shown.load(Ordering::Relaxed))
    });
    let password = Password {
        sign_in: url.join("auth/token").unwrap(),
        refresh: url.join("auth/refresh").unwrap(),
        user: "alice".to_owned(),
        password: Zeroizing::new("secret".to_owned()),
        session: Some("S".to_owned()),
    };
    let http = Http::new(url.clone(), trusting_nobody().unwrap()).unwrap();
    let credential = Credential::Password(Arc::new(password));
    (Tokens::new(credential, http, surroundings), seconds)
}

fn given(number: u32) -> Value {
    let refresh_token = format!("r{number}");
    json!({ "token": format!("t{number}"), "expires_in": 100, "refresh_token": refresh_token })
}

async fn text(tokens: &Tokens) -> String {
    let token = tokens.fresh().await.unwrap().unwrap();
    token.text.as_str().to_owned()
}

#[tokio::test]
async fn a_password_is_shown_once_and_again_where_the_family_has_ended() {
    let ended = json!({ "code": "unauthenticated", "detail": "no" });
    let (url, served) = server(vec![
        ("/auth/token", r#""session_id":"S""#, 200, given(1)),
        ("/auth/refresh", r#"{"refresh_token":"r1"}"#, 200, given(2)),
        ("/auth/refresh", r#"{"refresh_token":"r2"}"#, 401, ended),
        ("/auth/token", r#""password":"secret""#, 200, given(3)),
    ])
    .await;
    let (tokens, seconds) = tokens(&url);
    assert!(!tokens.is_live());
    assert_eq!(text(&tokens).await, "t1");
    seconds.fetch_add(79, Ordering::Relaxed);
    assert_eq!(text(&tokens).await, "t1");
    // A fifth of its life is left.
    seconds.fetch_add(1, Ordering::Relaxed);
    assert_eq!(text(&tokens).await, "t2");
    seconds.fetch_add(101, Ordering::Relaxed);
    assert!(!tokens.is_live());
    assert_eq!(text(&tokens).await, "t3");
    assert!(tokens.is_live());
    served.await.unwrap();
}

#[tokio::test]
async fn one_fetch_serves_all_who_wait_for_another_token() {
    let (url, served) = server(vec![
        ("/auth/token", "alice", 200, given(1)),
        ("/auth/refresh", "r1", 200, given(2)),
    ])
    .await;
    let (tokens, _) = tokens(&url);
    let old = tokens.fresh().await.unwrap();
    let (one, two) = tokio::join!(tokens.after(old.as_ref()), tokens.after(old.as_ref()));
    for token in [one, two] {
        assert_eq!(token.unwrap().unwrap().text.as_str(), "t2");
    }
    served.await.unwrap();
}

#[tokio::test]
async fn refusals_of_a_sign_in_are_told_apart() {
    let problem = |code: &str| json!({ "code": code, "detail": "the reason" });
    let (url, served) = server(vec![
        ("/auth/token", "alice", 401, problem("unauthenticated")),
        ("/auth/token", "alice", 403, problem("forbidden")),
        ("/auth/token", "alice", 502, json!("a proxy's page")),
        (
            "/auth/token",
            "alice",
            200,
            json!({ "hello": "I am no Conclave" }),
        ),
    ])
    .await;
    let (tokens, _) = tokens(&url);
    let mut said = Vec::new();
    for _ in 0..4 {
        said.push(tokens.fresh().await.unwrap_err().to_string());
    }
    let expected = [
        "not authenticated: the reason",
        "forbidden: the reason",
        "unavailable: ",
    ];
    assert_eq!(said[..3], expected);
    assert!(said[3].starts_with("unexpected content: "), "{}", said[3]);
    served.await.unwrap();
}

#[tokio::test]
async fn what_a_token_says_of_its_end_counts() {
    let token = |claims: Value| {
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        Zeroizing::new(format!("h.{claims}.s"))
    };
    let (tokens, _) = tokens(&Url::parse("http://a.test/").unwrap());
    let now = 1_000_000;
    let due = |claims| {
        let token = tokens.token(token(claims), None, None);
        tokens.until_due(&token).map(|due| due.as_secs())
    };
    assert_eq!(due(json!({ "exp": now + 100 })), Some(80));
    assert_eq!(
        due(json!({ "exp": now + 100_000, "iat": now })),
        Some(99_940)
    );
    // A clock that is an hour ahead sees an ended token; it lives as long as it was made for.
    assert_eq!(
        due(json!({ "exp": now - 3500, "iat": now - 3600 })),
        Some(80)
    );
    assert_eq!(due(json!({ "sub": "alice" })), None);
    assert_eq!(due(json!({ "exp": -1e300, "iat": 1e300 })), Some(0));
    let opaque = tokens.token(Zeroizing::new("key_opaque".to_owned()), None, None);
    assert_eq!(tokens.until_due(&opaque), None);
    assert_eq!(format!("{opaque:?}"), "Token(…)");
}
