//! `GET /ws/stats` (identity.md).

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use conclave_protocol::Permission;
use serde::Serialize;

use super::caller::Caller;
use super::problem::Problem;
use crate::node::Node;

/// `{"success":true,"stats":{…},"timestamp":1649123456.789}`.
#[derive(Serialize)]
pub(super) struct StatsAnswer {
    success: bool,
    stats: Stats,
    /// Unix seconds.
    timestamp: f64,
}

#[derive(Serialize)]
struct Stats {
    websocket_manager: Connections,
    authentication: Authentication,
    security: Security,
}

#[derive(Clone, Serialize)]
struct Connections {
    active_connections: u32,
    unique_users: usize,
    connection_types: BTreeMap<Box<str>, u32>,
}

#[derive(Serialize)]
struct Authentication {
    #[serde(flatten)]
    connections: Connections,
    max_connections_per_user: u32,
}

#[derive(Serialize)]
struct Security {
    authenticated_connections: u32,
    unique_authenticated_users: usize,
    max_connections_per_user: u32,
}

/// What is connected now, on all nodes together, for holders of `system.monitor`.
pub(super) async fn stats(
    State(node): State<Arc<Node>>,
    caller: Caller,
) -> Result<Json<StatsAnswer>, Problem> {
    caller.check(&node, Permission::SystemMonitor)?;
    let counts = node.connections.counts();
    let (others, nodes) = node.nodes.others();
    let own = node.surfaces.counts().into_iter();
    let mut connection_types: BTreeMap<Box<str>, u32> =
        own.map(|(name, count)| (name.into(), count)).collect();
    for (name, count) in others.surfaces {
        let all = connection_types.entry(name).or_default();
        *all = all.saturating_add(count);
    }
    let users = match nodes {
        0 => counts.users,
        _ => node.connections.users_everywhere(),
    };
    let authenticated = counts.authenticated.saturating_add(others.authenticated);
    let connections = Connections {
        active_connections: counts.active.saturating_add(others.active),
        unique_users: users,
        connection_types,
    };
    let max_connections_per_user = node.limits.connections_per_user;
    Ok(Json(StatsAnswer {
        success: true,
        stats: Stats {
            websocket_manager: connections.clone(),
            authentication: Authentication {
                connections,
                max_connections_per_user,
            },
            security: Security {
                authenticated_connections: authenticated,
                unique_authenticated_users: users,
                max_connections_per_user,
            },
        },
        timestamp: super::unix_seconds(node.clock.now()),
    }))
}
