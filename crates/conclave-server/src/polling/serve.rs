//! Polls and posts (Engine.IO v4, "HTTP long-polling").

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Request as HttpRequest, State};
use axum::http::header::{CONTENT_TYPE, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use conclave_protocol::FrameKind;
use conclave_socketio::engine::{Arrival, Packet, Payload, Rejection, Request};
use conclave_websocket::{Opcode, encode_masked};

use super::{Incoming, LastWord, Poll, Session, Stage, open};
use crate::audit::{Event, Kind};
use crate::handshake::{Peer, client_address, route};
use crate::node::Node;

/// Answers a request at the surface's path that asks for no upgrade.
pub(crate) async fn serve(State(node): State<Arc<Node>>, request: HttpRequest) -> Response {
    let (parts, body) = request.into_parts();
    let Some(route) = route(&node.setup, parts.uri.path()) else {
        return reject(Rejection::BadRequest);
    };
    let query = parts.uri.query().unwrap_or_default();
    let arrival = Arrival {
        method: parts.method.as_str(),
        query,
        upgrade: false,
    };
    let asked = Request::parse(&arrival, node.offer());
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.address);
    let proxies = &node.setup.config.server.trusted_proxies;
    let address = peer.map(|peer| client_address(peer, &parts.headers, proxies));
    match (asked, address) {
        (Err(rejection), address) => {
            note(&node, &parts.headers, address, rejection.message());
            reject(rejection)
        }
        (Ok(Request::Open(_)), Some(address)) => {
            let origin = node.identity.origins().judge(&parts.headers);
            match open::open(&node, &route, query, address, origin) {
                Ok(session) => poll(&node, &session).await,
                Err(problem) => problem.into_response(),
            }
        }
        (Ok(Request::Poll(sid)), _) => match node.polls.find_heard(sid.get(), &node) {
            Some(session) => poll(&node, &session).await,
            None => unknown(&node, &parts.headers, address),
        },
        (Ok(Request::Push(sid)), _) => {
            let Some(session) = node.polls.find_heard(sid.get(), &node) else {
                return unknown(&node, &parts.headers, address);
            };
            let read = axum::body::to_bytes(body, node.payload_bytes_max());
            let Ok(bytes) = read.await else {
                return too_big(&node, &session);
            };
            push(&node, &session, &parts.headers, &bytes).await
        }
        (Ok(Request::Open(_) | Request::Upgrade(_)), _) => reject(Rejection::BadRequest),
    }
}

/// The packets that wait, or the next ones.
async fn poll(node: &Node, session: &Arc<Session>) -> Response {
    match session.begin_poll() {
        Poll::Begun => {}
        Poll::Last => {
            node.polls.end(session.sid);
            return text(b"6".to_vec());
        }
        Poll::Probed => return probed(session).await,
        Poll::Refused => return reject(Rejection::BadRequest),
        Poll::Twice => {
            session.finish(LastWord::Close);
            node.polls.end(session.sid);
            return reject(Rejection::BadRequest);
        }
    }
    let cancelled = Cancelled {
        node,
        session,
        armed: true,
    };
    let body = next_packets(session).await;
    cancelled.disarm();
    match body {
        Some(body) => {
            session.end_poll();
            text(body)
        }
        None => {
            node.polls.end(session.sid);
            reject(Rejection::SessionUnknown)
        }
    }
}

/// A poll while a WebSocket is about to take over: refused where it does, else it has nothing to
/// wait for.
async fn probed(session: &Session) -> Response {
    let upgraded = async {
        loop {
            let changed = session.changed.notified();
            if *session.stage.lock() == Stage::Upgraded {
                return;
            }
            changed.await;
        }
    };
    let upgraded = tokio::time::timeout(PROBED_TIME, upgraded).await.is_ok();
    session.end_poll();
    if upgraded {
        return reject(Rejection::BadRequest);
    }
    text(b"6".to_vec())
}

/// A client that ends a poll before it is answered has lost what it would have said, and one that
/// ends a post has said half of something: the session ends.
struct Cancelled<'a> {
    node: &'a Node,
    session: &'a Session,
    armed: bool,
}

