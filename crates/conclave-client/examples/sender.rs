//! Sends messages at a pace and says when each is stored, through whatever happens to the server.
//!
//!     cargo run -p conclave-client --example sender -- URL USER PASSWORD ROOM COUNT INTERVAL_MS

use std::time::Duration;

use conclave_client::Client;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [url, user, password, room, count, interval_ms] = arguments.as_slice() else {
        return Err("expected URL USER PASSWORD ROOM COUNT INTERVAL_MS".into());
    };
    let (count, interval_ms): (u32, u64) = (count.parse()?, interval_ms.parse()?);

    let client = Client::builder(url).password(user, password).build()?;
    let room = client.room(room);
    let mut pace = tokio::time::interval(Duration::from_millis(interval_ms.max(1)));
    let mut answers = FuturesOrdered::new();
    let mut sent = 0;
    loop {
        tokio::select! {
            _ = pace.tick(), if sent < count => {
                sent += 1;
                let number = sent;
                let answer = room.send(format!("rust-{number}"));
                answers.push_back(async move { (number, answer.await) });
            }
            Some((number, answer)) = answers.next() => {
                let stored = answer?;
                println!("acked {number} {}", stored.seq);
                if number == count {
                    break;
                }
            }
        }
    }
    client.close().await;
    Ok(())
}
