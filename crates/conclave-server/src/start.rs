//! From a configuration to a node that is ready to be connected to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};

use anyhow::Context as _;
use conclave_auth::{
    KeyRing, Password, PasswordHash, PasswordJob, PasswordOutcome, PortError, SignInPolicy,
    StoredUser, TicketTable, Users,
};
use conclave_core::{
    Actor, Bus, ConnectionTable, Directory, Feed, NewRoom, NodeId, Origin, RoomFault, RoomStore,
    Rooms, Stamp, Topics, Witness,
};
use conclave_protocol::{Clock, CreateRoom, Limits, RoomId, RoomKind, Timestamp, UserId};
use conclave_store::{RoomLimits, Store, StoredRooms};
use tokio::sync::{mpsc, watch};

use crate::assistant::{self, Answers};
use crate::attendance;
use crate::audit::{AuditKey, AuditLog, Event, Kind, Options};
use crate::clock::WallClock;
use crate::config::{self, Config, Setup};
use crate::http::Trail;
use crate::identity::{self, Authority, Blacklist, Identity, PasswordPool, Sources, SystemRandom};
use crate::metrics::{Counters, Latencies};
use crate::names::Names;
use crate::node::{Dice, Node};
use crate::nodes::{self, Nodes};
use crate::polling::Polls;
use crate::service;
use crate::stored::Stored;
use crate::surfaces::Surfaces;
use crate::wallet::{self, Wallets};
use crate::webhooks::{self, Webhooks};
use crate::worker::{Control, Lost};

/// A node, and what has to be closed after it.
pub(crate) struct Started {
    pub(crate) node: Arc<Node>,
    pub(crate) store: Arc<Store>,
    pub(crate) webhooks: webhooks::Running,
}

/// Says by what TLS is encrypted in this process.
pub(crate) fn install_cipher() {
    // Another part of the process may have installed the same one.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
}

/// Opens everything that is durable, and makes the node of `workers` workers. Runs on the
/// background runtime, whose tasks keep the node up to date.
///
/// # Errors
/// What kept it from starting, naming the key or file.
pub(crate) async fn start(
    setup: Setup,
    workers: usize,
) -> anyhow::Result<(Started, Vec<mpsc::UnboundedReceiver<Control>>)> {
    install_cipher();
    let clock: Arc<dyn Clock> = Arc::new(WallClock::new());
    config::make_data_dir(&setup.config.server.data_dir).with_context(|| {
        format!(
            "server.data_dir: {}",
            setup.config.server.data_dir.display()
        )
    })?;
    let audit = open_audit(&setup.config, &clock)?;
    let stored = Stored::of(&setup.config)?;
    let store = Arc::new(stored.open().await?);
    let passwords = PasswordPool::start().context("cannot start the password pool")?;
    keep_dev_users(&setup, (&store, &stored), &*clock).await?;
    let name = nodes::own_name();
    let bus = nodes::open(&setup, name)?;
    let shared = nodes::shared(bus.as_ref(), &setup.config.bus);
    let identity = open_identity(&setup, (&store, passwords), &clock, shared)?;
    let (bus, feed) = bus
        .map(|opened| ((opened.node, opened.bus), opened.feed))
        .unzip();
    let (webhooks, prepared) = Webhooks::new(&setup, &clock, &audit)?;
    let (controls, receivers) = (0..workers).map(|_| mpsc::unbounded_channel()).unzip();
    let node = Arc::new(node(
        setup,
        Opened {
            clock,
            audit,
            identity,
            store: Arc::clone(&store),
            webhooks,
            bus,
        },
        controls,
    )?);
    let webhooks = Webhooks::start(&node, name, store.clone(), prepared).await?;
    if node.setup.profile.dev {
        keep_dev_room(&store, &node).await?;
    }
    let sources = Sources {
        users: store.clone(),
        families: store.clone(),
        revocations: store.clone(),
        keys: store.clone(),
        calls: store.clone(),
    };
    identity::catch_up(&node, &sources)
        .await
        .with_context(|| format!("{}: cannot read revocations", stored.key()))?;
    keep_up(&node, sources, feed)
        .await
        .with_context(|| format!("{}: cannot read rooms", stored.key()))?;
    let started = Started {
        node,
        store,
        webhooks,
    };
    Ok((started, receivers))
}

