//! HTTP requests, one connection each.

use std::io::Write as _;
use std::net::SocketAddr;

use serde_json::Value;

use crate::client::{Dial, header};

/// A request to be sent.
pub(crate) struct Request {
    dial: Dial,
    head: String,
    body: String,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Request {
    /// A request without a body.
    pub(crate) fn new(address: SocketAddr, method: &str, path: &str) -> Self {
        Self::to(&Dial::new(address), method, path)
    }

    /// A request without a body, over the socket and with the `Host` of a handshake.
    pub(crate) fn to(dial: &Dial, method: &str, path: &str) -> Self {
        let host = dial.host_name();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        Self {
            dial: dial.clone(),
            head,
            body: String::new(),
        }
    }

    /// A POST of a JSON object.
    pub(crate) fn post(address: SocketAddr, path: &str, body: &Value) -> Self {
        let request = Self::new(address, "POST", path);
        request.body("application/json", body.to_string())
    }

    /// A POST of a form.
    pub(crate) fn form(address: SocketAddr, path: &str, body: &str) -> Self {
        let request = Self::new(address, "POST", path);
        request.body("application/x-www-form-urlencoded", body.to_owned())
    }

    /// A POST of text.
    pub(crate) fn text(address: SocketAddr, path: &str, body: &str) -> Self {
        let request = Self::new(address, "POST", path);
        request.body("text/plain;charset=UTF-8", body.to_owned())
    }

    /// Another method than POST.
    pub(crate) fn method(self, method: &str) -> Self {
        let head = self.head.replacen("POST", method, 1);
        Self { head, ..self }
    }

    fn body(self, content_type: &str, body: String) -> Self {
        let request = self.header("Content-Type", content_type);
        Self { body, ..request }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// Shows a token.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// Sends it and reads the whole answer.
    pub(crate) fn send(self) -> Answer {
        let Self {
            dial,
            mut head,
            body,
        } = self;
        head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        let mut wire = dial.wire().expect("a listening server");
        wire.write_all(head.as_bytes()).expect("an open connection");
        let bytes = wire.read_rest();
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Answer {
            status: status.expect("a status"),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        header(&self.head, name)
    }

    /// The cookie of this name that is set, attributes included.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let set = lines.filter(|(header, _)| header.eq_ignore_ascii_case("set-cookie"));
        let start = format!("{name}=");
        set.map(|(_, value)| value.to_owned())
            .find(|value| value.starts_with(&start))
    }
}
