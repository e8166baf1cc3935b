//! From a configuration to a node that is ready to be connected to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};

use anyhow::Context as _;
use conclave_auth::{
    Password, PasswordHash, PasswordJob, PasswordOutcome, RevocationIndex, Roles, SignInParts,
    SignInPolicy, Standing, StoredUser, UserOverlay, Users, Verifier,
};
use conclave_core::{ConnectionTable, Directory, Topics};
use conclave_protocol::{Clock, UserId};
use conclave_store::{Store, StoreOptions};
use tokio::sync::{mpsc, watch};

use crate::audit::{AuditKey, AuditLog, Options};
use crate::clock::WallClock;
use crate::config::{self, Config, Setup};
use crate::identity::{self, Identity, PasswordPool, Sources, SystemRandom};
use crate::metrics::Counters;
use crate::node::{Dice, Node};
use crate::worker::Control;

/// A node, and what has to be closed after it.
pub(crate) struct Started {
    pub(crate) node: Arc<Node>,
    pub(crate) store: Arc<Store>,
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
    // Another part of the process may have installed the same one.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
    let clock: Arc<dyn Clock> = Arc::new(WallClock::new());
    config::make_data_dir(&setup.config.server.data_dir).with_context(|| {
        format!(
            "server.data_dir: {}",
            setup.config.server.data_dir.display()
        )
    })?;
    let audit = open_audit(&setup.config, &clock)?;
    let path = setup.config.store_path();
    let store = Arc::new(Store::open(&path, StoreOptions::default()).await?);
    let passwords = PasswordPool::start().context("cannot start the password pool")?;
    keep_dev_users(&setup, &store, &*clock).await?;
    let identity = open_identity(&setup, &store, passwords, &clock)?;
    let (controls, receivers) = (0..workers).map(|_| mpsc::unbounded_channel()).unzip();
    let node = Arc::new(node(
        setup,
        Opened {
            clock,
            audit,
            identity,
        },
        controls,
    ));
    let sources = Sources {
        users: store.clone(),
        families: store.clone(),
        revocations: store.clone(),
    };
    identity::catch_up(&node, &sources)
        .await
        .context("store.path: cannot read revocations")?;
    tokio::spawn(identity::watch(Arc::clone(&node), sources));
    Ok((Started { node, store }, receivers))
}

struct Opened {
    clock: Arc<dyn Clock>,
    audit: Arc<AuditLog>,
    identity: Arc<Identity>,
}

fn node(setup: Setup, opened: Opened, controls: Vec<mpsc::UnboundedSender<Control>>) -> Node {
    let Opened {
        clock,
        audit,
        identity,
    } = opened;
    let limits = setup.config.bounds();
    // Microseconds, so that a restart begins above every epoch used, unless there were more than
    // a million new channels a second; below 2^53 until the year 2255.
    let first_epoch = clock.now().millis().saturating_mul(1000);
    let directory = Directory::new(controls.len(), &limits, first_epoch);
    let mut seed = [0; 8];
    conclave_auth::Random::fill(&SystemRandom, &mut seed);
    Node {
        ping_seconds: setup.config.limits.ping_seconds,
        silence_seconds: setup.config.limits.silence_seconds,
        broadcast: setup.config.topics.broadcast,
        connections_max: setup.config.limits.connections,
        topics: Topics::new(Arc::new(directory)),
        identity,
        connections: ConnectionTable::new(),
        counters: Counters::default(),
        audit,
        clock,
        draining: AtomicBool::new(false),
        worker_connections: controls.iter().map(|_| AtomicU32::new(0)).collect(),
        end: watch::channel(false).0,
        controls: controls.into(),
        dice: Dice::new(u64::from_ne_bytes(seed)),
        limits,
        setup,
    }
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
    store: &Arc<Store>,
    passwords: PasswordPool,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Arc<Identity>> {
    let auth = &setup.config.auth;
    let limits = &setup.config.limits;
    let roles = Arc::new(Roles::new(auth.roles.clone()));
    let signer = Arc::new(identity::signer(setup)?);
    let issuers = identity::issuers(setup, &signer)?;
    let verifier = Verifier::new(issuers, Arc::clone(&roles)).context("auth.issuers")?;
    let parts = SignInParts {
        users: store.clone(),
        families: store.clone(),
        sessions: store.clone(),
        revocations: store.clone(),
        passwords: Arc::new(passwords),
        random: Arc::new(SystemRandom),
        signer,
        verifier: Arc::new(verifier),
        standing: Standing {
            revocations: Arc::new(RevocationIndex::default()),
            users: Arc::new(UserOverlay::new(&auth.user_prefix, roles)),
        },
        policy: SignInPolicy {
            refresh_life: DAY * auth.refresh_days,
            sessions_per_user: limits.sessions_per_user,
            ..SignInPolicy::default()
        },
    };
    let key = config::kept_secret(&setup.config.server.data_dir.join(REFRESH_KEY), random)?;
    let key = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.reveal().as_bytes());
    let key: [u8; 32] = key.as_ref().try_into().context("a SHA-256 has 32 bytes")?;
    let background = tokio::runtime::Handle::current();
    Ok(Arc::new(Identity::new(
        setup,
        parts,
        &key,
        Arc::clone(clock),
        background,
    )?))
}

/// In dev mode the known users exist. Outside it, none of them may still have the known
/// password: a data folder that was tried out must not go into production by accident.
async fn keep_dev_users(setup: &Setup, store: &Store, clock: &dyn Clock) -> anyhow::Result<()> {
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
                anyhow::bail!(
                    "store.path: user '{name}' still has the password of dev mode; give it \
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
        store.add(&user, clock.now()).await?;
    }
    let users = DEV_USERS.join(", ");
    tracing::warn!("dev mode: users {users} all have the password '{DEV_PASSWORD}'");
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

const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);
const DEV_USERS: [&str; 5] = ["user", "testuser", "username", "user123", "admin"];
const DEV_PASSWORD: &str = "password";
const REFRESH_KEY: &str = "refresh.key";
