//! Two clients in one session, a third in another: what is published is heard inside the session.
//!
//!     cargo run -p conclave-client --example topics -- ws://127.0.0.1:8081 USER PASSWORD

use conclave_client::{Client, TopicEvent};
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};

/// Topics carry any JSON; a type of one's own is read from it.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Order {
    id: u32,
    item: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or("ws://127.0.0.1:8081".to_owned());
    let user = arguments.next().unwrap_or("user".to_owned());
    let password = arguments.next().unwrap_or("password".to_owned());

    let client = |session: &str| {
        Client::builder(&url)
            .password(&user, &password)
            .session(session)
            .build()
    };
    let shop = client("shop")?;
    let kitchen = client("shop")?;
    let stranger = client("elsewhere")?;

    let mut orders = kitchen.topic("orders").subscribe::<Order>().await?;
    let mut nothing = stranger.topic("orders").subscribe::<Order>().await?;

    let order = Order {
        id: 7,
        item: "tea".to_owned(),
    };
    shop.topic("orders").publish(&order).await?;

    // A stream of events: messages, and what may be missing between them.
    match orders.next().await {
        Some(TopicEvent::Message(message)) => {
            println!("heard {:?} from {:?}", message.payload, message.user);
            assert_eq!(message.payload, order);
        }
        other => return Err(format!("expected the order, heard {other:?}").into()),
    }

    // The same topic in another session is another topic: the first that is heard there is one's
    // own.
    let own = Order {
        id: 8,
        item: "coffee".to_owned(),
    };
    stranger.topic("orders").publish(&own).await?;
    match nothing.next().await {
        Some(TopicEvent::Message(message)) => assert_eq!(message.payload, own),
        other => return Err(format!("expected the own order, heard {other:?}").into()),
    }
    println!("sessions are apart");

    for client in [shop, kitchen, stranger] {
        client.close().await;
    }
    Ok(())
}
