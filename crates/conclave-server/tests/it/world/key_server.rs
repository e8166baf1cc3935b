//! A server of key sets that fails as they fail.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use conclave_auth::Signer;
use serde_json::{Value, json};

/// What a key server answers.
pub(crate) enum Reply {
    /// This text.
    Document(String),
    /// Nothing: the connection stays open, and what is asked stays unanswered.
    Hang,
    /// A redirect to this URL.
    Redirect(String),
    /// An error without a body.
    Status(u16),
}

impl Reply {
    /// The public keys of these signers.
    pub(crate) fn keys(signers: &[&Signer]) -> Self {
        let sets = signers
            .iter()
            .map(|signer| serde_json::from_str(&signer.jwks()));
        let keys: Vec<Value> = sets
            .map(|set: Result<Value, _>| set.expect("JSON")["keys"][0].clone())
            .collect();
        Self::Document(json!({ "keys": keys }).to_string())
    }

    pub(super) fn text(&self) -> Option<String> {
        Some(match self {
            Self::Hang => return None,
            Self::Document(document) => format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n{document}",
                document.len(),
            ),
            Self::Redirect(to) => format!(
                "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\
                 Connection: close\r\n\r\n"
            ),
            Self::Status(status) => {
                format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            }
        })
    }
}

/// A server of one document, until the test ends.
pub(crate) struct KeyServer {
    address: SocketAddr,
    reply: Arc<Mutex<Reply>>,
    asked: Arc<AtomicU32>,
}

impl KeyServer {
    /// One that answers so.
    pub(crate) fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = Self {
            address,
            reply: Arc::new(Mutex::new(reply)),
            asked: Arc::default(),
        };
        let (reply, asked) = (Arc::clone(&server.reply), Arc::clone(&server.asked));
        std::thread::spawn(move || {
            let mut hung = Vec::new();
            for socket in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(socket);
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 2) {
                    line.clear();
                }
                asked.fetch_add(1, Ordering::SeqCst);
                let text = reply.lock().unwrap_or_else(PoisonError::into_inner).text();
                match text {
                    None => hung.push(reader),
                    // The asker may have given up.
                    Some(text) => {
                        reader.into_inner().write_all(text.as_bytes()).ok();
                    }
                }
            }
        });
        server
    }

    /// Answers so from now on instead.
    pub(crate) fn serve(&self, reply: Reply) {
        *self.reply.lock().unwrap_or_else(PoisonError::into_inner) = reply;
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    /// Where the document is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/jwks.json", self.address)
    }
}