impl Cancelled<'_> {
    fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for Cancelled<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.session.finish(LastWord::Close);
            self.node.polls.end(self.session.sid);
        }
    }
}

/// `None` where the session is over and there is nothing left to say.
async fn next_packets(session: &Session) -> Option<Vec<u8>> {
    let mut incoming = session.incoming.lock().await;
    let mut body = Vec::new();
    loop {
        let changed = session.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let open = incoming.take_packets(&mut body);
        if !body.is_empty() {
            return Some(body);
        }
        if let Some(word) = session.last_word() {
            return Some(word);
        }
        if !open {
            return None;
        }
        let Incoming { bytes, .. } = &mut *incoming;
        tokio::select! {
            taken = session.pipe.read(bytes) => {
                if taken == 0 {
                    return session.last_word();
                }
            }
            () = changed => {}
        }
    }
}

/// Takes posted packets.
async fn push(node: &Node, session: &Session, headers: &HeaderMap, bytes: &Bytes) -> Response {
    if *session.stage.lock() == Stage::Upgraded {
        return reject(Rejection::BadRequest);
    }
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let packets = match Payload::new(kind, bytes, node.payload_bytes_max()) {
        Ok(packets) => packets,
        Err(violation) => return violate(node, session, violation.status()),
    };
    let mut frames = Vec::new();
    let mut leaves = false;
    for packet in packets {
        match packet {
            Ok(Packet::Close) => leaves = true,
            Ok(packet) => frame(node, &packet, &mut frames),
            Err(violation) => return violate(node, session, violation.status()),
        }
    }
    session.heard(node.clock.monotonic());
    let posting = session.outgoing.lock().await;
    if *session.stage.lock() == Stage::Upgraded {
        return reject(Rejection::BadRequest);
    }
    let cancelled = Cancelled {
        node,
        session,
        armed: true,
    };
    let written = session.pipe.write(&frames).await;
    cancelled.disarm();
    drop(posting);
    if written.is_err() {
        return reject(Rejection::SessionUnknown);
    }
    if leaves {
        session.part();
    }
    text(b"ok".to_vec())
}

fn frame(node: &Node, packet: &Packet<'_>, frames: &mut Vec<u8>) {
    let mut payload = Vec::new();
    let opcode = match packet.encode(&mut payload) {
        FrameKind::Binary => Opcode::Binary,
        FrameKind::Text => Opcode::Text,
    };
    // Nobody is between the two ends, so the mask protects nothing.
    let [mask @ .., _, _, _, _] = node.dice.roll().to_be_bytes();
    encode_masked(opcode, &payload, mask, frames);
}

fn violate(node: &Node, session: &Session, status: u16) -> Response {
    session.finish(LastWord::Close);
    node.polls.end(session.sid);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    (status, Rejection::BadRequest.body()).into_response()
}

fn too_big(node: &Node, session: &Session) -> Response {
    violate(node, session, StatusCode::PAYLOAD_TOO_LARGE.as_u16())
}

/// Who guesses names of sessions is refused handshakes after a while, as who guesses tokens is.
fn unknown(node: &Node, headers: &HeaderMap, address: Option<std::net::IpAddr>) -> Response {
    let rejection = Rejection::SessionUnknown;
    note(node, headers, address, rejection.message());
    reject(rejection)
}

fn reject(rejection: Rejection) -> Response {
    let status = StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let kind = [(CONTENT_TYPE, "application/json")];
    (status, kind, rejection.body()).into_response()
}

fn text(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=UTF-8")], body).into_response()
}

fn note(node: &Node, headers: &HeaderMap, address: Option<std::net::IpAddr>, detail: &str) {
    let mut event = Event::new(Kind::HandshakeRefused, node.clock.now()).detail(detail);
    if let Some(address) = address {
        node.strike_refused(address);
        event = event.ip(address);
    }
    if let Some(agent) = headers.get(USER_AGENT) {
        event = event.user_agent(agent.as_bytes());
    }
    node.audit.record(event);
}

/// How long a poll waits for a WebSocket that is about to take over.
const PROBED_TIME: Duration = Duration::from_millis(100);
