//! Servers with rooms in them: Conclave on a store that was filled before it started, and
//! socket.io on Node; how members come in by each dialect, and what they send and hear.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};
use conclave_core::{Actor, NewRoom, Origin, Outlet, RoomStore, Stamp as Moment};
use conclave_protocol::{
    Channel, CreateRoom, Event, MessageId, MessageKind, RoomId, RoomKind, SendMessage, Timestamp,
    UserId,
};
use conclave_store::{RoomLimits, Store, StoreOptions, StoredRooms};
use tokio::runtime::Runtime;

use super::bed::{Bed, Setting};
use super::crowd::{Door, Guest, Manner};
use super::ledger::Stamp;
use super::machine::SERVER_CORE;
use super::postgres::Postgres;
use super::subject::{Launch, Process, Subject};
use crate::stored::Stored;

/// A server and who belongs into its rooms: user `n` is a member of room `n / members`.
pub(super) struct House {
    // Ended before its folder is removed.
    pub(super) process: Process,
    pub(super) door: Door,
    pub(super) folder: Option<Folder>,
}

/// Settings of a server, as variables of its environment.
pub(super) type Environment = Vec<(&'static str, String)>;

/// An empty folder for a store, removed when dropped.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes it where temporary files are.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn new() -> Result<Self> {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let name = format!("conclave-bench-{}-store-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).context("cannot make a folder for a store")?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Where the server has its store in it.
    pub(super) fn stored(&self) -> Stored {
        Stored::File(self.0.join(Stored::FILE), StoreOptions::default())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("bench: cannot clear away {}: {error}", self.0.display());
        }
    }
}

impl House {
    /// Starts `subject` with `rooms` rooms of `members`.
    ///
    /// # Errors
    /// It does not start, or its store cannot be filled.
    pub(super) fn open(bed: &Bed, subject: Subject, rooms: usize, members: usize) -> Result<Self> {
        match subject {
            Subject::Conclave => {
                let folder = Folder::new()?;
                let of = |room: usize| (room * members..(room + 1) * members).map(user);
                furnish(&folder.stored(), (0..rooms).map(|room| of(room).collect()))?;
                Self::serve(bed, folder)
            }
            Subject::Node => Self::node(bed, members),
            other => bail!("{} has no rooms", other.name()),
        }
    }

    /// Starts Conclave on a folder whose store is filled.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn serve(bed: &Bed, folder: Folder) -> Result<Self> {
        Self::serve_with(bed, folder, Vec::new())
    }

    /// The same with more in its environment.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn serve_with(bed: &Bed, folder: Folder, more: Environment) -> Result<Self> {
        let process = conclave_with(bed, folder.path(), more)?;
        Ok(Self {
            door: bed.door(&process, Setting::PLAIN),
            process,
            folder: Some(folder),
        })
    }

    /// Starts Conclave on a database, with `rooms` rooms of `members`.
    ///
    /// # Errors
    /// It does not start, or the database cannot be filled.
    pub(super) fn over(
        bed: &Bed,
        postgres: &Postgres,
        rooms: usize,
        members: usize,
    ) -> Result<Self> {
        let of = |room: usize| (room * members..(room + 1) * members).map(user);
        furnish(
            &postgres.stored()?,
            (0..rooms).map(|room| of(room).collect()),
        )?;
        let folder = Folder::new()?;
        let process = conclave_with(
            bed,
            folder.path(),
            vec![("CONCLAVE_STORE__URL", postgres.url())],
        )?;
        Ok(Self {
            door: bed.door(&process, Setting::PLAIN),
            process,
            folder: Some(folder),
        })
    }

    fn node(bed: &Bed, members: usize) -> Result<Self> {
        let folder = bed.programs.node.as_deref();
        let script = folder.context("no yardstick on Node")?.join("server.mjs");
        let process = Process::start(&Launch {
            program: PathBuf::from("node"),
            arguments: vec![
                script.to_string_lossy().into_owned(),
                "{address}".to_owned(),
                members.to_string(),
            ],
            environment: vec![
                ("JWT_SECRET_KEY", bed.mint.secret().to_owned()),
                ("NODE_ENV", "production".to_owned()),
            ],
            cores: vec![SERVER_CORE],
        })?;
        Ok(Self {
            door: bed.door(&process, Setting::PLAIN),
            process,
            folder: None,
        })
    }
}