/// Starts what keeps the node up to date.
async fn keep_up(
    node: &Arc<Node>,
    sources: Sources,
    feed: Option<Box<dyn Feed>>,
) -> Result<(), RoomFault> {
    tokio::spawn(identity::watch(Arc::clone(node), sources));
    tokio::spawn(attendance::attend(Arc::clone(node)));
    tokio::spawn(wallet::follow_links(Arc::clone(node)));
    if let Some(feed) = feed {
        node.nodes.begin(node.rooms.newest_number().await?);
        tokio::spawn(nodes::hear(Arc::clone(node), feed));
        tokio::spawn(nodes::close_gaps(Arc::clone(node)));
        tokio::spawn(nodes::tell_entered(Arc::clone(node)));
    }
    Ok(())
}

struct Opened {
    clock: Arc<dyn Clock>,
    audit: Arc<AuditLog>,
    identity: Arc<Identity>,
    store: Arc<Store>,
    webhooks: Webhooks,
    bus: Option<(NodeId, Arc<dyn Bus>)>,
}

fn node(
    setup: Setup,
    opened: Opened,
    controls: Vec<mpsc::UnboundedSender<Control>>,
) -> anyhow::Result<Node> {
    let limits = setup.config.bounds();
    let connections = ConnectionTable::new();
    let nodes = nodes(&setup, &opened, &connections);
    let directory = directory(&setup, controls.len(), nodes.bus(), opened.clock.now());
    let outlet = opened.webhooks.outlet(Arc::clone(&directory) as _);
    let stored = opened.store.rooms(outlet, RoomLimits::of(&limits));
    let rooms = rooms(stored, &directory, witness(&opened), &limits)
        .with_connections(Arc::clone(&connections))
        .with_shared_limits(nodes.bus().is_some());
    let rooms = Arc::new(rooms);
    let latencies = Arc::new(Latencies::default());
    let answers = answers(&setup, &rooms, &opened, &latencies)?;
    let Opened {
        clock,
        audit,
        identity,
        store,
        webhooks,
        bus: _,
    } = opened;
    let service = service::open(
        (Arc::clone(&rooms), Arc::clone(&answers)),
        Arc::clone(&identity),
        Arc::clone(&clock),
        &limits,
    );
    Ok(Node {
        wallets: Wallets::open(&setup, &directory, (&store, &clock))?,
        ping_seconds: setup.config.limits.ping_seconds,
        silence_seconds: setup.config.limits.silence_seconds,
        broadcast: setup.config.topics.broadcast,
        connections_max: setup.config.limits.connections,
        topics: Topics::new(directory),
        rooms,
        service: service.context("the generated service")?,
        lost: Lost::default(),
        names: Names::default(),
        polls: Polls::default(),
        surfaces: Surfaces::default(),
        webhooks,
        nodes,
        identity,
        keys: KeyRing::new(Arc::clone(&store) as _),
        calls: store,
        connections,
        counters: Counters::default(),
        latencies,
        answers,
        began: clock.monotonic(),
        audit,
        trail: Trail::default(),
        clock,
        draining: AtomicBool::new(false),
        worker_connections: controls.iter().map(|_| AtomicU32::new(0)).collect(),
        end: watch::channel(false).0,
        controls: controls.into(),
        dice: dice(),
        limits,
        setup,
    })
}

/// The others, where there is a bus.
fn nodes(setup: &Setup, opened: &Opened, connections: &Arc<ConnectionTable>) -> Nodes {
    let bus = opened.bus.clone();
    bus.map_or_else(Nodes::default, |bus| {
        Nodes::on(bus, Arc::clone(connections), setup.config.bus.revocations)
    })
}

/// The rooms, and the sweep of what they no longer need.
fn rooms(
    stored: StoredRooms,
    directory: &Arc<Directory>,
    witness: Arc<AuditedPower>,
    limits: &Limits,
) -> Rooms {
    tokio::spawn(sweep(stored.clone()));
    let directory = Arc::clone(directory);
    Rooms::new(Arc::new(stored), directory, witness, limits.clone())
}

fn answers(
    setup: &Setup,
    rooms: &Arc<Rooms>,
    opened: &Opened,
    latencies: &Arc<Latencies>,
) -> anyhow::Result<Arc<Answers>> {
    let store = &opened.store;
    let name = opened.bus.as_ref().map(|(name, _)| *name);
    let answers = Answers::open(assistant::Parts {
        setup,
        rooms: Arc::clone(rooms),
        ledger: Arc::clone(store) as _,
        leases: name.map(|name| (name, Arc::clone(store) as _)),
        audit: Arc::clone(&opened.audit),
        latencies: Arc::clone(latencies),
        clock: Arc::clone(&opened.clock),
        dice: dice(),
    });
    answers.map(Arc::new)
}

