//! Texts and signatures.

use std::task::{Context, Poll, Waker};

use super::*;

/// The first two accounts of the well-known test phrase of Ethereum's development tools.
const ACCOUNT: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

fn text(change: impl Fn(&str) -> Option<String>) -> String {
    let lines = [
        "chat.example wants you to sign in with your Ethereum account:",
        ACCOUNT,
        "",
        "Link this wallet.",
        "",
        "URI: https://chat.example/wallets",
        "Version: 1",
        "Chain ID: 31337",
        "Nonce: abcdefgh12345678",
        "Issued At: 2026-01-01T00:00:00.000Z",
        "Expiration Time: 2026-01-01T00:10:00Z",
        "Not Before: 2025-12-31T23:59:00Z",
        "Request ID: 7",
        "Resources:",
        "- https://chat.example/terms",
    ];
    let changed = lines.map(|line| change(line).unwrap_or_else(|| line.to_owned()));
    changed.join("\n")
}

fn replaced(from: &str, to: &str) -> String {
    let whole = text(|_| None);
    assert!(whole.contains(from), "{from}");
    whole.replace(from, to)
}

fn check(text: &str, expected: Result<(), SiweError>) {
    let issued: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let now = u64::try_from(issued.as_millisecond()).unwrap() + 1000;
    let domains = ["chat.example".to_owned(), "localhost:8000".to_owned()];
    let wanted = Expected {
        domains: &domains,
        uri: None,
        chain_id: 31337,
        now: Timestamp::from_millis(now),
        age_millis: 600_000,
    };
    let checked = SignInMessage::parse(text).and_then(|message| message.check(&wanted));
    assert_eq!(checked, expected, "{text}");
    // A URI that has to be is compared whole.
    if let (Ok(message), Ok(())) = (SignInMessage::parse(text), &expected) {
        let own = Some(&*message.uri);
        assert_eq!(message.check(&Expected { uri: own, ..wanted }), Ok(()));
        let uri = Some("https://chat.example/other");
        let other = Expected { uri, ..wanted };
        assert_eq!(message.check(&other), Err(SiweError::Uri));
    }
}

#[test]
fn a_message_says_what_the_document_has() {
    let message = SignInMessage::parse(&text(|_| None)).unwrap();
    assert_eq!(&*message.domain, "chat.example");
    assert_eq!(message.statement.as_deref(), Some("Link this wallet."));
    assert_eq!(&*message.nonce, "abcdefgh12345678");
    assert_eq!(message.address.to_string(), ACCOUNT.to_lowercase());
    assert_eq!(message.chain_id, 31337);
    check(&text(|_| None), Ok(()));
}

#[test]
fn what_may_be_left_out_may_be() {
    let bare = text(|_| None);
    let bare = bare.split("\nExpiration").next().unwrap();
    check(bare, Ok(()));
    check(&bare.replace("Link this wallet.\n\n", "\n"), Ok(()));
    check(&bare.replace("Link this wallet.\n\n", ""), Ok(()));
    check(
        &replaced("chat.example wants", "https://chat.example wants"),
        Ok(()),
    );
    let local = bare.replace("https://chat.example", "http://localhost:8000");
    check(&local.replace("chat.example", "localhost:8000"), Ok(()));
}

#[test]
fn what_is_said_otherwise_is_refused() {
    for (from, to, expected) in [
        (
            "chat.example wants",
            "evil.example wants",
            SiweError::Domain,
        ),
        (
            "chat.example wants",
            "chat.example.evil wants",
            SiweError::Domain,
        ),
        (
            "https://chat.example/w",
            "https://evil.example/w",
            SiweError::Uri,
        ),
        (
            "https://chat.example/w",
            "https://chat.example@evil.example/w",
            SiweError::Uri,
        ),
        (
            "https://chat.example/w",
            "javascript://chat.example/w",
            SiweError::Uri,
        ),
        (
            "chat.example wants",
            "http://chat.example wants",
            SiweError::Uri,
        ),
        ("ID: 31337", "ID: 1", SiweError::ChainId),
        ("01T00:10:00Z", "01T00:00:01Z", SiweError::Expired),
        ("At: 2026-01-01", "At: 2025-12-30", SiweError::Expired),
        ("At: 2026-01-01", "At: 2026-01-02", SiweError::NotYet),
        ("2025-12-31T23:59", "2026-01-01T00:01", SiweError::NotYet),
    ] {
        check(&replaced(from, to), Err(expected));
    }
}

#[test]
fn another_form_is_refused() {
    for (from, to) in [
        ("account:", "account"),
        ("Version: 1", "Version: 2"),
        ("Nonce: abcdefgh12345678", "Nonce: abcdefg"),
        ("Nonce: abcdefgh12345678", "Nonce: abcdefgh-1234567"),
        ("Chain ID: 31337", "Chain ID: -1"),
        ("URI: ", "Url: "),
        ("0xf39F", "0xF39F"),
        ("\n\nLink", "\nLink"),
        (
            "Issued At: 2026-01-01T00:00:00.000Z",
            "Issued At: yesterday",
        ),
        ("Request ID: 7", "Request ID: 7\nSomething: else"),
        ("Version: 1\nChain ID: 31337", "Chain ID: 31337\nVersion: 1"),
        ("\n", "\r\n"),
    ] {
        let parsed = SignInMessage::parse(&replaced(from, to));
        assert!(
            matches!(parsed, Err(SiweError::Malformed(_))),
            "{from} {to}"
        );
    }
    for cut in 0..text(|_| None).find("Expiration").unwrap() - 26 {
        assert!(
            SignInMessage::parse(&text(|_| None)[..cut]).is_err(),
            "{cut}"
        );
    }
    assert!(SignInMessage::parse(&"x".repeat(5000)).is_err());
}

fn proved(text: &str, signature: &[u8], address: &str) -> Result<(), ProofError> {
    let address = WalletAddress::parse(address).unwrap();
    let mut proving = std::pin::pin!(prove(text, signature, address, None));
    match proving
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(proved) => proved,
        Poll::Pending => panic!("nobody is to be asked"),
    }
}

/// Signed by a node for the same account: the text `hello`.
const SIGNED: &str = include_str!("hello.signature");

#[test]
fn a_signature_counts_for_its_account_and_text_alone() {
    let signature = alloy_primitives::hex::decode(SIGNED.trim()).unwrap();
    let no = Err(ProofError::Signature(SiweError::Signature));
    assert_eq!(proved("hello", &signature, ACCOUNT), Ok(()));
    assert_eq!(proved("hullo", &signature, ACCOUNT), no);
    let other = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
    assert_eq!(proved("hello", &signature, other), no);
    for place in 0..65 {
        let mut changed = signature.clone();
        changed[place] ^= 1;
        assert_eq!(proved("hello", &changed, ACCOUNT), no, "{place}");
    }
    assert_eq!(proved("hello", &signature[..64], ACCOUNT), no);
    assert_eq!(proved("hello", &[], ACCOUNT), no);
    assert_eq!(proved("hello", &[0; 5000], ACCOUNT), no);
}
