use std::sync::Arc;

use conclave_websocket::{Header, Opcode};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::join;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::peer::{Peer, listener};

fn address(url: &str) -> Address {
    Address::parse(url, &[]).unwrap()
}

async fn connected(url: &str) -> Socket {
    Socket::connect(&address(url), None, None).await.unwrap()
}

/// An error with its causes.
fn said(error: Error) -> String {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        said.push_str(&format!(": {error}"));
        cause = error.source();
    }
    said
}

fn text(text: &str) -> Incoming {
    Incoming::Text(text.to_owned())
}

#[tokio::test]
async fn messages_go_both_ways_and_pings_are_answered() {
    let (listener, url) = listener().await;
    let (mut client, mut peer) = join!(connected(&url), Peer::accept(&listener));
    client.send("hällo").await;
    assert_eq!(peer.heard().await, "hällo");
    peer.frame(Opcode::Ping, b"are you there").await;
    peer.frame(Opcode::Pong, b"unasked").await;
    peer.say("world").await;
    assert_eq!(client.receive().await.unwrap(), Incoming::Pong);
    assert_eq!(client.receive().await.unwrap(), text("world"));
    let (heard, ()) = join!(peer.heard(), async {
        tokio::select! {
            biased;
            _ = client.receive() => panic!("nothing was said"),
            () = tokio::task::yield_now() => {}
        }
    });
    assert_eq!(heard, "pong:are you there");
    join!(client.close(), async {
        assert_eq!(peer.heard().await, "close:1000");
        peer.close(1000, "").await;
    });
    assert_eq!(peer.heard().await, "end");
}

#[tokio::test]
async fn the_token_is_a_header_and_not_in_the_url() {
    let (listener, url) = listener().await;
    let address = address(&url);
    let (client, peer) = join!(
        Socket::connect(&address, Some("T.O.K"), None),
        Peer::accept(&listener)
    );
    client.unwrap();
    assert!(
        peer.head.starts_with("GET /ws HTTP/1.1\r\n"),
        "{}",
        peer.head
    );
    assert!(
        peer.head.contains("\r\nAuthorization: Bearer T.O.K\r\n"),
        "{}",
        peer.head
    );
}

#[tokio::test]
async fn messages_in_pieces_are_put_together() {
    let (listener, url) = listener().await;
    let (mut client, mut peer) = join!(connected(&url), Peer::accept(&listener));
    let mut bytes = Vec::new();
    for (fin, opcode, part) in [
        (false, Opcode::Text, "one "),
        (true, Opcode::Continuation, "two"),
    ] {
        let payload_bytes = u64::try_from(part.len()).unwrap();
        Header {
            fin,
            rsv1: false,
            opcode,
            mask: None,
            payload_bytes,
        }
        .write(&mut bytes);
        bytes.extend_from_slice(part.as_bytes());
    }
    for byte in bytes {
        peer.write(&[byte]).await;
        // Given up after every byte, and called again.
        tokio::select! {
            biased;
            received = client.receive() => assert_eq!(received.unwrap(), text("one two")),
            () = tokio::task::yield_now() => {}
        }
    }
    peer.say(&"x".repeat(100_000)).await;
    loop {
        match client.receive().await.unwrap() {
            Incoming::Text(long) if long.len() == 100_000 => break,
            received => assert_eq!(received, text("one two")),
        }
    }
}

#[tokio::test]
async fn the_servers_close_is_told_and_answered() {
    let (listener, url) = listener().await;
    let (mut client, mut peer) = join!(connected(&url), Peer::accept(&listener));
    peer.say("before").await;
    peer.close(1008, "Invalid or expired token\n\x1b[2J").await;
    assert_eq!(client.receive().await.unwrap(), text("before"));
    for _ in 0..2 {
        let Incoming::Closed(ending) = client.receive().await.unwrap() else {
            panic!("not closed")
        };
        assert_eq!(
            ending.to_string(),
            "the server closed the connection: 1008 Invalid or expired token\\n\\u{1b}[2J"
        );
    }
    assert_eq!(peer.heard().await, "close:1008");
}

#[tokio::test]
async fn a_lost_connection_is_told() {
    let (listener, url) = listener().await;
    let (mut client, peer) = join!(connected(&url), Peer::accept(&listener));
    drop(peer);
    client.send("into the void").await;
    let ending = client.receive().await.unwrap();
    assert_eq!(ending, Incoming::Closed(Ending::Lost));
    client.close().await;
}

#[tokio::test]
async fn a_server_that_breaks_the_protocol_is_told() {
    for (bytes, expected) in [
        (&[0x83, 0][..], "broke the WebSocket protocol"),
        (&[0x82, 1, 0][..], "a binary message"),
        (&[0x81, 1, 0xff][..], "broke the WebSocket protocol"),
    ] {
        let (listener, url) = listener().await;
        let (mut client, mut peer) = join!(connected(&url), Peer::accept(&listener));
        peer.write(bytes).await;
        let error = said(client.receive().await.unwrap_err());
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn refused_handshakes_name_the_status() {
    let (listener, url) = listener().await;
    for (answer, expected) in [
        (
            "HTTP/1.1 401 Unauthorized\r\n\r\n",
            "the server answered with status 401",
        ),
        ("SSH-2.0-x\r\n\r\n", "the response is malformed"),
        ("", "the server ended the connection instead of answering"),
    ] {
        let address = address(&url);
        let (error, ()) = join!(Socket::connect(&address, None, None), async {
            let mut socket = listener.accept().await.unwrap().0;
            let mut head = [0; 1024];
            tokio::io::AsyncReadExt::read(&mut socket, &mut head)
                .await
                .unwrap();
            socket.write_all(answer.as_bytes()).await.unwrap();
        });
        let error = said(error.err().unwrap());
        assert!(error.starts_with(expected), "{error}");
    }
    drop(listener);
    let error = Socket::connect(&address(&url), None, None)
        .await
        .err()
        .unwrap();
    let error = said(error);
    assert!(
        error.contains("cannot connect: Connection refused"),
        "{error}"
    );
}

#[tokio::test]
async fn tls_trusts_the_certificates_of_the_file_only() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let dir = TempDir::new().unwrap();
    let (ca, other) = (dir.path().join("ca.pem"), dir.path().join("other.pem"));
    std::fs::write(&ca, made.cert.pem()).unwrap();
    let stranger = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&other, stranger.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (listener, url) = listener().await;
    let url = url.replace("ws://127.0.0.1", "wss://localhost");
    let address = address(&url);

    let (client, mut peer) = join!(Socket::connect(&address, None, Some(&ca)), async {
        let socket = listener.accept().await.unwrap().0;
        Peer::over(acceptor.accept(socket).await.unwrap()).await
    });
    let mut client = client.unwrap();
    client.send(&"x".repeat(100_000)).await;
    assert_eq!(peer.heard().await.len(), 100_000);
    peer.say("back").await;
    assert_eq!(client.receive().await.unwrap(), text("back"));

    let (error, _) = join!(Socket::connect(&address, None, Some(&other)), async {
        acceptor
            .accept(listener.accept().await.unwrap().0)
            .await
            .is_err()
    });
    let error = said(error.err().unwrap());
    assert!(
        error.contains("no TLS: invalid peer certificate"),
        "{error}"
    );

    std::fs::write(&other, "no certificate").unwrap();
    let error = Socket::connect(&address, None, Some(&other))
        .await
        .err()
        .unwrap();
    let error = said(error);
    assert!(error.contains("other.pem: no certificate in it"), "{error}");
}
