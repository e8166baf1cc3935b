use std::net::IpAddr;

use conclave_protocol::{Timestamp, UserId};
use serde_json::{Value, json};

use super::Site;
use crate::worker::{Control, Found, Kick, Listed, Load, Target};

/// Answers as a worker with three connections would; what it was asked to end is sent on.
fn work(site: &mut Site) -> tokio::sync::mpsc::UnboundedReceiver<Kick> {
    let mut controls = site.controls.remove(0);
    let (kicked, kicks) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(control) = controls.recv().await {
            match control {
                Control::List { listing, answer } => {
                    let ids = (1..=3).filter(|id| *id > listing.after);
                    let connections: Vec<_> = ids.map(connection).take(listing.limit).collect();
                    let next = connections.last().map(|last| last.id);
                    let next = next.filter(|_| connections.len() == listing.limit);
                    let found = Found { connections, next };
                    answer.send(found).expect("a reader");
                }
                Control::Kick { kick, answer } => {
                    answer.send(2).expect("a reader");
                    kicked.send(kick).expect("a reader");
                }
                _ => {}
            }
        }
    });
    kicks
}

fn connection(id: u64) -> Listed {
    Listed {
        id,
        user: (id == 1).then(|| UserId::new("user").expect("a name")),
        session: "session-user".to_owned(),
        surface: "topics",
        address: IpAddr::from([127, 0, 0, 1]),
        since: Timestamp::from_millis(0),
        load: Load {
            received: 7,
            outbox_bytes: 0,
            subscriptions: 2,
        },
    }
}

#[tokio::test]
async fn connections_are_listed_in_pages() {
    let mut site = Site::new().await;
    drop(work(&mut site));
    let key = site.key("eye", &["system.monitor"]).await.shown;
    let page = site.call_get(&key, "connections?limit=2").await;
    assert_eq!(
        page.json()[0],
        json!({
            "id": "1", "user_id": "user", "session": "session-user", "surface": "topics",
            "address": "127.0.0.1", "connected_at": "1970-01-01T00:00:00.000Z",
            "messages_received": 7, "outbox_bytes": 0, "subscriptions": 2,
        })
    );
    assert_eq!(page.json()[1]["user_id"], Value::Null);
    let link = page.header("link").expect("more");
    assert_eq!(link, "</api/v1/connections?limit=2&after=2>; rel=\"next\"");
    let page = site.call_get(&key, "connections?limit=2&after=2").await;
    assert_eq!(
        (
            page.json().as_array().expect("a list").len(),
            page.header("link")
        ),
        (1, None)
    );
    // Of a worker that this node does not have.
    let page = site
        .call_get(&key, "connections?after=18446744073709551615")
        .await;
    assert_eq!(page.json(), json!([]));
    for after in ["x", "18446744073709551616", "-1"] {
        let answer = site
            .call_get(&key, &format!("connections?after={after}"))
            .await;
        let detail = answer.problem(400, "bad_request");
        assert_eq!(detail, "after: expected the id of a connection");
    }
}

#[tokio::test]
async fn connections_are_ended() {
    let mut site = Site::new().await;
    let mut kicks = work(&mut site);
    let key = site.key("door", &["server.disconnect"]).await.shown;
    let wish = json!({ "user_id": "user", "code": 4400, "reason": "bye" });
    let answer = site.call_post(&key, "disconnect", wish).await;
    assert_eq!(answer.json(), json!({ "closed": 2 }));
    let kick = kicks.recv().await.expect("a kick");
    assert!(matches!(kick.target, Target::User(user) if user.as_str() == "user"));
    assert_eq!(
        (kick.code, kick.reason.as_deref()),
        (Some(4400), Some("bye"))
    );
    let wish = json!({ "connection_id": "2" });
    site.call_post(&key, "disconnect", wish).await;
    let kick = kicks.recv().await.expect("a kick");
    assert!(matches!(kick.target, Target::Connection(2)));
    assert_eq!((kick.code, kick.reason), (None, None));
    // On a worker that is not there.
    let wish = json!({ "connection_id": "18446744073709551615" });
    let answer = site.call_post(&key, "disconnect", wish).await;
    assert_eq!(answer.json(), json!({ "closed": 0 }));
    let lines = site.audited("admin_action");
    let lines = lines
        .iter()
        .filter(|line| line["detail"]["action"] == "disconnect");
    assert_eq!(lines.count(), 3);
}

#[tokio::test]
async fn what_cannot_be_ended_is_named() {
    let site = Site::new().await;
    let key = site.key("door", &["server.disconnect"]).await.shown;
    let either = "expected one of user_id, connection_id";
    let code = "code: expected 1000, or 3000 to 4999";
    let cases = [
        (json!({}), either),
        (json!({ "user_id": "a", "connection_id": "1" }), either),
        (
            json!({ "connection_id": "x" }),
            "connection_id: expected the id of a connection",
        ),
        (json!({ "user_id": "a", "code": 1006 }), code),
        (json!({ "user_id": "a", "code": 70000 }), code),
        (
            json!({ "user_id": "a", "reason": "x".repeat(124) }),
            "reason: at most 123 bytes",
        ),
    ];
    for (wish, detail) in cases {
        let answer = site.call_post(&key, "disconnect", wish).await;
        assert_eq!(answer.problem(400, "bad_request"), detail);
    }
}