/// Starts Conclave with one worker on a data folder; the limits of messages and requests a second are
/// lifted.
///
/// # Errors
/// It does not start.
pub(super) fn conclave(bed: &Bed, data: &Path) -> Result<Process> {
    conclave_with(bed, data, Vec::new())
}

/// The same with more in its environment.
fn conclave_with(bed: &Bed, data: &Path, more: Environment) -> Result<Process> {
    let arguments = [
        "serve",
        "--listen",
        "{address}",
        "--workers",
        "1",
        "--data-dir",
    ];
    let mut arguments: Vec<String> = arguments.map(str::to_owned).into();
    arguments.push(data.to_string_lossy().into_owned());
    let unlimited = UNLIMITED.map(|name| (name, "0".to_owned()));
    let mut environment = vec![("JWT_SECRET_KEY", bed.mint.secret().to_owned())];
    environment.extend(unlimited);
    environment.extend(more);
    Process::start(&Launch {
        program: bed.programs.conclave.clone(),
        arguments,
        environment,
        cores: vec![SERVER_CORE],
    })
}

/// The subjects that have rooms: Conclave, and Node where it is installed.
pub(super) fn subjects(bed: &Bed) -> impl Iterator<Item = Subject> {
    let node = bed.programs.node.is_some();
    let asked = bed.subjects.contains(&Subject::Conclave);
    let conclave = asked.then_some(Subject::Conclave);
    conclave.into_iter().chain(node.then_some(Subject::Node))
}

/// A runtime for the store, on the thread that calls.
///
/// # Errors
/// The system gives none.
pub(super) fn runtime() -> Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().context("no runtime")
}

/// Opens the store that is `stored`, whose events nobody hears.
///
/// # Errors
/// It cannot be opened.
pub(super) async fn open_store(stored: &Stored) -> Result<(Arc<Store>, StoredRooms)> {
    let store = Arc::new(stored.open().await?);
    let limits = RoomLimits {
        rooms_per_user: 0,
        members_per_room: 0,
    };
    let rooms = store.rooms(Arc::new(Nobody), limits);
    Ok((store, rooms))
}

/// Creates a room for each list of members, by the first of them, and closes the store.
///
/// # Errors
/// The store cannot be opened or written.
pub(super) fn furnish(stored: &Stored, rooms: impl Iterator<Item = Vec<UserId>>) -> Result<()> {
    runtime()?.block_on(async {
        let (store, handle) = open_store(stored).await?;
        let mut creations = tokio::task::JoinSet::new();
        for (number, mut members) in rooms.enumerate() {
            let new = NewRoom {
                id: room(number),
                room: CreateRoom {
                    name: Some("bench".into()),
                    description: None,
                    kind: RoomKind::Private,
                    members: members.split_off(1),
                },
            };
            let by = members
                .pop()
                .map(Actor::plain)
                .context("a room of nobody")?;
            let handle = handle.clone();
            creations.spawn(async move { handle.create(&by, new, now()).await.map(drop) });
        }
        while let Some(created) = creations.join_next().await {
            created??;
        }
        store.close().await?;
        Ok(())
    })
}

/// A message as the store is asked to keep it, like those that members send.
pub(super) fn message(to: RoomId, stamp: Stamp, number: u128) -> conclave_core::NewMessage {
    conclave_core::NewMessage {
        answer: None,
        under: None,
        id: MessageId(number),
        message: SendMessage {
            room: to,
            content: stamp.payload().into(),
            kind: MessageKind::Text,
            reply_to: None,
            client_id: Some(stamp.sequence.to_string().into()),
            id: None,
        },
    }
}

/// Any moment: nothing measured depends on it.
pub(super) fn now() -> Moment {
    Moment {
        at: Timestamp::from_seconds(1_800_000_000),
        ..Moment::default()
    }
}

/// User `u{number}`, as their token says.
pub(super) fn user(number: usize) -> UserId {
    name(&format!("u{number}"))
}

