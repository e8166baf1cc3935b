//! What of a room a model is told: the newest messages that its context has room for.

use conclave_protocol::{Message, MessageKind, UserId};

use super::{Completion, Line, Speaker};

/// A prompt that is made from its end.
pub(super) struct Context<'a> {
    completion: &'a dyn Completion,
    assistant: &'a UserId,
    /// Newest first.
    lines: Vec<Line>,
    used: u32,
    limit: u32,
}

impl<'a> Context<'a> {
    /// With room for `limit` tokens, the system's own line among them. `None` where not even that
    /// has room.
    pub(super) fn new(
        completion: &'a dyn Completion,
        assistant: &'a UserId,
        system: &str,
        limit: u32,
    ) -> Option<Self> {
        let used = match system {
            "" => 0,
            system => completion.tokens(system, limit)?.saturating_add(AROUND),
        };
        (used < limit).then_some(Self {
            completion,
            assistant,
            lines: Vec::new(),
            used,
            limit,
        })
    }

    /// Puts a message before those that are there; `false` where it has no room, and so no
    /// older one is to follow. The first one is cut to what there is room for.
    pub(super) fn push(&mut self, message: &Message) -> bool {
        if message.deleted_at.is_some() || message.kind != MessageKind::Text {
            return true;
        }
        let (speaker, mut text) = if message.author.user == *self.assistant {
            (Speaker::Assistant, message.content.clone())
        } else {
            let text = format!("{}: {}", message.author.name, message.content);
            (Speaker::User, text.into_boxed_str())
        };
        let left = self.limit.saturating_sub(self.used).saturating_sub(AROUND);
        let tokens = match self.completion.tokens(&text, left) {
            Some(tokens) => tokens,
            None if self.lines.is_empty() => {
                text = cut(self.completion, &text, left);
                left
            }
            None => return false,
        };
        self.used = self.used.saturating_add(tokens).saturating_add(AROUND);
        self.lines.push(Line { speaker, text });
        self.used < self.limit
    }

    /// Its lines, oldest first, and how many tokens they are.
    pub(super) fn finish(self, system: &str) -> (Vec<Line>, u32) {
        let system = (!system.is_empty()).then(|| Line {
            speaker: Speaker::System,
            text: system.into(),
        });
        let lines = self.lines.into_iter().rev();
        (system.into_iter().chain(lines).collect(), self.used)
    }
}

/// The longest beginning that has so few tokens, by halving.
fn cut(completion: &dyn Completion, text: &str, tokens: u32) -> Box<str> {
    let (mut fits, mut fails) = (0, text.len());
    while fails - fits > 1 {
        let middle = text.floor_char_boundary(fits + (fails - fits) / 2);
        if middle == fits {
            break;
        }
        let begin = text.get(..middle).unwrap_or_default();
        match completion.tokens(begin, tokens) {
            Some(_) => fits = middle,
            None => fails = middle,
        }
    }
    text.get(..fits).unwrap_or_default().into()
}

/// Tokens that a line takes beside its text.
const AROUND: u32 = 4;
