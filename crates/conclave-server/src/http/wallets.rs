//! Wallets of users (conversation.md, "`wallet` dialect"): nonces, linking by EIP-4361, the list.
//! Where wallets are off there is nothing here.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use conclave_core::{WalletFault, WatchOwn};
use conclave_protocol::{Refusal, UserId, Wallet, WalletAddress};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::caller::Caller;
use super::fields::JsonFields;
use super::flow::whole;
use super::pages::Pages;
use super::problem::{self, Problem};
use super::rfc3339_millis as date;
use super::rooms::permit;
use super::sessions::{Named, named};
use crate::audit::Kind;
use crate::node::Node;
use crate::wallet::{KnownToken, WalletRefused, Wallets, checksummed, links_changed};

/// The calls.
pub(super) fn pages(pages: Pages) -> Pages {
    pages
        .get("/api/v1/web3/nonce", nonce)
        .post("/api/v1/web3/link", link)
        .get("/api/v1/web3/wallets", list)
        .get("/api/v1/web3/tokens", tokens)
        .delete("/api/v1/web3/link/{address}", unlink)
}

/// What a wallet is to sign once.
#[derive(Serialize, ToSchema)]
pub(super) struct Nonce {
    /// 32 hexadecimal digits.
    nonce: String,
    /// Seconds.
    expires_in: u32,
}

/// A wallet that was linked.
#[derive(Serialize, ToSchema)]
pub(super) struct LinkedWallet {
    /// As EIP-55 writes it.
    address: String,
    /// EIP-155.
    chain_id: u64,
}

/// A wallet of the caller.
#[derive(Serialize, ToSchema)]
pub(super) struct OwnWallet {
    /// As EIP-55 writes it.
    address: String,
    /// EIP-155.
    chain_id: u64,
    #[schema(format = "date-time")]
    linked_at: String,
}

/// An ERC-20 token that everybody may hear of.
#[derive(Serialize, ToSchema)]
pub(super) struct ListedToken {
    /// As EIP-55 writes it.
    address: String,
    /// As the contract calls itself; empty where it says nothing.
    symbol: String,
    /// How many digits stand behind the point.
    decimals: u8,
}

/// `GET /api/v1/web3/nonce`.
async fn nonce(State(node): State<Arc<Node>>, caller: Caller) -> Result<Json<Nonce>, Problem> {
    let (wallets, user) = begun(&node, &caller)?;
    let given = wallets.nonce(&user).await;
    let (nonce, expires_in) = given.map_err(|fault| away(&fault))?;
    Ok(Json(Nonce { nonce, expires_in }))
}

/// `POST /api/v1/web3/link {"message","signature"}`: subscriptions to all wallets of the user hear
/// this one too.
async fn link(
    State(node): State<Arc<Node>>,
    caller: Caller,
    JsonFields(mut fields): JsonFields,
) -> Result<(StatusCode, Json<LinkedWallet>), Problem> {
    let (wallets, user) = begun(&node, &caller)?;
    let (message, signature) = (fields.text("message")?, fields.text("signature")?);
    fields.end()?;
    whole(async move {
        let linked = wallets.link(&user, &message, &signature).await;
        let linked = match linked {
            Ok(linked) => linked,
            Err(refused) => return Err(refuse(&node, &caller, refused)),
        };
        links_changed(&node, &user);
        let address = checksummed(linked.address);
        let detail = json!({ "wallet_linked": address, "chain_id": linked.chain_id });
        note(&node, &caller, detail).await;
        let answer = LinkedWallet {
            address,
            chain_id: linked.chain_id,
        };
        Ok((StatusCode::CREATED, Json(answer)))
    })
    .await
}

/// `GET /api/v1/web3/wallets`: the oldest first.
async fn list(
    State(node): State<Arc<Node>>,
    caller: Caller,
) -> Result<Json<Vec<OwnWallet>>, Problem> {
    let (wallets, user) = begun(&node, &caller)?;
    let linked = wallets.linked(&user).await.map_err(|fault| away(&fault))?;
    let own = |wallet: &Wallet| OwnWallet {
        address: checksummed(wallet.address),
        chain_id: wallet.chain_id,
        linked_at: date(wallet.linked_at),
    };
    Ok(Json(linked.iter().map(own).collect()))
}

/// `GET /api/v1/web3/tokens`: in the order of the configuration.
async fn tokens(
    State(node): State<Arc<Node>>,
    caller: Caller,
) -> Result<Json<Vec<ListedToken>>, Problem> {
    let (wallets, _) = begun(&node, &caller)?;
    let listed = |token: &KnownToken| ListedToken {
        address: checksummed(token.address),
        symbol: token.symbol.to_string(),
        decimals: token.decimals,
    };
    match wallets.tokens().await {
        Ok(tokens) => Ok(Json(tokens.iter().map(listed).collect())),
        Err(refused) => {
            let (refusal, detail) = refused.into_parts();
            Err(Problem::refused(refusal, detail))
        }
    }
}

/// `DELETE /api/v1/web3/link/{address}`: subscriptions that rest on it end.
async fn unlink(
    State(node): State<Arc<Node>>,
    caller: Caller,
    address: Named<String>,
) -> Result<StatusCode, Problem> {
    let (wallets, user) = begun(&node, &caller)?;
    let none = || Problem::refused(Refusal::NotFound, "no such wallet");
    let address = WalletAddress::parse(&named(address)?).map_err(|_unfit| none())?;
    whole(async move {
        let unlinked = wallets.unlink(&user, address).await;
        if !unlinked.map_err(|fault| away(&fault))? {
            return Err(none());
        }
        links_changed(&node, &user);
        note(
            &node,
            &caller,
            json!({ "wallet_unlinked": checksummed(address) }),
        )
        .await;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Wallets, and whose are meant; a denial is audited.
fn begun(node: &Node, caller: &Caller) -> Result<(Arc<Wallets>, UserId), Problem> {
    let wallets = node.wallets.clone().ok_or_else(problem::nothing_there)?;
    permit(node, caller, WatchOwn)?;
    Ok((wallets, caller.user.clone()))
}

fn refuse(node: &Node, caller: &Caller, refused: WalletRefused) -> Problem {
    let (refusal, detail) = refused.into_parts();
    let kind = match refusal {
        Refusal::Unavailable | Refusal::Internal => None,
        Refusal::TooLarge => Some(Kind::LimitHit),
        _ => Some(Kind::PermissionDenied),
    };
    if let Some(kind) = kind {
        let event = caller.client.event_of(node, kind, &caller.principal);
        node.audit.record(event.detail(format!("link: {detail}")));
    }
    Problem::refused(refusal, detail)
}

fn away(fault: &WalletFault) -> Problem {
    tracing::error!(error = %fault.0, "the store is unavailable");
    Problem::refused(Refusal::Unavailable, "the store is unavailable")
}

async fn note(node: &Node, caller: &Caller, detail: Value) {
    let kind = Kind::WalletChange;
    let event = caller.client.event_of(node, kind, &caller.principal);
    node.audit.record_waiting(event.detail(detail)).await;
}
