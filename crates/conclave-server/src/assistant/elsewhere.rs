//! Answers over several nodes: what this one asks of the others, and what it answers them.

use std::collections::HashMap;
use std::time::Duration;

use conclave_core::{Actor, Assistant, Elsewhere, LeaseName, NodeId, RoomFault, Running};
use conclave_protocol::{MessageId, Refusal, RoomId, UserId};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::{Answers, hash};
use crate::node::Node;
use crate::nodes::Question;

/// A question about answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub(crate) enum Asked {
    /// Stops the answer of a room: what became of it, a [`Cancelled`].
    Cancel {
        /// Where.
        room: String,
        /// Who has a permit for it.
        user: String,
        /// As in [`Actor`].
        any: bool,
        /// As in [`Actor`].
        moderator: bool,
    },
    /// What was said of the answer that is given there: a [`Said`], or null.
    SaidSoFar {
        /// Where.
        room: String,
        /// Behind so many bytes.
        after: usize,
    },
    /// Answers under way: a list of [`Underway`].
    Underway {
        /// There alone.
        room: Option<String>,
        /// At most so many.
        limit: u32,
    },
}

/// What became of a wish to stop an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Cancelled {
    /// It was stopped.
    Done,
    /// It is not for that user to stop.
    Forbidden,
    /// None is given there.
    NotFound,
    /// The store is away.
    Unavailable,
}

/// A piece of an answer.
#[derive(Debug, Serialize, Deserialize)]
struct Said {
    message: String,
    text: String,
    more: bool,
}

/// An answer under way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Underway {
    /// The room's id.
    pub(crate) room: String,
    /// The id that it will have.
    pub(crate) message: String,
    /// Who asked.
    pub(crate) asker: String,
    /// So far.
    pub(crate) tokens: u32,
    /// For how long.
    pub(crate) seconds: f64,
}

impl Underway {
    fn read(node: &Node, assistant: &Assistant, running: &Running) -> Self {
        let so_far = node.rooms.answer_so_far(&running.room);
        let since = node.clock.monotonic().saturating_sub(running.since);
        Self {
            room: running.room.as_str().to_owned(),
            message: running.message.to_string(),
            asker: running.asker.as_str().to_owned(),
            tokens: so_far.map_or(0, |part| assistant.tokens(&part.delta)),
            seconds: since.as_secs_f64(),
        }
    }
}

/// Answers a question of another node.
pub(crate) async fn answer(node: &Node, from: NodeId, id: u64, asked: Asked) {
    let nodes = &node.nodes;
    match asked {
        Asked::Cancel {
            room,
            user,
            any,
            moderator,
        } => {
            let done = match (RoomId::new(&room), UserId::new(&user)) {
                (Ok(room), Ok(user)) => {
                    let actor = Actor::plain(user).with(any, moderator);
                    cancel_here(node, &actor, &room).await
                }
                _ => Cancelled::NotFound,
            };
            nodes.answer(from, id, &done);
        }
        Asked::SaidSoFar { room, after } => {
            let room = RoomId::new(&room).ok();
            let piece = room.and_then(|room| node.rooms.own_answer(&room, after, PIECE_BYTES));
            let said = piece.map(|piece| Said {
                message: piece.message.to_string(),
                text: piece.text.into_string(),
                more: piece.more,
            });
            nodes.answer(from, id, &said);
        }
        Asked::Underway { room, limit } => {
            nodes.answer(from, id, &underway_here(node, room.as_deref(), limit));
        }
    }
}

async fn cancel_here(node: &Node, actor: &Actor, room: &RoomId) -> Cancelled {
    let Some(assistant) = node.answers.service() else {
        return Cancelled::NotFound;
    };
    match assistant.cancel_for(actor, room).await {
        Ok(()) => Cancelled::Done,
        Err(fault) => match fault.refusal() {
            Refusal::Forbidden => Cancelled::Forbidden,
            Refusal::NotFound => Cancelled::NotFound,
            _ => Cancelled::Unavailable,
        },
    }
}

fn underway_here(node: &Node, room: Option<&str>, limit: u32) -> Vec<Underway> {
    let Some(assistant) = node.answers.service() else {
        return Vec::new();
    };
    let running = match room {
        Some(room) => {
            let room = RoomId::new(room).ok();
            let running = room.and_then(|room| assistant.running_in(&room));
            running.into_iter().collect()
        }
        None => assistant.running(usize::try_from(limit.min(LIST_MAX)).unwrap_or(0)),
    };
    let running = running.iter();
    running
        .map(|running| Underway::read(node, assistant, running))
        .collect()
}

