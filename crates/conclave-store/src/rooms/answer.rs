//! How an answer came about, as a column: its parts with tabs between.

use conclave_protocol::{AnswerRecord, Finish, Usage};

use crate::{StoreError, column};

/// The model comes last, so that nothing in its name can be taken for another part.
pub(super) fn written(answer: &AnswerRecord) -> String {
    format!(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}",
        answer.asker,
        answer.finish.name(),
        answer.usage.prompt,
        answer.usage.completion,
        answer.context_tokens,
        answer.context_limit,
        answer.model
    )
}

/// Reads [`written`].
pub(super) fn read(text: &str) -> Result<Box<AnswerRecord>, StoreError> {
    let mut parts = text.splitn(7, '\t');
    let mut part = || parts.next().ok_or(BROKEN);
    Ok(Box::new(AnswerRecord {
        asker: column::user(part()?)?,
        finish: Finish::parse(part()?).ok_or(BROKEN)?,
        usage: Usage {
            prompt: part()?.parse().or(Err(BROKEN))?,
            completion: part()?.parse().or(Err(BROKEN))?,
        },
        context_tokens: part()?.parse().or(Err(BROKEN))?,
        context_limit: part()?.parse().or(Err(BROKEN))?,
        model: part()?.into(),
    }))
}

const BROKEN: StoreError = StoreError::Value("answer of a message");
