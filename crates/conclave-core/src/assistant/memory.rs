//! A model for tests that says what it was told to.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::{Completion, CompletionFault, Prompt, Token, TokenStream};

/// Answers what it is told to, part by part, as it is told. A word is a token.
#[derive(Clone, Debug, Default)]
pub struct MemoryCompletion(Arc<Mutex<Told>>);

type Said = Result<Token, CompletionFault>;

#[derive(Debug, Default)]
struct Told {
    /// What is still to be said, by whoever asks first.
    said: VecDeque<Said>,
    /// What it was asked, oldest first.
    asked: Vec<Prompt>,
    /// How many answers are under way.
    open: usize,
    waiting: Vec<Waker>,
}

impl MemoryCompletion {
    /// What is said next, at once or when somebody asks. A fault before any text refuses the
    /// question.
    pub fn say(&self, said: impl IntoIterator<Item = Said>) {
        let mut told = self.0.lock();
        told.said.extend(said);
        told.waiting.drain(..).for_each(Waker::wake);
    }

    /// What it was asked, oldest first.
    #[must_use]
    pub fn asked(&self) -> Vec<Prompt> {
        self.0.lock().asked.clone()
    }

    /// How many answers are under way.
    #[must_use]
    pub fn open(&self) -> usize {
        self.0.lock().open
    }
}

#[async_trait]
impl Completion for MemoryCompletion {
    async fn begin(&self, prompt: Prompt) -> Result<Box<dyn TokenStream>, CompletionFault> {
        let mut told = self.0.lock();
        told.asked.push(prompt);
        told.open += 1;
        Ok(Box::new(Telling(self.clone())))
    }

    fn tokens(&self, text: &str, limit: u32) -> Option<u32> {
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let words = text.split_whitespace().take(most.saturating_add(1)).count();
        u32::try_from(words).ok().filter(|words| *words <= limit)
    }

    fn model(&self) -> &'static str {
        "memory"
    }
}

struct Telling(MemoryCompletion);

#[async_trait]
impl TokenStream for Telling {
    async fn next(&mut self) -> Said {
        poll_fn(|context| {
            let mut told = self.0.0.lock();
            match told.said.pop_front() {
                Some(said) => Poll::Ready(said),
                None => {
                    told.waiting.push(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        let mut told = self.0.0.lock();
        told.open = told.open.saturating_sub(1);
    }
}
