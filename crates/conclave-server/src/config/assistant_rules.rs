//! The rules of `[assistant]`.

use super::rules::Findings;
use super::{Assistant, Setup};

impl Findings {
    pub(super) fn assistant(&mut self, setup: &Setup) {
        let assistant = &setup.config.assistant;
        self.assistant_numbers(assistant);
        for (index, room) in assistant.rooms.iter().enumerate() {
            if room != "*" && conclave_protocol::RoomId::new(room).is_err() {
                let path = format!("assistant.rooms[{index}]");
                self.refuse(path, "expected *, PUBLIC, PRIVATE, DM or the id of a room");
            }
        }
        if !assistant.enabled {
            return;
        }
        if cfg!(not(feature = "assistant")) {
            let problem = "true given, but this program was built without the feature assistant";
            self.refuse("assistant.enabled", problem);
        }
        if !is_http(&assistant.base_url) {
            let problem = "expected an http or https URL, such as http://127.0.0.1:11434/v1";
            self.refuse("assistant.base_url", problem);
        }
        if assistant.model.is_empty() || assistant.model.len() > MODEL_BYTES_MAX {
            self.refuse("assistant.model", "expected a name of at most 200 bytes");
        }
        if assistant.user_tokens == 0 {
            self.warn("assistant.user_tokens", "0: no limit");
        }
    }

    fn assistant_numbers(&mut self, assistant: &Assistant) {
        for (key, given, range) in [
            ("context_limit", assistant.context_limit, 64..=1_000_000),
            ("answer_tokens", assistant.answer_tokens, 1..=32_768),
            ("connect_seconds", assistant.connect_seconds, 1..=60),
            (
                "first_token_seconds",
                assistant.first_token_seconds,
                1..=600,
            ),
            ("idle_seconds", assistant.idle_seconds, 1..=600),
            ("total_seconds", assistant.total_seconds, 1..=3600),
            ("concurrency", assistant.concurrency, 1..=10_000),
            ("questions", assistant.questions, 1..=100_000),
            ("waiting_per_room", assistant.waiting_per_room, 1..=100),
            ("window_seconds", assistant.window_seconds, 60..=2_678_400),
        ] {
            self.range(&format!("assistant.{key}"), given, range);
        }
    }
}

/// The key goes where this leads, so that it names no user and no password.
fn is_http(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
    })
}

const MODEL_BYTES_MAX: usize = 200;
