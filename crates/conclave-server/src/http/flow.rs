//! How handlers run what must not stop half-way.

use std::sync::Arc;

use conclave_auth::{Revocation, SignInError};
use conclave_core::Notice;

use super::problem::Problem;
use crate::node::Node;

/// Runs work to its end, even where the client goes away or the request's time is over: a
/// revocation that is stored must also reach the connections, and a wrong password must count.
pub(super) async fn whole<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(work).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a request's work failed");
        Err(Problem::internal())
    })
}

/// Runs what may revoke, and has every worker look at its connections where it did, failed or
/// not: what was stored before a failure counts.
pub(super) async fn revoking<T>(
    node: &Arc<Node>,
    work: impl Future<Output = Result<T, SignInError>>,
) -> Result<T, SignInError>
where
    T: AsRef<[Revocation]>,
{
    let before = node.identity.epoch();
    let done = work.await;
    match &done {
        Ok(revocations) => node.identity.apply(revocations.as_ref()),
        Err(SignInError::Reused(revocation)) => {
            node.identity.apply(std::slice::from_ref(revocation));
        }
        Err(_) => {}
    }
    if node.identity.epoch() != before {
        node.review_all();
        node.nodes.tell(Notice::Changed);
    }
    done
}
