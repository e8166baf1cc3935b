//! A server under attack, with bystanders who must not notice.

use std::cell::RefCell;
use std::io::{ErrorKind, Read as _, Write as _};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use super::meter::{Cost, Meter};
use crate::client::{Client, Dial, Wire, header, publish};
use crate::http::Request;
use crate::world::{PATIENCE, Plan, Token, World, eventually};

/// A server, two of its users who talk all the time, and a look at its memory.
pub(super) struct Scene {
    pub(super) world: World,
    bystanders: Bystanders,
    meter: Meter,
    secrets: RefCell<Vec<String>>,
}

impl Scene {
    /// Starts the server of a plan.
    pub(super) fn of(plan: Plan) -> Self {
        // Count pages in use: none that the allocator was given back, none of two megabytes.
        let plan = plan
            .variable("MIMALLOC_PURGE_DELAY", "0")
            .variable("MIMALLOC_ALLOW_THP", "0");
        let world = plan.set("server.drain_seconds", 1).start();
        let bystanders = Bystanders::start(&world);
        let meter = Meter::start(&world);
        Self {
            world,
            bystanders,
            meter,
            secrets: RefCell::default(),
        }
    }

    /// A server of one worker with these keys set.
    pub(super) fn with(keys: &[(&str, &str)]) -> Self {
        let plan = Plan::with("server.workers", 1);
        Self::of(
            keys.iter()
                .fold(plan, |plan, (key, value)| plan.set(key, value)),
        )
    }

    /// A token that must never be read in a log.
    pub(super) fn token(&self, user: &str) -> String {
        self.keep_secret(self.world.token(user))
    }

    /// Says that this text must never be read in a log.
    pub(super) fn keep_secret(&self, secret: String) -> String {
        self.secrets.borrow_mut().push(secret.clone());
        secret
    }

    /// A handshake of this user.
    pub(super) fn dial(&self, user: &str) -> Dial {
        self.world.dial().token(&self.token(user))
    }

    /// A connection of this user.
    pub(super) fn connect(&self, user: &str) -> Client {
        self.dial(user).connect()
    }

    /// A connection of this user that has subscribed to a topic.
    pub(super) fn subscriber(&self, user: &str, topic: &str) -> Client {
        let mut client = self.connect(user);
        client.send(&format!("subscribe:{topic}"));
        client.barrier();
        client
    }

    /// A socket to the server, before any request.
    pub(super) fn wire(&self) -> Wire {
        self.world.dial().wire().expect("a listening server")
    }

    /// Waits until so many audit lines of a kind (`event`) say this of their `detail`.
    pub(super) fn wait_for_lines(&self, count: usize, event: &str, detail: &str) {
        let is_it =
            |line: &&Value| line["event"] == event && text(&line["detail"]).contains(detail);
        eventually(&format!("{count} lines {event} of '{detail}'"), || {
            (self.world.audit().iter().filter(is_it).count() >= count).then_some(())
        });
    }

    /// Waits until an audit line of a kind about this user is there: its `detail`.
    pub(super) fn wait_for_line_of(&self, user: &str, event: &str) -> String {
        self.world.wait_for_audit(|line| {
            (line["event"] == event && line["user"] == user).then(|| text(&line["detail"]))
        })
    }

    /// A number of `/metrics`.
    pub(super) fn figure(&self, name: &str) -> u64 {
        let answer = Request::new(self.world.address(), "GET", "/metrics").send();
        let line = answer
            .body
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok())
            .unwrap_or_else(|| panic!("{name} is a figure"))
    }

    /// Waits until a number of `/metrics` is this.
    pub(super) fn wait_for_figure(&self, name: &str, value: u64) {
        eventually(name, || (self.figure(name) == value).then_some(()));
    }

    /// Ends the server in order and holds it to everything that is promised of every attack: the
    /// bystanders missed nothing, the server grew by no more than `bound`, the audit's chain
    /// holds, and nothing secret is in it or in the log. Gives what it cost at most.
    pub(super) fn end(mut self, bound: usize) -> Cost {
        self.bystanders.stop();
        let cost = self.meter.stop();
        self.world.signal(Signal::TERM);
        let status = self.world.wait(PATIENCE);
        assert!(status.success(), "{status}");
        let verified = self.world.run(&["audit", "verify"]);
        assert!(
            verified.status.success(),
            "{}",
            String::from_utf8_lossy(&verified.stderr)
        );
        let secrets = self.secrets.into_inner();
        let path = self.world.data_dir().join("audit.log");
        let audit = std::fs::read_to_string(path).expect("an audit of text");
        assert_says_none_of(&audit, &secrets);
        self.world.wait_for_log(|line| {
            assert_says_none_of(&line.to_string(), &secrets);
            text(&line["message"]).starts_with("draining").then_some(())
        });
        assert!(
            cost.private <= bound,
            "{} bytes of at most {bound}",
            cost.private
        );
        cost
    }
}

