//! What `conclave pub` does.

use std::io::{self, BufRead};
use std::thread;

use conclave_protocol::TopicName;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::conversation::Conversation;
use super::{Endpoint, PubArgs};
use crate::cli::Failure;

/// What is to be published, as commands, one after the other.
pub(super) struct Publications(mpsc::Receiver<Result<String, Failure>>);

/// The argument of `publish-json`.
#[derive(Serialize)]
struct Publication<'a> {
    topic: &'a str,
    payload: &'a RawValue,
}

impl Publications {
    /// From the arguments, or from the lines of `stdin`, which a thread of its own reads as fast
    /// as they are taken.
    pub(super) fn of<R: BufRead>(
        args: &PubArgs,
        stdin: impl FnOnce() -> R + Send + 'static,
    ) -> Result<Self, Failure> {
        let (sender, receiver) = mpsc::channel(1);
        let (topic, payload) = match (&args.topic, &args.payload, &args.broadcast) {
            (_, _, Some(object)) => {
                // There is room for the one message of the channel.
                sender.try_send(Ok(broadcast(object)?)).ok();
                return Ok(Self(receiver));
            }
            (Some(topic), payload, None) => (topic.clone(), payload.as_deref()),
            (None, _, None) => return Err(Failure::usage("no topic given")),
        };
        TopicName::new(&topic).map_err(|error| Failure::usage(format!("the topic {error}")))?;
        match payload {
            Some(payload) if payload != "-" => {
                sender.try_send(command(&topic, payload)).ok();
            }
            _ => {
                thread::spawn(move || {
                    for line in stdin().lines() {
                        let command = line
                            .map_err(unreadable)
                            .and_then(|line| command(&topic, &line));
                        if sender.blocking_send(command).is_err() {
                            return;
                        }
                    }
                });
            }
        }
        Ok(Self(receiver))
    }
}

/// Publishes everything, each after the one before was accepted. Connects when there is something
/// to publish: an anonymous connection that says nothing is closed.
pub(super) async fn publish(
    endpoint: &Endpoint,
    publications: Publications,
    stop: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let mut stop = std::pin::pin!(stop);
    let Publications(mut publications) = publications;
    let mut next = tokio::select! {
        first = publications.recv() => first,
        () = &mut stop => None,
    };
    if next.is_none() {
        return Ok(());
    }
    let mut conversation = tokio::select! {
        opened = Conversation::open(endpoint, &[]) => opened?,
        () = &mut stop => return Err(interrupted()),
    };
    while let Some(command) = next {
        let command = command?;
        tokio::select! {
            asked = conversation.ask(&command) => asked?,
            () = &mut stop => return Err(interrupted()),
        }
        next = loop {
            tokio::select! {
                next = publications.recv() => break next,
                // Keeps the connection alive; what others broadcast is not for this command.
                message = conversation.message() => drop(message?),
                () = &mut stop => break None,
            }
        };
    }
    conversation.close().await;
    Ok(())
}

/// `publish-json:{"topic":"T","payload":…}`.
fn command(topic: &str, payload: &str) -> Result<String, Failure> {
    let as_text = || RawValue::from_string(serde_json::Value::from(payload).to_string());
    let payload = serde_json::from_str(payload).or_else(|_not_json| as_text());
    let object = payload
        .and_then(|payload: Box<RawValue>| {
            serde_json::to_string(&Publication {
                topic,
                payload: &payload,
            })
        })
        .map_err(|error| Failure::failed(format!("the payload: {error}")))?;
    Ok(format!("publish-json:{object}"))
}

fn broadcast(object: &str) -> Result<String, Failure> {
    match serde_json::from_str(object) {
        Ok(serde_json::Value::Object(_)) => Ok(object.to_owned()),
        Ok(_) => Err(Failure::usage("--broadcast: expected a JSON object")),
        Err(error) => Err(Failure::usage(format!(
            "--broadcast: expected a JSON object: {error}"
        ))),
    }
}

fn interrupted() -> Failure {
    Failure::failed("interrupted before the server accepted the message")
}

fn unreadable(error: io::Error) -> Failure {
    Failure::failed(format!("stdin: {error}"))
}
