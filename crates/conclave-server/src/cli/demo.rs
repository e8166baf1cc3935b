//! `conclave demo`: a server of its own and three clients that talk through it, checked.
//!
//! Reading order: this file (the play), `stage` (the server it is played on).

mod stage;

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use conclave_client::{Client, RoomEvent, RoomEvents, Subscription, TopicEvent};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::{Failure, print, runtime};
use stage::Stage;

/// One of the clients, and what it hears.
struct Player {
    name: &'static str,
    client: Client,
    customers: Subscription<String>,
    network: Subscription<String>,
    room: RoomEvents,
}

/// Plays it once.
pub(super) fn run() -> Result<(), Failure> {
    let played = runtime()?.block_on(async {
        let limit = PLAY_TIME.as_secs();
        timeout(PLAY_TIME, play())
            .await
            .unwrap_or_else(|_elapsed| bail!("not done within {limit} s"))
    });
    Ok(played.context("the demo failed")?)
}

async fn play() -> anyhow::Result<()> {
    let stage = Stage::open().await?;
    say(&format!(
        "A server of its own listens on {}.",
        stage.address()
    ))?;
    let url = format!("ws://{}", stage.address());
    let [one, two, three] = &mut [
        join(&url, "Client1", "username", "user-session-123").await?,
        join(&url, "Client2", "username", "user-session-123").await?,
        join(&url, "Client3", "user123", "user-session-456").await?,
    ];
    within_sessions(one, two, three).await?;
    in_a_room(one, two, three).await?;
    for player in [one, two, three] {
        player.client.clone().close().await;
    }
    stage.close().await?;
    say("Everything was heard by whom it was meant for, and by nobody else.")
}

/// Signs in, connects, and listens.
async fn join(url: &str, name: &'static str, user: &str, session: &str) -> anyhow::Result<Player> {
    let client = Client::builder(url)
        .name(name)
        .password(user, "password")
        .session(session)
        .build()?;
    let player = Player {
        name,
        customers: client.topic(CUSTOMERS).subscribe().await?,
        network: client.topic(NETWORK).subscribe().await?,
        room: client.room(ROOM).subscribe().await?,
        client,
    };
    say(&format!("{name} is {user}, in session {session}."))?;
    Ok(player)
}

/// Events reach everybody in the session, their publisher too, and nobody outside.
async fn within_sessions(
    one: &mut Player,
    two: &mut Player,
    three: &mut Player,
) -> anyhow::Result<()> {
    publish(one, NETWORK, "Network connected").await?;
    publish(two, CUSTOMERS, "A customer is at the door").await?;
    // What Client3 publishes itself is the first that it hears.
    publish(three, CUSTOMERS, "A customer of another session").await?;
    for player in [one, two] {
        hears(player.name, &mut player.network, "Network connected").await?;
        let heard = "A customer is at the door";
        hears(player.name, &mut player.customers, heard).await?;
    }
    let own = "A customer of another session";
    hears(three.name, &mut three.customers, own).await?;
    publish(three, NETWORK, "Another network").await?;
    hears(three.name, &mut three.network, "Another network").await?;
    say("Client3 heard nothing of the first session.")
}

async fn publish(player: &Player, topic: &str, payload: &str) -> anyhow::Result<()> {
    player.client.topic(topic).publish(payload).await?;
    say(&format!("{} publishes {topic}: {payload}", player.name))
}

async fn hears(
    name: &str,
    subscription: &mut Subscription<String>,
    expected: &str,
) -> anyhow::Result<()> {
    match subscription.next().await {
        Some(TopicEvent::Message(message)) => {
            let (topic, payload) = (&message.topic, &message.payload);
            ensure!(
                payload == expected,
                "{name} heard {payload:?} instead of {expected:?}"
            );
            let from = message.publisher_name.as_deref().unwrap_or("nobody");
            say(&format!("  {name} hears {topic} from {from}: {payload}"))
        }
        other => bail!("{name} heard {other:?} instead of {expected:?}"),
    }
}

/// A message that is stored once, seen by all under one number.
async fn in_a_room(one: &mut Player, two: &mut Player, three: &mut Player) -> anyhow::Result<()> {
    let content = "Hello to everybody in this room";
    let sent = one.client.room(ROOM).send(content).await?;
    say(&format!("Client1 sends to the room {ROOM}: {content}"))?;
    for player in [one, two, three] {
        let name = player.name;
        let message = loop {
            match player.room.next().await {
                Some(RoomEvent::Message(message)) => break message,
                Some(RoomEvent::Ended(error)) => return Err(error.into()),
                Some(_) => {}
                None => bail!("{name} hears the room no more"),
            }
        };
        let place = message.seq;
        ensure!(
            message.id == sent.id && place == sent.seq && message.content == content,
            "{name} saw {message:?} instead of {sent:?}"
        );
        say(&format!("  {name} sees it as number {place}"))?;
    }
    Ok(())
}

fn say(line: &str) -> anyhow::Result<()> {
    let printed = print(format!("{line}\n").as_bytes());
    printed.map_err(|failure| anyhow::anyhow!(failure.message))
}

const CUSTOMERS: &str = "DetectCustomerEvent";
const NETWORK: &str = "NetworkConnectedEvent";
const ROOM: &str = "general";
const PLAY_TIME: Duration = Duration::from_secs(60);
