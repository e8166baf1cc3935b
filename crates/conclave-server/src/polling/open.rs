//! A new session.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use conclave_core::ConnectionBounds;
use conclave_protocol::Refusal;

use super::{Session, pipe};
use crate::audit::{Event, Kind};
use crate::handshake::{Origin, Route, counted_as, nobody};
use crate::http::Problem;
use crate::metrics::Counter;
use crate::node::Node;
use crate::worker::{Arrival, Control, Stream, Surface};

/// Makes a session and its connection, on any worker.
pub(super) fn open(
    node: &Arc<Node>,
    route: &Route,
    query: &str,
    address: IpAddr,
    origin: Origin,
) -> Result<Arc<Session>, Problem> {
    let Surface::Dialect(dialect) = route.surface else {
        return Err(Problem::refused(
            Refusal::NotFound,
            "nothing is polled here",
        ));
    };
    check(node, address)?;
    let uncounted = node.setup.profile.dev && address.is_loopback();
    let bounds = ConnectionBounds {
        user: node.limits.connections_per_user,
        address: node.limits.connections_per_address,
        all: node.connections_max,
    };
    let counted = (!uncounted).then(|| counted_as(address));
    let Ok(guard) = node.connections.open(None, counted, bounds) else {
        node.counters.add(Counter::ConnectionsLimited, 1);
        let event = Event::new(Kind::LimitHit, node.clock.now())
            .ip(address)
            .detail("too many connections");
        node.audit.record(event);
        let text = "too many connections";
        return Err(Problem::refused(Refusal::RateLimited, text));
    };
    let (connection, front) = pipe();
    let sid = node.secret_id();
    let patience = dialect.heartbeat().map_or(Duration::MAX, |heartbeat| {
        Duration::from_millis(u64::from(heartbeat.every) + u64::from(heartbeat.patience))
    });
    let now = node.clock.monotonic();
    let session = Arc::new(Session::new(sid, front, patience, now));
    let arrival = Arrival {
        stream: Stream::Piped(connection),
        early: Vec::new(),
        surface: route.surface,
        state: dialect.open(query, false),
        principal: nobody(),
        epoch: node.identity.epoch(),
        deflate: None,
        address,
        origin,
        kind: route.kind,
        sid: Some(sid),
        guard,
    };
    let workers = node.controls.len().max(1);
    let worker = usize::try_from(sid % 1024).unwrap_or(0) % workers;
    if !node.tell(worker, Control::Attach(Box::new(arrival))) {
        let text = "the server is going away";
        return Err(Problem::refused(Refusal::Unavailable, text));
    }
    node.polls.add(sid, Arc::clone(&session));
    Ok(session)
}

/// What is wrong before anything is counted.
fn check(node: &Node, address: IpAddr) -> Result<(), Problem> {
    let waits = node
        .identity
        .refused_handshakes()
        .wait(&counted_as(address), node.clock.monotonic());
    if waits.is_some() {
        let text = "too many refused handshakes";
        node.counters.add(Counter::HandshakesLimited, 1);
        let event = Event::new(Kind::LimitHit, node.clock.now());
        node.audit.record(event.ip(address).detail(text));
        return Err(Problem::refused(Refusal::RateLimited, text));
    }
    if node.nodes.refuses_handshakes(node.clock.monotonic()) {
        let text = "what was revoked cannot be known now";
        return Err(Problem::refused(Refusal::Unavailable, text));
    }
    Ok(())
}
