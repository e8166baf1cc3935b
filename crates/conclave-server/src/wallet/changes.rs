//! That a user has linked or unlinked a wallet, here or on another node: nodes tell each other
//! whose wallets have changed, not how, and what connections hear follows the store.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use conclave_protocol::UserId;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::node::Node;
use crate::nodes::Question;
use crate::worker::Control;

/// Users whose wallets are to be read again: of those who have connections here.
#[derive(Debug, Default)]
pub(super) struct LinkChanges {
    users: Mutex<HashSet<UserId>>,
    some: Notify,
}

/// Tells all nodes that the store has other wallets of this user.
pub(crate) fn links_changed(node: &Node, user: &UserId) {
    note_links(node, user);
    node.nodes.say(&Question::Wallets {
        user: user.as_str().to_owned(),
    });
}

/// What this node's connections hear of the user's wallets has to follow the store.
pub(crate) fn note_links(node: &Node, user: &UserId) {
    let Some(wallets) = &node.wallets else {
        return;
    };
    if node.connections.of_user_here(user) == 0 {
        return;
    }
    let changes = wallets.link_changes();
    changes.users.lock().insert(user.clone());
    changes.some.notify_one();
}

/// Other nodes may have told of changes that did not reach this one.
pub(crate) fn doubt_links(node: &Node) {
    if node.wallets.is_none() {
        return;
    }
    for worker in 0..node.controls.len() {
        node.tell(worker, Control::LinksDoubted);
    }
}

/// Reads the wallets of users who were noted and tells their connections, one after the other, so
/// that what was read later is told later. Runs until the runtime ends.
pub(crate) async fn follow_links(node: Arc<Node>) {
    let Some(wallets) = node.wallets.clone() else {
        return;
    };
    let changes = wallets.link_changes();
    loop {
        changes.some.notified().await;
        let users = std::mem::take(&mut *changes.users.lock());
        let mut failed = Vec::new();
        for user in users {
            // Why it failed was logged there.
            let Ok(own) = wallets.own(&user).await else {
                failed.push(user);
                continue;
            };
            let own: Arc<[_]> = own.into();
            for worker in 0..node.controls.len() {
                let (user, wallets) = (user.clone(), Arc::clone(&own));
                node.tell(worker, Control::Wallets { user, wallets });
            }
        }
        if !failed.is_empty() {
            tokio::time::sleep(AGAIN).await;
            failed.iter().for_each(|user| note_links(&node, user));
        }
    }
}

const AGAIN: Duration = Duration::from_secs(1);
