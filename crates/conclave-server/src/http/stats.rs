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
    connection_types: BTreeMap<&'static str, u32>,
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

/// What is connected now, for holders of `system.monitor`.
pub(super) async fn stats(
    State(node): State<Arc<Node>>,
    caller: Caller,
) -> Result<Json<StatsAnswer>, Problem> {
    caller.check(&node, Permission::SystemMonitor)?;
    let counts = node.connections.counts();
    let connection_types = node.surfaces.counts();
    let connections = Connections {
        active_connections: counts.active,
        unique_users: counts.users,
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
                authenticated_connections: counts.authenticated,
                unique_authenticated_users: counts.users,
                max_connections_per_user,
            },
        },
        timestamp: super::unix_seconds(node.clock.now()),
    }))
}