/// Answers under way on all nodes, or the one of a room: those of this node first.
pub(crate) async fn underway(node: &Node, room: Option<&RoomId>, limit: u32) -> Vec<Underway> {
    let mut list = underway_here(node, room.map(RoomId::as_str), limit);
    let limit_size = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_enough = list.len() >= limit_size || (room.is_some() && !list.is_empty());
    if !has_enough && node.answers.service().is_some() {
        let room = room.map(|room| room.as_str().to_owned());
        let is_one = room.is_some();
        let question = Question::Answers(Asked::Underway { room, limit });
        let is_enough = |found: &Vec<Underway>| is_one && !found.is_empty();
        let answered = node.nodes.ask(&question, ASK_TIME, is_enough).await;
        let found = answered.answers.into_iter();
        list.extend(found.flat_map(|(_, found)| found));
        list.truncate(limit_size);
    }
    list
}

/// Stops the answer that another node gives in a room; that node decides whether it may be.
pub(super) async fn cancel(
    node: &Node,
    assistant: &Assistant,
    actor: &Actor,
    room: &RoomId,
) -> Result<(), RoomFault> {
    let none = || RoomFault::refused(Refusal::NotFound, "no answer is running");
    // Who is no member gets no node to do anything.
    assistant.may_see(actor, room).await?;
    let question = Question::Answers(Asked::Cancel {
        room: room.as_str().to_owned(),
        user: actor.user.as_str().to_owned(),
        any: actor.any,
        moderator: actor.moderator,
    });
    let is_enough = |done: &Cancelled| *done != Cancelled::NotFound;
    let answered = node.nodes.ask(&question, ASK_TIME, is_enough).await;
    let silent = !answered.silent.is_empty();
    let mut answers = answered.answers.into_iter().map(|(_, done)| done);
    match answers.find(is_enough) {
        Some(Cancelled::Done) => Ok(()),
        Some(Cancelled::Forbidden) => Err(Assistant::may_not_stop()),
        None | Some(Cancelled::NotFound) if !silent => Err(none()),
        _ => {
            let message = "a node does not say whether it answers there; try again";
            Err(RoomFault::refused(Refusal::Unavailable, message))
        }
    }
}

impl Answers {
    /// Of who comes to hear rooms: finds out what was said of the answers that other nodes give
    /// there. What they do not say in time stays unknown.
    pub(crate) async fn learn(&self, node: &Node, rooms: &[RoomId]) {
        let Some((own, leases)) = self.0.as_ref().and_then(|desk| desk.leases.as_ref()) else {
            return;
        };
        if !node.nodes.has_others() {
            return;
        }
        let unknown = rooms.iter().filter(|room| !node.rooms.knows_answer(room));
        let unknown: HashMap<LeaseName, &RoomId> = unknown
            .map(|room| (LeaseName::answers(hash(room)), room))
            .collect();
        let names: Vec<LeaseName> = unknown.keys().copied().collect();
        // Who answers has the room's lease, so that nobody is asked of the others.
        let Ok(given) = leases.of_others(&names, *own).await else {
            return;
        };
        let learnt = given
            .iter()
            .filter_map(|lease| unknown.get(lease))
            .map(|room| async {
                if let Some((answer, text)) = said_elsewhere(node, room).await {
                    node.rooms.learn_answer(&answer, &text);
                }
            });
        let learning = tokio::time::timeout(ASK_TIME, join_all(learnt));
        if learning.await.is_err() {
            tracing::debug!("a node does not say in time what it answers");
        }
    }
}

/// All that was said of a room's answer, piece by piece.
async fn said_elsewhere(node: &Node, room: &RoomId) -> Option<(Elsewhere, String)> {
    let mut text = String::new();
    let mut found: Option<Elsewhere> = None;
    loop {
        let question = Question::Answers(Asked::SaidSoFar {
            room: room.as_str().to_owned(),
            after: text.len(),
        });
        let answered = node
            .nodes
            .ask(&question, ASK_TIME, |said: &Option<Said>| said.is_some());
        let answers = answered.await.answers.into_iter();
        let (by, said) = answers
            .filter_map(|(by, said)| Some((by, said?)))
            .next_back()?;
        let answer = Elsewhere {
            room: room.clone(),
            message: MessageId::parse(&said.message)?,
            by,
        };
        if found.as_ref().is_some_and(|found| *found != answer) {
            return None;
        }
        text.push_str(&said.text);
        if text.len() > ANSWER_BYTES_MAX {
            return None;
        }
        if !said.more || said.text.is_empty() {
            return Some((answer, text));
        }
        found = Some(answer);
    }
}

/// For so long the other nodes are waited for.
const ASK_TIME: Duration = Duration::from_secs(1);
/// Of a piece, which grows to six times that in a notice at worst.
const PIECE_BYTES: usize = 128 * 1024;
const ANSWER_BYTES_MAX: usize = 4 << 20;
const LIST_MAX: u32 = 1000;