/// A publisher and a subscriber in a session and at an address of their own; two users.
struct Bystanders {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Bystanders {
    fn start(world: &World) -> Self {
        let dial = |user: &str| {
            let token = world.sign(&Token::of(user).session("elsewhere"));
            world.dial().from(THEIR_ADDRESS).token(&token)
        };
        let mut subscriber = dial("listener").connect();
        subscriber.send("subscribe:T");
        subscriber.barrier();
        let mut publisher = dial("talker").connect();
        let newcomer = dial("newcomer");
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            let mut serial = 0;
            loop {
                publisher.send(&publish("T", serial));
                assert_eq!(subscriber.json()["payload"], serial, "what bystanders hear");
                serial += 1;
                if stopped.recv_timeout(THEIR_PAUSE) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
            // New ones are let in too, and nothing came that nobody sent.
            newcomer.connect().barrier();
            subscriber.barrier();
        });
        Self { stop, thread }
    }

    fn stop(self) {
        self.stop.send(()).expect("bystanders who talk");
        self.thread.join().expect("bystanders who heard everything");
    }
}

/// Sends as much as the server takes, up to `bytes` of repetitions of `piece`; whole ones are
/// counted. Ends where nothing is taken for a while, or the server ends the connection.
pub(super) fn pour(wire: &mut Wire, piece: &[u8], bytes: usize) -> usize {
    wire.tcp()
        .set_write_timeout(Some(Duration::from_millis(500)))
        .expect("a socket");
    let mut sent = 0;
    while sent < bytes {
        match wire.write(&piece[sent % piece.len()..]) {
            Ok(taken) => sent += taken,
            Err(_) => break,
        }
    }
    wire.tcp()
        .set_write_timeout(Some(PATIENCE))
        .expect("a socket");
    sent / piece.len()
}

/// The status of the answer that comes, and its text: as long as it says, else up to the end.
pub(super) fn answer(wire: &mut Wire) -> (u16, String) {
    let mut input = Vec::new();
    while !is_whole(&input) && wire.read_some(&mut input).expect("an answer in time") > 0 {}
    let text = String::from_utf8_lossy(&input).into_owned();
    let status = text
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no status: {text}")), text)
}

fn is_whole(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = header(head, "content-length").and_then(|length| length.parse().ok());
    length.is_none_or(|length: usize| body.len() >= length)
}

/// Waits for the end of a connection whatever comes before: how long it took.
pub(super) fn wait_for_end(wire: &mut Wire) -> Duration {
    let begin = Instant::now();
    let mut buffer = [0; 16 * 1024];
    loop {
        match wire.read(&mut buffer) {
            Ok(0) => return begin.elapsed(),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("no end in time");
            }
            Err(_) => return begin.elapsed(),
        }
    }
}

/// A text of JSON without its quotes, any other value as JSON.
pub(super) fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn assert_says_none_of(written: &str, secrets: &[String]) {
    for secret in secrets {
        if secret.len() < 16 {
            continue;
        }
        // The signature alone would be enough to be a leak.
        let part = secret.rsplit('.').next().filter(|part| part.len() >= 16);
        assert!(
            !written.contains(part.unwrap_or(secret)),
            "a secret was written: {secret}"
        );
    }
}

/// What a server may grow by for reasons that are not the attack: buffers that are made when
/// they are needed first, pages that the allocator keeps.
pub(super) const SLACK: usize = 1 << 20;
const THEIR_ADDRESS: &str = "127.0.0.77";
const THEIR_PAUSE: Duration = Duration::from_millis(25);
