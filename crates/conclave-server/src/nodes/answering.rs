//! What nodes ask of each other, and what this one answers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use conclave_core::{NodeId, Search};
use conclave_protocol::{Principal, Recovery, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::assistant::{Asked, answer_node};
use crate::node::Node;
use crate::wallet::note_links;
use crate::worker::{Control, Kick, Listed, Listing, Load, Owned, Proof, Target, Told, worker_of};

use super::survey::{self, Heard, TopicKey};

/// A question, or something to know.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Question {
    /// About answers of the assistant.
    Answers(Asked),
    /// Whether a client that is back elsewhere was here: then its connection ends, and what is
    /// kept of it is the answer, a [`Told`] or null.
    Client(Owned),
    /// Connections behind a place, in the order of nodes and then of ids: a list of
    /// [`ListedThere`].
    Connections {
        /// As nodes are shown.
        node: String,
        /// Of that node's connections.
        after: u64,
        /// At most so many.
        limit: u32,
        /// With this in what is shown of them.
        #[serde(default)]
        search: Option<String>,
    },
    /// How many connections hear each of these rooms: a list of numbers, in that order.
    Heard {
        /// Their ids.
        rooms: Vec<String>,
    },
    /// Connections that hear a channel: a list of [`ListedThere`].
    Hearing {
        /// Which.
        heard: Heard,
        /// At most so many.
        limit: u32,
    },
    /// Topics that are heard, in their order: a list of [`HeardTopic`].
    Topics {
        /// Those behind this one.
        after: Option<TopicKey>,
        /// At most so many.
        limit: u32,
        /// With this in their session or name.
        search: Option<String>,
    },
    /// Ends one connection of the node that is meant: how many that were.
    Disconnect {
        /// As nodes are shown.
        node: String,
        /// Its number there.
        connection: u64,
        /// As in [`Kick`].
        code: Option<u16>,
        /// As in [`Kick`].
        reason: Option<Box<str>>,
    },
    /// A client of these is on the node that says so: nobody else has it any more.
    Forget {
        /// Which.
        client: Proof,
    },
    /// This user has other wallets than before.
    Wallets {
        /// Whose they are.
        user: String,
    },
    /// Clients of a node that stops, which may come back to any other: true.
    Inherit {
        /// Which, and what is kept of them.
        clients: Vec<(Proof, Told)>,
    },
}

/// A connection of another node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ListedThere {
    id: u64,
    user: Option<String>,
    session: String,
    surface: String,
    address: IpAddr,
    since: u64,
    #[serde(default)]
    load: Load,
}

impl From<Listed> for ListedThere {
    fn from(listed: Listed) -> Self {
        Self {
            id: listed.id,
            user: listed.user.map(|user| user.as_str().to_owned()),
            session: listed.session,
            surface: listed.surface.to_owned(),
            address: listed.address,
            since: listed.since.millis(),
            load: listed.load,
        }
    }
}

impl ListedThere {
    /// As this node would show it; `None` where the other is of another make.
    pub(crate) fn listed(self, node: &Node) -> Option<Listed> {
        Some(Listed {
            id: self.id,
            user: self.user.map(|user| UserId::new(&user)).transpose().ok()?,
            session: self.session,
            surface: node.surfaces.name(&self.surface)?,
            address: self.address,
            since: Timestamp::from_millis(self.since),
            load: self.load,
        })
    }
}

/// Answers a question of another node.
pub(super) async fn answer(node: Arc<Node>, from: NodeId, id: u64, question: Box<str>) {
    let Ok(question) = serde_json::from_str::<Question>(&question) else {
        tracing::debug!(%from, "a node's question cannot be read");
        return;
    };
    let own = node.nodes.name();
    match question {
        Question::Answers(asked) => answer_node(&node, from, id, asked).await,
        Question::Client(owned) => {
            let told = give_up(&node, &owned).await;
            node.nodes.answer(from, id, &told);
        }
        Question::Connections {
            node: place,
            after,
            limit,
            search,
        } => {
            let after = match own.as_deref().unwrap_or("").cmp(&place) {
                std::cmp::Ordering::Less => None,
                std::cmp::Ordering::Equal => Some(after),
                std::cmp::Ordering::Greater => Some(0),
            };
            let mut list = Vec::new();
            if let Some(after) = after {
                let search = search.as_deref().map(Search::new);
                list = open_connections(&node, after, limit.min(LIST_MAX), search.as_ref()).await;
            }
            let list: Vec<ListedThere> = list.into_iter().map(ListedThere::from).collect();
            node.nodes.answer(from, id, &list);
        }
        Question::Disconnect {
            node: meant,
            connection,
            code,
            reason,
        } => {
            let target = Target::Connection(connection);
            let wish = Kick {
                target,
                code,
                reason,
            };
            let closed = match own == Some(meant) {
                true => kick(&node, wish).await,
                false => 0,
            };
            node.nodes.answer(from, id, &closed);
        }
        Question::Heard { .. } | Question::Hearing { .. } | Question::Topics { .. } => {
            answer_heard(&node, from, id, question).await;
        }
        Question::Forget { client } => node.lost.forget(&client),
        Question::Wallets { user } => reread(&node, &user),
        Question::Inherit { clients } => {
            inherit(&node, clients);
            node.nodes.answer(from, id, &true);
        }
    }
}