fn witness(opened: &Opened) -> Arc<AuditedPower> {
    Arc::new(AuditedPower {
        audit: Arc::clone(&opened.audit),
        clock: Arc::clone(&opened.clock),
    })
}

fn dice() -> Dice {
    let mut seed = [0; 8];
    conclave_auth::Random::fill(&SystemRandom, &mut seed);
    Dice::new(u64::from_ne_bytes(seed))
}

/// What workers share.
fn directory(
    setup: &Setup,
    workers: usize,
    bus: Option<Arc<dyn Bus>>,
    now: Timestamp,
) -> Arc<Directory> {
    // Microseconds, so that a restart begins above every epoch used, unless there were more than
    // a million new channels a second; below 2^53 until the year 2255.
    let mut first_epoch = now.millis().saturating_mul(1000);
    if bus.is_some() {
        // No two nodes may call different stretches of a topic alike.
        let mut bits = [0; 8];
        conclave_auth::Random::fill(&SystemRandom, &mut bits);
        first_epoch = first_epoch.saturating_add(u64::from_ne_bytes(bits) >> 12);
    }
    let directory = Directory::new(workers, &setup.config.bounds(), first_epoch);
    Arc::new(match bus {
        None => directory,
        Some(bus) => directory.with_bus(bus),
    })
}

/// The configured audit chain. Several processes may write one: whoever writes takes the file's
/// lock and continues after the others' lines.
///
/// # Errors
/// What keeps it from being written, naming the file.
pub(crate) fn open_audit(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Arc<AuditLog>> {
    if !config.audit.enabled {
        return Ok(Arc::new(AuditLog::off()));
    }
    let secret = config::kept_secret(&config.audit_key_file(), random)?;
    let options = Options {
        key: AuditKey::new(&secret),
        queue: usize::try_from(config.audit.queue).unwrap_or(usize::MAX),
        refusals_per_second: config.audit.refusals_per_second,
        usual_per_second: config.audit.usual_per_second,
        file: config.audit_file(),
    };
    Ok(Arc::new(AuditLog::open(options, Arc::clone(clock))?))
}

fn open_identity(
    setup: &Setup,
    (store, passwords): (&Arc<Store>, PasswordPool),
    clock: &Arc<dyn Clock>,
    shared: (Arc<dyn TicketTable>, Blacklist),
) -> anyhow::Result<Arc<Identity>> {
    let auth = &setup.config.auth;
    let limits = &setup.config.limits;
    let policy = SignInPolicy {
        refresh_life: DAY * auth.refresh_days,
        sessions_per_user: limits.sessions_per_user,
        ..SignInPolicy::default()
    };
    let parts = Authority::new(setup)?.sign_in_parts(store, passwords, policy);
    let key = refresh_key(setup)?;
    Ok(Arc::new(Identity::new(
        setup,
        parts,
        &key,
        Arc::clone(clock),
        shared,
    )?))
}

/// What the successors of refresh tokens are made with: a key that this node keeps, or, on a bus,
/// one that all nodes derive from the key that they sign with.
fn refresh_key(setup: &Setup) -> anyhow::Result<[u8; 32]> {
    let config = &setup.config;
    let shared = match (
        &config.bus.url,
        &setup.secret,
        &config.auth.private_key_file,
    ) {
        (None, _, _) | (Some(_), None, None) => None,
        (Some(_), Some(secret), _) => Some(secret.reveal().as_bytes().to_vec()),
        (Some(_), None, Some(path)) => Some(std::fs::read(path).context("auth.private_key_file")?),
    };
    let key = match shared {
        Some(shared) => {
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &shared);
            aws_lc_rs::hmac::sign(&key, b"the refresh key of all nodes")
                .as_ref()
                .to_vec()
        }
        None => {
            let key = config::kept_secret(&config.server.data_dir.join(REFRESH_KEY), random)?;
            let key = key.reveal().as_bytes();
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key)
                .as_ref()
                .to_vec()
        }
    };
    key.as_slice().try_into().context("a SHA-256 has 32 bytes")
}

/// Deletes what is left of great rooms that were deleted, until the runtime ends.
async fn sweep(rooms: StoredRooms) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = rooms.sweep().await {
            tracing::warn!(%error, "cannot delete what is left of deleted rooms");
        }
    }
}

/// Writes down each use of a power beside membership.
struct AuditedPower {
    audit: Arc<AuditLog>,
    clock: Arc<dyn Clock>,
}

