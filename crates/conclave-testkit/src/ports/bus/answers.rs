//! Answers of the assistant, as they cross a bus.

use conclave_protocol::{
    AnswerFailed, AnswerPart, AnswerRecord, EventKind, Finish, MessageId, Transcript, Usage,
};

use super::user;

pub(super) fn sample_answer() -> AnswerRecord {
    AnswerRecord {
        asker: user("bob"),
        model: "small".into(),
        finish: Finish::Length,
        usage: Usage {
            prompt: 300,
            completion: u64::MAX,
        },
        context_tokens: 280,
        context_limit: u32::MAX,
    }
}

pub(super) fn answer_kinds() -> Vec<EventKind> {
    let message = MessageId(18);
    vec![
        EventKind::Answering {
            message,
            typing: true,
        },
        EventKind::AnswerPart(Box::new(AnswerPart {
            message,
            start: 300,
            delta: "wörd ".into(),
            so_far: Transcript::default(),
        })),
        EventKind::AnswerFailed(Box::new(AnswerFailed {
            message,
            code: "cut_off".into(),
            text: "it broke off".into(),
        })),
        EventKind::ContextUsed {
            used: 1,
            limit: 4096,
        },
    ]
}