/// Reads the wallets of a user again.
fn reread(node: &Node, user: &str) {
    if let Ok(user) = UserId::new(user) {
        note_links(node, &user);
    }
}

/// Keeps the clients of a node that stops.
fn inherit(node: &Node, clients: Vec<(Proof, Told)>) {
    let now = node.clock.now();
    for (client, told) in clients {
        node.lost.inherit(client, &told, now);
    }
}

/// Answers what is asked of what is heard here.
async fn answer_heard(node: &Arc<Node>, from: NodeId, id: u64, question: Question) {
    match question {
        Question::Heard { rooms } => {
            let counts = survey::heard_rooms(node, &rooms);
            node.nodes.answer(from, id, &counts);
        }
        Question::Hearing { heard, limit } => {
            let list = survey::hearing(node, &heard, limit.min(LIST_MAX)).await;
            let list: Vec<ListedThere> = list.into_iter().map(ListedThere::from).collect();
            node.nodes.answer(from, id, &list);
        }
        Question::Topics {
            after,
            limit,
            search,
        } => {
            let search = search.as_deref().map(Search::new);
            let list = survey::heard_topics(node, search, after, limit.min(LIST_MAX)).await;
            node.nodes.answer(from, id, &list);
        }
        Question::Answers(_)
        | Question::Client(_)
        | Question::Connections { .. }
        | Question::Disconnect { .. }
        | Question::Forget { .. }
        | Question::Inherit { .. }
        | Question::Wallets { .. } => {}
    }
}

/// What this node keeps of a client that is back on another, whose connection ends.
async fn give_up(node: &Node, owned: &Owned) -> Option<Told> {
    let user = UserId::new(&owned.user).ok()?;
    if !node.lost.knows(&owned.client) && node.connections.of_user_here(&user) > 0 {
        node.release(owned.client, &user).await;
    }
    node.lost.give_up(owned, node.clock.now())
}

/// Takes over a client of another node, where one has it: then it is in [`Node::lost`].
pub(crate) async fn take_over(node: &Node, recovery: &Recovery, principal: &Principal) {
    let Some(owned) = Owned::new(recovery, principal) else {
        return;
    };
    let question = Question::Client(owned);
    let is_it = |told: &Option<Told>| told.is_some();
    let answered = node.nodes.ask(&question, TAKE_OVER_TIME, is_it).await;
    let told = answered.answers.into_iter().find_map(|(_, told)| told);
    if let Some(told) = told {
        let now = node.clock.now();
        node.lost.inherit(Proof::of(recovery.secret), &told, now);
    }
}

/// Tells the others of the clients of this node, which stops, and waits until they know.
pub(crate) async fn bequeath(node: &Node) {
    let clients = node.lost.all(node.clock.now());
    for clients in clients.chunks(CLIENTS_MAX) {
        let clients = clients.to_vec();
        let question = Question::Inherit { clients };
        let answered = node
            .nodes
            .ask(&question, BEQUEATH_TIME, |_: &bool| false)
            .await;
        if !answered.silent.is_empty() {
            let nodes = answered.silent.len();
            tracing::warn!(nodes, "not every node knows whose clients come back to it");
            return;
        }
    }
}

/// The open connections of this node behind an id, those that have the search.
pub(crate) async fn open_connections(
    node: &Node,
    after: u64,
    limit: u32,
    search: Option<&Search>,
) -> Vec<Listed> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut list = Vec::new();
    for worker in worker_of(after)..node.controls.len() {
        let mut next = Some(after);
        while let Some(after) = next {
            let wanted = limit.saturating_sub(list.len());
            if wanted == 0 {
                return list;
            }
            let (answer, answered) = oneshot::channel();
            let listing = Listing {
                after,
                limit: wanted,
                search: search.cloned(),
            };
            node.tell(worker, Control::List { listing, answer });
            // A worker that has ended has no connections.
            let found = answered.await.unwrap_or_default();
            list.extend(found.connections);
            next = found.next;
        }
    }
    list
}

/// Ends connections of this node; how many.
pub(crate) async fn kick(node: &Node, kick: Kick) -> usize {
    let workers = match kick.target {
        Target::Connection(id) => worker_of(id)..worker_of(id).saturating_add(1),
        Target::User(_) => 0..node.controls.len(),
    };
    let ask = |answer| Control::Kick {
        kick: kick.clone(),
        answer,
    };
    node.ask(workers, ask).await.into_iter().sum()
}

/// How long a client that is back waits for its past.
const TAKE_OVER_TIME: Duration = Duration::from_millis(500);
const BEQUEATH_TIME: Duration = Duration::from_millis(500);
/// Clients of one notice.
const CLIENTS_MAX: usize = 500;
/// Connections of one answer.
const LIST_MAX: u32 = 1000;
