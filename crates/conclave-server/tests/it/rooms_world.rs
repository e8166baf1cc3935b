//! Rooms as tests make them, and the clients that hear them.

use serde_json::{Value, json};

use crate::client::{Client, Dial, Heard};
use crate::http::{Answer, Request};
use crate::world::{Plan, Token, World};

/// A server without limits of rates, and with users who may have many connections.
pub(crate) fn unlimited() -> Plan {
    Plan::with("limits.messages_per_second", 0)
        .set("limits.user_messages_per_second", 0)
        .set("limits.room_messages_per_second", 0)
        .set("limits.requests_per_second", 0)
        .set("limits.connections_per_user", 0)
        .set("limits.refused_handshakes_per_minute", 0)
}

/// A call of a user.
pub(crate) fn call(world: &World, user: &str, method: &str, path: &str, body: &Value) -> Answer {
    let request = match body {
        Value::Null => Request::new(world.address(), method, path),
        body => Request::post(world.address(), path, body).method(method),
    };
    request.bearer(&world.token(user)).send()
}

/// A PRIVATE room of `owner` with these members beside: its id.
pub(crate) fn room(world: &World, owner: &str, members: &[&str]) -> String {
    let body = json!({ "name": "room", "type": "PRIVATE", "memberIds": members });
    let answer = call(world, owner, "POST", "/channels", &body);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["id"].as_str().expect("an id").to_owned()
}

/// Takes a member out of a room.
pub(crate) fn remove(world: &World, owner: &str, room: &str, user: &str) {
    let path = format!("/channels/{room}/members/{user}");
    let answer = call(world, owner, "DELETE", &path, &Value::Null);
    assert!(answer.status < 300, "{answer:?}");
}

/// The handshake of a conversation.
pub(crate) fn conversation(world: &World, user: &str, room: &str) -> Dial {
    let path = format!("/ws/conversation/{user}/{room}");
    world.dial().path(&path).token(&world.token(user))
}

/// The conversation's first frame.
pub(crate) fn greeted(mut client: Client) -> Client {
    assert_eq!(client.json()["type"], "connected");
    client
}

/// The frame that sends a message.
pub(crate) fn send_message(content: &str) -> String {
    json!({ "type": "send_message", "content": content }).to_string()
}

/// Sends messages to a room, one after the other, and waits until all are stored.
pub(crate) fn fill(world: &World, user: &str, room: &str, count: usize, content: &str) {
    let mut client = greeted(conversation(world, user, room).connect());
    let mut open = 0;
    for sent in 0..count {
        client.send(&send_message(content));
        open += 1;
        while open > if sent + 1 == count { 0 } else { 50 } {
            if client.json()["type"] == "message_status" {
                open -= 1;
            }
        }
    }
    client.close(1000);
    client.closed_at_last();
}

/// A client of Socket.IO.
pub(crate) struct Gate {
    pub(crate) client: Client,
    /// What its CONNECT was answered with.
    pub(crate) welcome: Value,
    /// The number of the event that came last.
    pub(crate) offset: Option<String>,
}

impl Gate {
    /// The handshake.
    pub(crate) fn dial(world: &World) -> Dial {
        let dial = world.dial().path("/socket.io/");
        dial.query("EIO=4").query("transport=websocket")
    }

    /// Connects with this `auth`.
    pub(crate) fn with(dial: &Dial, auth: &Value) -> Self {
        let mut client = dial.connect();
        assert!(client.text().starts_with('0'), "an open packet");
        client.send(&format!("40{auth}"));
        let welcome = client.text();
        let welcome = welcome.strip_prefix("40").expect("an answered CONNECT");
        Self {
            client,
            welcome: serde_json::from_str(welcome).expect("JSON"),
            offset: None,
        }
    }

    /// A user who has been sent what they missed.
    pub(crate) fn of(world: &World, user: &str) -> Self {
        let mut gate = Self::with(&Self::dial(world), &json!({ "token": world.token(user) }));
        while gate.event().0 != "offline.end" {}
        gate
    }

    /// The next packet that is no heartbeat; `None` at the end of the connection.
    pub(crate) fn packet(&mut self) -> Option<String> {
        loop {
            match self.client.next() {
                Heard::Text(text) if text == "2" => self.client.send("3"),
                Heard::Text(text) => return Some(text),
                Heard::Close(..) | Heard::End => return None,
                other => panic!("heard {other:?}"),
            }
        }
    }

    /// The next event: its name and its data. Acknowledgements are events named by their number,
    /// and who comes and goes is passed over.
    pub(crate) fn event(&mut self) -> (String, Value) {
        loop {
            let packet = self.packet().expect("an event");
            let body = packet.get(2..).unwrap_or_default();
            let begin = body
                .find('[')
                .unwrap_or_else(|| panic!("no event: {packet}"));
            let parts: Vec<Value> = serde_json::from_str(&body[begin..]).expect("JSON");
            if packet.starts_with("43") {
                return (format!("ack {}", &body[..begin]), parts[0].clone());
            }
            let name = parts[0].as_str().expect("a name").to_owned();
            if let Some(Value::String(offset)) = parts.get(2) {
                self.offset = Some(offset.clone());
            }
            if name != "presence.updated" {
                return (name, parts.get(1).cloned().unwrap_or_default());
            }
        }
    }

    /// Sends an event that asks for an acknowledgement of this number.
    pub(crate) fn emit(&mut self, ack: u64, name: &str, data: &Value) {
        self.client.send(&format!("42{ack}{}", json!([name, data])));
    }

    /// What the client shows when it comes back.
    pub(crate) fn auth(&self, world: &World, user: &str) -> Value {
        json!({
            "token": world.token(user),
            "pid": self.welcome["pid"],
            "offset": self.offset,
        })
    }
}

/// A token of a user with these permissions alone.
pub(crate) fn token_of(world: &World, user: &str, permissions: &[&str]) -> String {
    let mut token = Token::of(user);
    token.roles = Vec::new();
    token.permissions = permissions.iter().map(|&name| name.to_owned()).collect();
    world.sign(&token)
}
