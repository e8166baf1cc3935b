//! `GET /api/v1/wallet`: how the feed of the chain is.

use axum::Json;
use axum::extract::State;
use conclave_core::BlockHead;
use conclave_protocol::Monitor;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Here, permit};
use crate::http::backend::Backend;
use crate::http::problem::Problem;
use crate::http::rfc3339_millis as date;

/// The feed; where it is off, only that.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct WalletState {
    enabled: bool,
    #[serde(flatten)]
    #[schema(inline)]
    feed: Option<WalletFeedState>,
}

/// The feed of a chain.
#[derive(Serialize, ToSchema)]
struct WalletFeedState {
    /// EIP-155; `null` until the node has said it.
    chain_id: Option<u64>,
    /// `live`, or `degraded` while the node is away.
    status: &'static str,
    /// The newest block that was told; `null` before the first.
    head: Option<Head>,
    subscriptions: Subscriptions,
    /// Different addresses.
    addresses: usize,
    upstream: Upstream,
}

/// A block.
#[derive(Serialize, ToSchema)]
struct Head {
    number: u64,
    hash: String,
    /// When it was made, as it says itself.
    #[schema(format = "date-time")]
    at: String,
}

/// Of all connections.
#[derive(Serialize, ToSchema)]
struct Subscriptions {
    balance: usize,
    transactions: usize,
    contract: usize,
}

/// What was asked of the node and came of it, since the server started.
#[derive(Serialize, ToSchema)]
struct Upstream {
    requests: u64,
    reconnects: u64,
    reorganisations: u64,
    gaps_filled: u64,
}

/// Answers also where the feed is off.
pub(in crate::http) async fn wallet(
    State(node): Here,
    backend: Backend,
) -> Result<Json<WalletState>, Problem> {
    permit(&node, &backend, Monitor)?;
    let feed = node.wallets.as_ref().map(|wallets| {
        let feed = wallets.feed();
        WalletFeedState {
            chain_id: feed.chain_id,
            status: if feed.is_live { "live" } else { "degraded" },
            head: feed.head.map(head),
            subscriptions: Subscriptions {
                balance: feed.balance,
                transactions: feed.transactions,
                contract: feed.contract,
            },
            addresses: feed.addresses,
            upstream: Upstream {
                requests: feed.requests,
                reconnects: feed.reconnects,
                reorganisations: feed.reorganisations,
                gaps_filled: feed.gaps_filled,
            },
        }
    });
    Ok(Json(WalletState {
        enabled: feed.is_some(),
        feed,
    }))
}

fn head(head: BlockHead) -> Head {
    Head {
        number: head.number,
        hash: head.hash.to_string(),
        at: date(head.at),
    }
}