impl Witness for AuditedPower {
    fn power_used(&self, user: &UserId, what: &'static str, subject: &str) {
        let event = Event::new(Kind::PowerUsed, self.clock.now())
            .user(user.as_str())
            .detail(format!("{what}: {subject}"));
        self.audit.record(event);
    }
}

/// In dev mode the known users exist. Outside it, none of them may still have the known
/// password: a data folder that was tried out must not go into production by accident.
async fn keep_dev_users(
    setup: &Setup,
    (store, stored): (&Store, &Stored),
    clock: &dyn Clock,
) -> anyhow::Result<()> {
    let password = || Password::new(DEV_PASSWORD.to_owned()).context("a valid password");
    if !setup.profile.dev {
        for name in DEV_USERS {
            let Some(user) = store.find(&UserId::new(name)?).await? else {
                continue;
            };
            let job = PasswordJob::Verify {
                password: password()?,
                stored: Some(user.password_hash),
                salt: [0; 16],
            };
            let outcome = tokio::task::spawn_blocking(|| job.run()).await?;
            if !user.disabled && matches!(outcome, PasswordOutcome::Right { .. }) {
                let key = stored.key();
                anyhow::bail!(
                    "{key}: user '{name}' still has the password of dev mode; give it \
                     another with 'conclave user passwd {name}', or use another server.data_dir"
                );
            }
        }
        return Ok(());
    }
    let hash = dev_hash(password()?).await?;
    for name in DEV_USERS {
        let name = UserId::new(name)?;
        if store.find(&name).await?.is_some() {
            continue;
        }
        let role = if name.as_str() == "admin" {
            "admin"
        } else {
            "user"
        };
        let user = StoredUser {
            name,
            password_hash: hash.clone(),
            roles: vec![role.to_owned()],
            permissions: Vec::new(),
            disabled: false,
        };
        match store.add(&user, clock.now()).await {
            // Another node that starts at the same time made it.
            Ok(()) | Err(PortError::Conflict) => {}
            Err(error) => return Err(error).context("cannot keep the users of dev mode"),
        }
    }
    let users = DEV_USERS.join(", ");
    tracing::warn!("dev mode: users {users} all have the password '{DEV_PASSWORD}'");
    Ok(())
}

/// In dev mode everybody is in one PUBLIC room.
async fn keep_dev_room(store: &Arc<Store>, node: &Node) -> anyhow::Result<()> {
    let outlet = Arc::clone(node.topics.directory());
    let rooms = store.rooms(outlet, RoomLimits::of(&node.limits));
    let id = RoomId::new(DEV_ROOM)?;
    let owner = Actor::plain(UserId::new("admin")?);
    if rooms.room(&owner, &id).await.is_ok() {
        return Ok(());
    }
    let members = DEV_USERS.iter().copied().map(UserId::new);
    let room = CreateRoom {
        name: Some(DEV_ROOM.into()),
        description: None,
        kind: RoomKind::Public,
        members: members.collect::<Result<_, _>>()?,
    };
    let stamp = Stamp {
        at: node.clock.now(),
        origin: Origin::default(),
    };
    let wanted = NewRoom {
        id: id.clone(),
        room,
    };
    let created = rooms.create(&owner, wanted, stamp).await;
    if created.is_err() && rooms.room(&owner, &id).await.is_ok() {
        // Another node that starts at the same time made it.
        return Ok(());
    }
    created.context("cannot create the room of dev mode")?;
    Ok(())
}

async fn dev_hash(password: Password) -> anyhow::Result<PasswordHash> {
    let mut salt = [0; 16];
    conclave_auth::Random::fill(&SystemRandom, &mut salt);
    let job = PasswordJob::Hash { password, salt };
    match tokio::task::spawn_blocking(|| job.run()).await? {
        PasswordOutcome::Hashed(hash) => Ok(hash),
        PasswordOutcome::Failed | PasswordOutcome::Right { .. } | PasswordOutcome::Wrong => {
            anyhow::bail!("cannot hash the password of the dev users")
        }
    }
}

fn random(bytes: &mut [u8; 32]) -> std::io::Result<()> {
    conclave_auth::Random::fill(&SystemRandom, bytes);
    Ok(())
}

const SWEEP_EVERY: std::time::Duration = std::time::Duration::from_secs(60);
const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);
const DEV_USERS: [&str; 5] = ["user", "testuser", "username", "user123", "admin"];
/// The room of dev mode.
const DEV_ROOM: &str = "general";
const DEV_PASSWORD: &str = "password";
const REFRESH_KEY: &str = "refresh.key";
