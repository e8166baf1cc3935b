//! `/channels/{id}/assistant`, `/users/me/assistant`: what the assistant is doing, and what it took.

use axum::Json;
use axum::extract::State;
use conclave_core::AnswerTotals;
use conclave_protocol::{Permission, ReadRoom, Refusal};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Here, permit, room};
use crate::assistant::underway;
use crate::http::caller::Caller;
use crate::http::problem::Problem;
use crate::http::sessions::{Named, named};

/// The assistant of a room.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct RoomAssistant {
    /// Whether it answers there.
    attached: bool,
    /// The answer that is under way, on whichever node; of those that say so within a second.
    answering: Option<Answering>,
    model: Option<String>,
    /// Tokens that the model is told at most.
    context_limit: Option<u32>,
    /// Of all questions of the room.
    usage: Taken,
}

/// An answer under way.
#[derive(Serialize, ToSchema)]
struct Answering {
    /// The id that it will have.
    #[schema(format = "uuid")]
    message_id: String,
    asked_by: String,
}

/// What answers took together.
#[derive(Serialize, ToSchema)]
struct Taken {
    /// Those that became whole.
    answers: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

/// What a user's questions took, and may take.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct UserAssistant {
    /// Of a window; `null` for no bound.
    budget_tokens: Option<u64>,
    window_seconds: u64,
    /// In this window.
    used_tokens: u64,
    renews_in_seconds: u64,
    /// Ever.
    usage: Taken,
}

/// `GET /channels/{id}/assistant`: to members, and with `room.any`.
pub(in crate::http) async fn of_room(
    State(node): Here,
    caller: Caller,
    id: Named<String>,
) -> Result<Json<RoomAssistant>, Problem> {
    let room = room(&named(id)?)?;
    let ask = ReadRoom { room: room.clone() };
    let seen = node.rooms.room(permit(&node, &caller, ask)?).await?;
    let opens_any = caller.principal.grants.allow(Permission::RoomAny, "");
    if seen.role.is_none() && !opens_any {
        return Err(conclave_core::RoomFault::no_room().into());
    }
    let service = node.answers.service();
    let mut running = Vec::new();
    if service.is_some() && seen.assistant {
        running = underway(&node, Some(&room), 1).await;
    }
    let taken = match service {
        Some(assistant) => assistant.spent_in(&room).await?,
        None => AnswerTotals::default(),
    };
    Ok(Json(RoomAssistant {
        attached: seen.assistant,
        answering: running.pop().map(|running| Answering {
            message_id: running.message,
            asked_by: running.asker,
        }),
        model: service.map(|assistant| assistant.model().to_owned()),
        context_limit: service.map(|assistant| assistant.policy().context_tokens),
        usage: taken.into(),
    }))
}

/// `GET /users/me/assistant`: to who has `assistant.use`.
pub(in crate::http) async fn of_user(
    State(node): Here,
    caller: Caller,
) -> Result<Json<UserAssistant>, Problem> {
    caller.check(&node, Permission::AssistantUse)?;
    let Some(assistant) = node.answers.service() else {
        let detail = "this server has no assistant";
        return Err(Problem::refused(Refusal::NotFound, detail));
    };
    let budget = assistant.budget_of(&caller.user).await?;
    Ok(Json(UserAssistant {
        budget_tokens: budget.tokens,
        window_seconds: assistant.policy().window_seconds,
        used_tokens: budget.spent.in_window,
        renews_in_seconds: budget.renews_in,
        usage: budget.spent.totals.into(),
    }))
}

impl From<AnswerTotals> for Taken {
    fn from(taken: AnswerTotals) -> Self {
        Self {
            answers: taken.answers,
            prompt_tokens: taken.usage.prompt,
            completion_tokens: taken.usage.completion,
            total_tokens: taken.usage.total(),
        }
    }
}
