//! What `conclave sub` does.

use std::io::{self, Write};

use conclave_protocol::TopicName;

use super::SubArgs;
use super::conversation::Conversation;
use crate::cli::Failure;

/// Writes every message as a line to `out`, until `stop`, or the count is reached, or nobody
/// reads `out` any more.
pub(super) async fn subscribe(
    args: &SubArgs,
    out: &mut impl Write,
    stop: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let mut stop = std::pin::pin!(stop);
    let commands = commands(args)?;
    let mut conversation = tokio::select! {
        subscribed = subscribed(args, &commands) => subscribed?,
        () = &mut stop => return Ok(()),
    };
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 {
        let message = tokio::select! {
            message = conversation.message() => message?,
            () = &mut stop => break,
        };
        match writeln!(out, "{}", one_line(message)).and_then(|()| out.flush()) {
            Ok(()) => left -= 1,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Err(error) => return Err(error.into()),
        }
    }
    conversation.close().await;
    Ok(())
}

async fn subscribed(args: &SubArgs, commands: &[String]) -> Result<Conversation, Failure> {
    let recover: &[_] = if args.since.is_some() {
        &[("recover", "1")]
    } else {
        &[]
    };
    let mut conversation = Conversation::open(&args.endpoint, recover).await?;
    for command in commands {
        conversation.ask(command).await?;
    }
    Ok(conversation)
}

/// `subscribe:TOPIC` or `subscribe:TOPIC?since=OFFSET,EPOCH`; none for broadcasts, which only
/// come to who sent no text command.
fn commands(args: &SubArgs) -> Result<Vec<String>, Failure> {
    let endpoint = &args.endpoint;
    if args.topics.is_empty() && (endpoint.name.is_some() || endpoint.session.is_some()) {
        return Err(Failure::usage(
            "--name and --session are for topics, and none is given",
        ));
    }
    if !args.since.as_deref().is_none_or(is_position) {
        return Err(Failure::usage(
            "--since: expected OFFSET,EPOCH, two whole numbers",
        ));
    }
    let command = |topic: &String| {
        TopicName::new(topic)
            .map_err(|error| Failure::usage(format!("the topic {topic:?} {error}")))?;
        Ok(match &args.since {
            None => format!("subscribe:{topic}"),
            Some(since) => format!("subscribe:{topic}?since={since}"),
        })
    };
    args.topics.iter().map(command).collect()
}

fn is_position(since: &str) -> bool {
    let is_number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u64>().is_ok();
    since
        .split_once(',')
        .is_some_and(|(offset, epoch)| is_number(offset) && is_number(epoch))
}

/// The same JSON without line breaks, which in JSON only stand between tokens.
fn one_line(json: String) -> String {
    if json.contains(['\n', '\r']) {
        json.replace(['\n', '\r'], " ")
    } else {
        json
    }
}
