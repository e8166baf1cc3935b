//! Questions to all other nodes, and their answers, waited for a bounded time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conclave_core::{NOTICE_BYTES_MAX, NodeId, Notice};
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::Nodes;

/// Questions that wait for answers.
#[derive(Debug, Default)]
pub(super) struct Asking {
    last: AtomicU64,
    open: Mutex<HashMap<u64, Answers>>,
}

/// Where the answers to one question go.
type Answers = mpsc::Sender<(NodeId, Box<str>)>;

/// What came of a question.
#[derive(Debug)]
pub(crate) struct Answered<T> {
    /// Who answered what.
    pub(crate) answers: Vec<(NodeId, T)>,
    /// Who did not in time, or could not be read.
    pub(crate) silent: Vec<NodeId>,
}

/// Ends the question when it is dropped.
struct Waiting<'a> {
    asking: &'a Asking,
    id: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.asking.open.lock().remove(&self.id);
    }
}

impl Nodes {
    /// Tells all others something that needs no answer.
    pub(crate) fn say(&self, said: &impl Serialize) {
        if let (Some(link), Ok(text)) = (&self.link, serde_json::to_string(said))
            && text.len() <= NOTICE_BYTES_MAX
        {
            link.bus.tell(Notice::Ask {
                id: 0,
                question: text.into(),
            });
        }
    }

    /// Asks all others, and waits until each has answered, `is_enough` says so of an answer, or
    /// the time is over. Where there are too many questions already, none answers.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        question: &impl Serialize,
        time: Duration,
        is_enough: impl Fn(&T) -> bool,
    ) -> Answered<T> {
        let mut answered = Answered {
            answers: Vec::new(),
            silent: Vec::new(),
        };
        let Some(link) = &self.link else {
            return answered;
        };
        answered.silent = link.roll.nodes();
        let (asking, question) = (&link.asking, serde_json::to_string(question));
        let Ok(question) = question else {
            return answered;
        };
        if answered.silent.is_empty() {
            return answered;
        }
        let (sender, mut answers) = mpsc::channel(ANSWERS_MAX);
        let id = asking.last.fetch_add(1, Ordering::Relaxed) + 1;
        {
            let mut open = asking.open.lock();
            if open.len() >= OPEN_MAX {
                return answered;
            }
            open.insert(id, sender);
        }
        let _waiting = Waiting { asking, id };
        let question = question.into();
        if !link.bus.tell(Notice::Ask { id, question }) {
            return answered;
        }
        let collect = async {
            while !answered.silent.is_empty()
                && let Some((from, text)) = answers.recv().await
            {
                let Ok(answer) = serde_json::from_str(&text) else {
                    continue;
                };
                answered.silent.retain(|node| *node != from);
                let enough = is_enough(&answer);
                answered.answers.push((from, answer));
                if enough {
                    break;
                }
            }
        };
        // Who has not answered by then is named.
        tokio::time::timeout(time, collect).await.ok();
        answered
    }

    /// Takes an answer to a question of this node.
    pub(super) fn take_answer(&self, from: NodeId, to: NodeId, id: u64, answer: &str) {
        let Some(link) = self.link.as_ref().filter(|link| link.node == to) else {
            return;
        };
        if let Some(asker) = link.asking.open.lock().get(&id) {
            // Nobody waits for more than there are nodes.
            asker.try_send((from, answer.into())).ok();
        }
    }

    /// Answers a question.
    pub(crate) fn answer(&self, to: NodeId, id: u64, answer: &impl Serialize) {
        if let (Some(link), Ok(text)) = (&self.link, serde_json::to_string(answer))
            && text.len() <= NOTICE_BYTES_MAX
        {
            link.bus.tell(Notice::Answer {
                to,
                id,
                answer: text.into(),
            });
        }
    }
}

/// Questions of this node that wait at once.
const OPEN_MAX: usize = 1000;
/// Answers to one question that wait to be taken.
const ANSWERS_MAX: usize = 1000;
