//! The tasks that take what comes from the bus, and read from the store what did not come.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use conclave_core::{Arrival, Feed, NodeId, Notice};
use conclave_protocol::RoomId;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::answering::answer;
use crate::node::Node;
use crate::wallet::doubt_links;
use crate::worker::{Control, Kick, Target};

/// Takes what comes, until the runtime ends.
pub(crate) async fn hear(node: Arc<Node>, mut feed: Box<dyn Feed>) {
    let mut arrived = Vec::new();
    while feed.next(&mut arrived).await {
        // Notices go first: a revocation must not wait for what is slow to be delivered.
        let now = node.clock.monotonic();
        for arrival in &arrived {
            match arrival {
                Arrival::Missed => {
                    node.nodes.doubt(now);
                    doubt_links(&node);
                }
                Arrival::Notice { from, notice } => {
                    node.nodes.take(*from, notice, now);
                    obey(&node, *from, notice);
                }
                Arrival::Publication { .. }
                | Arrival::Record { .. }
                | Arrival::Recorded { .. }
                | Arrival::Unrecorded { .. } => {}
            }
        }
        let missed = arrived.iter().any(|a| matches!(a, Arrival::Missed));
        take(&node, arrived.drain(..)).await;
        if missed {
            node.nodes.lapse.notify_one();
        }
    }
}

/// Whenever something may have been missed: who was taken into a room meanwhile hears it from now
/// on. Runs until the runtime ends.
pub(crate) async fn tell_entered(node: Arc<Node>) {
    loop {
        node.nodes.lapse.notified().await;
        let number = node.nodes.heard_up_to(node.clock.monotonic());
        while let Err(error) = node.rooms.tell_entered(number).await {
            tracing::warn!(%error, "cannot read who was taken into a room");
            tokio::time::sleep(AGAIN).await;
        }
    }
}

fn obey(node: &Arc<Node>, from: NodeId, notice: &Notice) {
    match notice {
        Notice::Alive { .. } | Notice::AskRoll { .. } | Notice::Roll(_) => {}
        Notice::Ask { id, question } => {
            let (node, question) = (Arc::clone(node), question.clone());
            tokio::spawn(answer(node, from, *id, question));
        }
        Notice::Answer { to, id, answer } => node.nodes.take_answer(from, *to, *id, answer),
        Notice::Spent(list) => node.charge(list),
        Notice::Changed => node.nodes.changed.notify_one(),
        Notice::Disconnect { user, code, reason } => {
            for worker in 0..node.controls.len() {
                let kick = Kick {
                    target: Target::User(user.clone()),
                    code: *code,
                    reason: reason.clone(),
                };
                // Nobody here waits for how many there were.
                let (answer, _) = oneshot::channel();
                node.tell(worker, Control::Kick { kick, answer });
            }
        }
    }
}

/// Waits while workers have too much to deliver, but not for ever, since notices come behind:
/// then the rest of what has come is left, as if the bus had lost it.
async fn take(node: &Node, mut arrived: impl Iterator<Item = Arrival>) {
    let directory = node.topics.directory();
    while let Some(mut arrival) = arrived.next() {
        if !note_answer(node, &mut arrival) {
            continue;
        }
        let is_delivered = matches!(
            arrival,
            Arrival::Publication { .. } | Arrival::Record { .. } | Arrival::Recorded { .. }
        );
        if is_delivered {
            let clear = poll_fn(|context| directory.poll_clear(context));
            if tokio::time::timeout(CLEAR_TIME, clear).await.is_err() {
                node.nodes.pass_over(arrived.count().saturating_add(1));
                node.rooms.doubt_answers();
                directory.arrive(Arrival::Missed);
                return;
            }
        }
        directory.arrive(arrival);
    }
}

/// Takes note of what is said of answers, before anybody hears it; whether they are to hear it.
fn note_answer(node: &Node, arrival: &mut Arrival) -> bool {
    match arrival {
        Arrival::Missed => node.rooms.doubt_answers(),
        Arrival::Publication {
            from,
            channel,
            body,
            ..
        } => return node.rooms.hear_of_answer(*from, channel, body),
        Arrival::Notice { .. }
        | Arrival::Record { .. }
        | Arrival::Recorded { .. }
        | Arrival::Unrecorded { .. } => {}
    }
    true
}

/// Closes the gaps of rooms, until the runtime ends.
pub(crate) async fn close_gaps(node: Arc<Node>) {
    let mut again: Vec<RoomId> = Vec::new();
    loop {
        let mut rooms = Vec::new();
        let gaps = poll_fn(|context| {
            let directory = node.topics.directory();
            directory.poll_gaps(context, &mut rooms)
        });
        if again.is_empty() {
            gaps.await;
        } else {
            tokio::time::timeout(AGAIN, gaps).await.ok();
        }
        // Most of what is missing is only late.
        tokio::time::sleep(HOLD).await;
        rooms.append(&mut again);
        again = close_all(&node, rooms).await;
    }
}

/// Closes the gaps of these rooms; those that could not be.
async fn close_all(node: &Arc<Node>, rooms: Vec<RoomId>) -> Vec<RoomId> {
    let mut failed = Vec::new();
    let mut closing = JoinSet::new();
    for room in rooms {
        if closing.len() >= READS_MAX
            && let Some(Ok(Some(room))) = closing.join_next().await
        {
            failed.push(room);
        }
        let node = Arc::clone(node);
        closing.spawn(async move {
            let error = node.rooms.close_gap(&room).await.err()?;
            tracing::warn!(%error, room = room.as_str(), "cannot read what was missed of a room");
            Some(room)
        });
    }
    failed.extend(closing.join_all().await.into_iter().flatten());
    failed
}

/// How long an event of a room waits for the one before it.
const HOLD: Duration = Duration::from_millis(20);
const AGAIN: Duration = Duration::from_secs(1);
const CLEAR_TIME: Duration = Duration::from_secs(1);
/// Rooms that are read at once.
const READS_MAX: usize = 16;
