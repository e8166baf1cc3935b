//! `GET /api/v1/assistant`: what the assistant of a node does, and where all answer.

use axum::Json;
use axum::extract::State;
use conclave_core::Assistant;
use conclave_protocol::Monitor;
use serde::Serialize;
use utoipa::ToSchema;

use super::figures::Times;
use super::{Here, permit};
use crate::assistant::{Underway, underway};
use crate::http::backend::Backend;
use crate::http::problem::Problem;
use crate::metrics::Timed;
use crate::node::Node;

/// Counts of this node since it started; where the assistant is off, that alone.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct AssistantFigures {
    enabled: bool,
    #[serde(flatten)]
    of: Option<Counts>,
}

#[derive(Serialize, ToSchema)]
struct Counts {
    /// As the configuration names it.
    model: String,
    /// Host and port of the provider.
    base_host: String,
    concurrency: Concurrency,
    answers: Answers,
    tokens: Tokens,
    /// From the turn of a question to the first token of its answer.
    first_token: Times,
    /// Where an answer is under way, on whichever node, at most 50; those of this node first.
    rooms: Vec<Answering>,
}

#[derive(Serialize, ToSchema)]
struct Concurrency {
    running: usize,
    /// Questions that wait for their room's turn.
    waiting: usize,
    /// Answers at a time.
    limit: u32,
}

/// How answers ended.
#[derive(Serialize, ToSchema)]
struct Answers {
    started: u64,
    stop: u64,
    length: u64,
    cancelled: u64,
    /// Refused questions among them.
    error: u64,
}

#[derive(Serialize, ToSchema)]
struct Tokens {
    prompt: u64,
    completion: u64,
}

#[derive(Serialize, ToSchema)]
struct Answering {
    /// The room's id.
    id: String,
    asked_by: String,
    #[schema(format = "uuid")]
    message_id: String,
    /// So far, as counted here.
    tokens: u32,
    for_seconds: f64,
}

/// `GET /api/v1/assistant`.
pub(in crate::http) async fn figures(
    State(node): Here,
    backend: Backend,
) -> Result<Json<AssistantFigures>, Problem> {
    permit(&node, &backend, Monitor)?;
    let service = node.answers.service();
    let running = match service {
        Some(_) => underway(&node, None, ROOMS_MAX).await,
        None => Vec::new(),
    };
    Ok(Json(AssistantFigures {
        enabled: service.is_some(),
        of: service.map(|assistant| Counts::read(&node, assistant, running)),
    }))
}

impl Counts {
    fn read(node: &Node, assistant: &Assistant, running: Vec<Underway>) -> Self {
        let config = &node.setup.config.assistant;
        let figures = assistant.figures();
        Self {
            model: assistant.model().to_owned(),
            base_host: host(&config.base_url),
            concurrency: Concurrency {
                running: figures.running,
                waiting: figures.waiting,
                limit: config.concurrency,
            },
            answers: Answers {
                started: figures.started,
                stop: figures.stopped,
                length: figures.cut,
                cancelled: figures.cancelled,
                error: figures.failed,
            },
            tokens: Tokens {
                prompt: figures.usage.prompt,
                completion: figures.usage.completion,
            },
            first_token: Times::read(node, Timed::FirstToken),
            rooms: running.into_iter().map(Answering::from).collect(),
        }
    }
}

impl From<Underway> for Answering {
    fn from(running: Underway) -> Self {
        Self {
            id: running.room,
            asked_by: running.asker,
            message_id: running.message,
            tokens: running.tokens,
            for_seconds: running.seconds,
        }
    }
}

/// No path and no query: who monitors need not see more.
fn host(url: &str) -> String {
    let Ok(url) = reqwest::Url::parse(url) else {
        return String::new();
    };
    let name = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    }
}

const ROOMS_MAX: u32 = 50;