/// # Panics
/// Never: the names of the benchmark are valid.
#[expect(clippy::expect_used, reason = "letters and digits")]
pub(super) fn name(text: &str) -> UserId {
    UserId::new(text).expect("a valid name")
}

/// Room `room-{number}`.
///
/// # Panics
/// Never: the id is valid.
#[expect(clippy::expect_used, reason = "letters and digits")]
pub(super) fn room(number: usize) -> RoomId {
    RoomId::new(&format!("room-{number}")).expect("a valid id")
}

struct Nobody;

impl Outlet for Nobody {
    fn publish(&self, _: Channel, _: Arc<Event>, _: Origin) {}
}

/// By which dialect a member is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tongue {
    Conversation,
    SocketIo,
}

/// What a text from the server is to a member.
pub(super) enum Heard {
    /// Its own message is stored.
    Acked,
    /// Somebody's message, or an event of a backend.
    Message,
    /// Something else: who came, what was missed.
    Nothing,
    Refused,
}

impl Tongue {
    /// User `number`, who enters the room.
    pub(super) fn guest(self, bed: &Bed, number: usize, room: &RoomId) -> Guest {
        let token = bed.mint.token(number);
        let (path, command, manner) = match self {
            Self::Conversation => {
                let path = format!("/ws/conversation/u{number}/{}?token={token}", room.as_str());
                (path, None, Manner::Conversation)
            }
            Self::SocketIo => {
                let command = format!(r#"40{{"token":"{token}"}}"#);
                let path = "/socket.io/?EIO=4&transport=websocket".to_owned();
                (path, Some(command), Manner::SocketIo)
            }
        };
        Guest {
            number,
            head: Some(format!(
                "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 User-Agent: conclave-bench\r\n\r\n"
            )),
            extension: "",
            command,
            manner,
        }
    }

    /// The frame's text that sends a message of 64 bytes and asks for its ack.
    pub(super) fn send(self, room: &RoomId, stamp: Stamp) -> String {
        let (content, number) = (stamp.payload(), stamp.sequence);
        match self {
            Self::Conversation => {
                format!(r#"{{"type":"send_message","content":"{content}","client_id":"{number}"}}"#)
            }
            Self::SocketIo => format!(
                r#"42{number}["sendMessage",{{"channelId":"{}","content":"{content}","clientId":"{number}"}}]"#,
                room.as_str()
            ),
        }
    }

    pub(super) fn hear(self, text: &[u8]) -> Heard {
        let begins = |with: &str| text.starts_with(with.as_bytes());
        match self {
            Self::Conversation if begins(r#"{"type":"user_message""#) => Heard::Message,
            Self::Conversation if begins(r#"{"type":"message_status""#) => Heard::Acked,
            Self::Conversation if begins(r#"{"type":"error""#) => Heard::Refused,
            Self::SocketIo if begins(r#"42["message.created""#) => Heard::Message,
            Self::SocketIo if begins(EVENT_HEARD) => Heard::Message,
            Self::SocketIo if begins(r#"42["error""#) => Heard::Refused,
            Self::SocketIo if begins("43") => {
                let wanted = br#""success":true"#;
                let done = text.windows(wanted.len()).any(|part| part == wanted);
                if done { Heard::Acked } else { Heard::Refused }
            }
            Self::Conversation | Self::SocketIo => Heard::Nothing,
        }
    }
}

static FOLDERS: AtomicU32 = AtomicU32::new(0);
/// One member and one backend stand for many: what bounds their messages of a second is lifted.
const UNLIMITED: [&str; 5] = [
    "CONCLAVE_LIMITS__HANDSHAKES_PER_SECOND",
    "CONCLAVE_LIMITS__MESSAGES_PER_SECOND",
    "CONCLAVE_LIMITS__REQUESTS_PER_SECOND",
    "CONCLAVE_LIMITS__ROOM_MESSAGES_PER_SECOND",
    "CONCLAVE_LIMITS__USER_MESSAGES_PER_SECOND",
];
/// The event that a backend sends to a room.
pub(super) const EVENT: &str = "bench";
const EVENT_HEARD: &str = r#"42["bench""#;
