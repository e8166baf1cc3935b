//! `[assistant]`: answers of a language model in rooms.

use super::section::{choice, section};

section! {
    /// `[assistant]`.
    pub struct Assistant {
        /// Whether messages are answered in rooms whose owner attaches the assistant.
        pub enabled: bool = false,
        /// Where the provider's API begins, as `https://api.example.com/v1`: whatever takes
        /// `POST …/chat/completions` as OpenAI does, such as vLLM, llama.cpp or Ollama.
        pub base_url: String = String::new(),
        /// The environment variable that holds the provider's key, which is sent as a bearer
        /// token. Unset: none is sent.
        pub api_key_env: Option<String> = None,
        /// The model, as the provider calls it.
        pub model: String = String::new(),
        /// By what table texts are cut into tokens. What the provider says it took is what is
        /// reported; where it says nothing, and to cut the context, this table counts.
        pub vocabulary: Vocabulary = Vocabulary::O200k,
        /// What the model is told before a room's messages. Unset: that it is the assistant of a
        /// chat room and is to answer the last message briefly.
        pub system_prompt: Option<String> = None,
        /// Tokens that the model is told at most, the system prompt among them: of a room's
        /// messages the newest that fit; 64 to 1,000,000.
        pub context_limit: u32 = 8192,
        /// Tokens that an answer has at most; 1 to 32,768.
        pub answer_tokens: u32 = 1024,
        /// Seconds to connect to the provider; 1 to 60.
        pub connect_seconds: u32 = 5,
        /// Seconds to the first token, with the wait for a place and for a provider that is busy; 1 to
        /// 600.
        pub first_token_seconds: u32 = 60,
        /// Seconds from one token to the next; 1 to 600.
        pub idle_seconds: u32 = 30,
        /// Seconds that an answer takes at most; 1 to 3,600.
        pub total_seconds: u32 = 300,
        /// Answers that the provider is asked for at a time; 1 to 10,000.
        pub concurrency: u32 = 64,
        /// Questions of all rooms that are answered or wait; one more is refused as `busy`; 1 to
        /// 100,000.
        pub questions: u32 = 1000,
        /// What becomes of a question in a room where another is being answered.
        pub busy: Busy = Busy::Wait,
        /// Questions that wait in one room, where they do; 1 to 100.
        pub waiting_per_room: u32 = 3,
        /// Tokens that the questions of one user take in a window, prompts included; 0 means no
        /// bound.
        pub user_tokens: u32 = 200_000,
        /// Seconds of that window, which begins at multiples of it (Unix time); 60 to 2,678,400.
        pub window_seconds: u32 = 86_400,
        /// Where the assistant may be attached: `*` for every room, `PUBLIC`, `PRIVATE` or `DM` for
        /// those of a kind, and ids of rooms.
        pub rooms: Vec<String> = vec!["*".to_owned()],
    }
}

choice! {
    /// By what table texts are cut into tokens.
    pub enum Vocabulary {
        /// That of GPT-4 and GPT-3.5.
        Cl100k = "cl100k",
        /// That of GPT-4o and later, near enough to those of most open models.
        O200k = "o200k",
    }
}

choice! {
    /// What becomes of a question in a room where another is being answered.
    pub enum Busy {
        /// It is refused.
        Refuse = "refuse",
        /// It waits for its turn.
        Wait = "wait",
    }
}

impl Assistant {
    /// What the model is told first.
    #[must_use]
    pub fn told_first(&self) -> &str {
        self.system_prompt.as_deref().unwrap_or(SYSTEM_PROMPT)
    }
}

const SYSTEM_PROMPT: &str = "You are the assistant of a chat room. Each message begins with the \
    name of who wrote it. Answer the last one, briefly, in the language it is written in.";
