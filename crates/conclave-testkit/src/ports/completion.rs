//! What every implementation of `Completion` does.

use conclave_core::{
    Completion, CompletionFault, Ending, Line, Prompt, Speaker, Token, TokenStream,
};
use conclave_protocol::{Finish, Usage};

/// An implementation whose model says what it is told to.
pub trait Prompter {
    /// Sets up what is asked.
    type Asked: Completion;
    /// The implementation under test.
    fn completion(&self) -> &Self::Asked;
    /// The next answer: these texts, then how it ends. Usage, where it ends whole, is 7 and 3
    /// tokens, and the model `stage-1`.
    fn tell(&self, texts: &[&'static str], end: Result<Finish, CompletionFault>);
}

/// Runs the suite.
///
/// # Panics
/// Where the implementation differs.
pub async fn completion_conformance(prompter: &impl Prompter) {
    a_whole_answer_comes_in_order(prompter).await;
    an_answer_that_breaks_off_is_no_whole_one(prompter).await;
    a_refused_question_is_a_fault(prompter).await;
    the_end_says_why(prompter).await;
    tokens_are_counted_up_to_a_limit(prompter.completion());
}

/// A question.
#[must_use]
pub fn question(text: &str) -> Prompt {
    Prompt {
        lines: vec![Line {
            speaker: Speaker::User,
            text: text.into(),
        }],
        answer_tokens: 100,
    }
}

/// All that is said, and how it ends.
pub async fn whole(stream: &mut dyn TokenStream) -> (String, Result<Ending, CompletionFault>) {
    let mut said = String::new();
    loop {
        match stream.next().await {
            Ok(Token::Text(text)) => {
                assert!(!text.is_empty(), "a part has text");
                said.push_str(&text);
            }
            Ok(Token::End(ending)) => return (said, Ok(ending)),
            Err(fault) => return (said, Err(fault)),
        }
    }
}

/// What an answer comes to, also where it does not begin.
async fn answer(prompter: &impl Prompter) -> (String, Result<Ending, CompletionFault>) {
    match prompter.completion().begin(question("hello")).await {
        Ok(mut stream) => whole(&mut *stream).await,
        Err(fault) => (String::new(), Err(fault)),
    }
}

fn ending(finish: Finish) -> Ending {
    Ending {
        finish,
        model: "stage-1".into(),
        usage: Some(Usage {
            prompt: 7,
            completion: 3,
        }),
    }
}

async fn a_whole_answer_comes_in_order(prompter: &impl Prompter) {
    prompter.tell(&["Hel", "lo, ", "wörld\n"], Ok(Finish::Stop));
    let (said, end) = answer(prompter).await;
    assert_eq!(said, "Hello, wörld\n");
    assert_eq!(end, Ok(ending(Finish::Stop)));
}

async fn an_answer_that_breaks_off_is_no_whole_one(prompter: &impl Prompter) {
    prompter.tell(&["one ", "two"], Err(CompletionFault::CutOff));
    let (said, end) = answer(prompter).await;
    assert_eq!(said, "one two");
    assert_eq!(end, Err(CompletionFault::CutOff));
}

async fn a_refused_question_is_a_fault(prompter: &impl Prompter) {
    prompter.tell(&[], Err(CompletionFault::Refused));
    let (said, end) = answer(prompter).await;
    assert_eq!((said.as_str(), end), ("", Err(CompletionFault::Refused)));
}

async fn the_end_says_why(prompter: &impl Prompter) {
    prompter.tell(&["x"], Ok(Finish::Length));
    let (_, end) = answer(prompter).await;
    assert_eq!(end, Ok(ending(Finish::Length)));
}

fn tokens_are_counted_up_to_a_limit(completion: &dyn Completion) {
    assert_eq!(completion.tokens("", 0), Some(0));
    let text = "the quick brown fox jumps over the lazy dog";
    let count = completion.tokens(text, u32::MAX).unwrap();
    assert!((5..=20).contains(&count), "{count} tokens");
    assert_eq!(completion.tokens(text, count), Some(count));
    assert_eq!(completion.tokens(text, count - 1), None);
    assert!(!completion.model().is_empty());
}
