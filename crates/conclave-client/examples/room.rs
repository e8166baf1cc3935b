//! Two members of a room talk: messages with their places, a receipt, an edit, a deletion, history.
//!
//!     cargo run -p conclave-client --example room -- ws://127.0.0.1:8081 ROOM

use conclave_client::{Client, Outgoing, Page, RoomEvent, RoomEvents};
use futures_util::StreamExt as _;

/// The next event that is of interest.
async fn next<T>(
    events: &mut RoomEvents,
    wanted: impl Fn(RoomEvent) -> Option<T>,
) -> Result<T, Box<dyn std::error::Error>> {
    while let Some(event) = events.next().await {
        if let RoomEvent::Ended(error) = event {
            return Err(error.into());
        }
        if let Some(found) = wanted(event) {
            return Ok(found);
        }
    }
    Err("the stream is over".into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or("ws://127.0.0.1:8081".to_owned());
    let room = arguments.next().unwrap_or("general".to_owned());

    let client = |user: &str| Client::builder(&url).password(user, "password").build();
    let (alice, bob) = (client("user")?, client("testuser")?);
    let (at_alice, at_bob) = (alice.room(&room), bob.room(&room));
    let mut alice_hears = at_alice.subscribe().await?;
    let mut bob_hears = at_bob.subscribe().await?;

    // The answer comes when the message is on the server's disk.
    let sent = at_alice.send("Shall we begin?").await?;
    let heard = next(&mut bob_hears, |event| match event {
        RoomEvent::Message(message) => Some(message),
        _ => None,
    })
    .await?;
    println!(
        "{} said {:?} as number {}",
        heard.user, heard.content, heard.seq
    );
    assert_eq!((&heard.id, heard.seq), (&sent.id, sent.seq));

    at_bob.typing(true);
    next(&mut alice_hears, |event| match event {
        RoomEvent::Typing { user, typing: true } => Some(user),
        _ => None,
    })
    .await?;
    at_bob.read(&heard.id);
    let reader = next(&mut alice_hears, |event| match event {
        RoomEvent::Status { message, user, .. } if message == sent.id => Some(user),
        _ => None,
    })
    .await?;
    println!("{reader} has got it");

    let answer = Outgoing::text("Yes").reply_to(&heard.id);
    let answer = at_bob.send_message(answer).await?;
    at_bob.edit(&answer.id, "Yes!").await?;
    let now = next(&mut alice_hears, |event| match event {
        RoomEvent::Updated { content, .. } => Some(content),
        _ => None,
    })
    .await?;
    println!("edited to {now:?}");

    at_alice.delete(&sent.id).await?;
    next(&mut bob_hears, |event| match event {
        RoomEvent::Deleted { message, .. } if message == sent.id => Some(message),
        _ => None,
    })
    .await?;

    let page = Page {
        after: Some(sent.seq - 1),
        ..Page::default()
    };
    let history = at_alice.history(page).await?;
    assert!(history.iter().any(|message| message.deleted));
    assert!(history.iter().any(|message| message.content == "Yes!"));
    println!("the history holds both");

    alice.close().await;
    bob.close().await;
    Ok(())
}
