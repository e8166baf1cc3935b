//! Tells those who share rooms who comes and goes, and ends what lasts only for a while.

use std::sync::Arc;
use std::time::Duration;

use crate::node::Node;

/// Runs until the runtime ends.
pub(crate) async fn attend(node: Arc<Node>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        look(&node).await;
    }
}

async fn look(node: &Node) {
    let now = node.clock.now();
    let (mut touched, overflow) = node.connections.take_changes();
    let attendance = node.rooms.attendance();
    if overflow {
        touched.extend(attendance.users());
    }
    if node.nodes.tick(node, &touched) {
        node.topics.directory().doubt_rooms();
        node.answers.look_for_gone(&node.nodes);
    }
    let open = |user: &_| node.connections.of_user(user) > 0;
    let changes = attendance.update(now, &touched, open);
    node.rooms.expire_typing(now);
    node.lost.expire(now);
    node.polls.sweep();
    if changes.is_empty() {
        return;
    }
    // When another node is first heard, all its users come at once.
    for changes in changes.chunks(CHANGES_MAX) {
        if let Err(error) = node.rooms.tell_presence(changes, now).await {
            tracing::warn!(%error, "cannot tell who came and went");
        }
    }
}

/// Of one reading of the store.
const CHANGES_MAX: usize = 500;
const EVERY: Duration = Duration::from_millis(250);
