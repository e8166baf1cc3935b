//! Webhooks: what happens here is posted to the URLs of `[[webhooks]]` (`docs/webhooks.md`).
//!
//! Messages and membership are read from the store's own events by their numbers: storing them
//! costs nothing more than before. What is no stored event goes through a queue in the store:
//! connections through `intake`, which workers never wait for, and messages whose recipients are
//! away through `lookout`, which follows the stored events and looks who is there.
//!
//! Every webhook has a task of its own (`sender`) that posts one batch after the other, strictly
//! in order, and goes on only when the batch was taken or given up: so one dead URL holds up
//! nobody else, and the events of a room come in order. Of several nodes on one store one posts:
//! that which has the lease.
//!
//! Reading order: this file, `intake`, `lookout`, `batch`, `event`, `sender`, `signature`,
//! `reach` (where posts may go).

mod batch;
mod event;
mod figures;
mod intake;
mod lookout;
mod reach;
mod sender;
mod signature;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use conclave_core::{
    Fence, LeaseName, Leases, LogPart, NodeId, Outlet, WebhookName, WebhookPlace, WebhookStore,
};
use conclave_protocol::{Channel, Clock, Event, EventKind};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

use crate::audit::AuditLog;
use crate::config::{Setup, Webhook, WebhookEvent, webhook_secret};
use crate::node::{Dice, Node};
use crate::tenure::Tenant;
use crate::worker::Listed;
pub(crate) use figures::Figures;
use intake::{Intake, Notice};
use lookout::Lookout;
pub(crate) use reach::{Reach, url_problem};
use sender::{Pace, Sender, Target};
use signature::Signer;

/// What the rest of the server tells webhooks. Without any it does nothing, at the cost of a
/// branch.
pub(crate) struct Webhooks {
    intake: Option<Arc<Intake>>,
    /// Whether one of them is told of connections.
    hears_connections: bool,
    bells: Arc<[Notify]>,
    figures: Box<[Arc<Figures>]>,
}

/// A connection came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    Came,
    Went,
}

/// What [`Webhooks::start`] needs beside the node.
pub(crate) struct Prepared {
    targets: Vec<Target>,
    notices: mpsc::Receiver<Notice>,
}

/// What runs until the end of the process.
pub(crate) struct Running {
    stop: watch::Sender<bool>,
    keeper: JoinHandle<()>,
    others: Vec<JoinHandle<()>>,
    /// Of the right to post; nothing where there is nothing to post.
    tenant: Option<Tenant>,
}

impl Webhooks {
    /// Of a configuration.
    ///
    /// # Errors
    /// A secret file that cannot be read, or a URL that leads where it must not.
    pub(crate) fn new(
        setup: &Setup,
        clock: &Arc<dyn Clock>,
        audit: &Arc<AuditLog>,
    ) -> anyhow::Result<(Self, Prepared)> {
        let configured = &setup.config.webhooks;
        let (sender, notices) = mpsc::channel(NOTICES_MAX);
        let mut targets = Vec::new();
        for (index, webhook) in configured.iter().enumerate() {
            let key = || format!("webhooks[{index}]");
            targets.push(target(webhook).with_context(key)?);
        }
        let wants = |event| configured.iter().any(|webhook| webhook.wants(event));
        let intake = Intake::new(sender, Arc::clone(clock), Arc::clone(audit));
        let webhooks = Self {
            intake: (!targets.is_empty()).then(|| Arc::new(intake)),
            hears_connections: wants(WebhookEvent::Connect) || wants(WebhookEvent::Disconnect),
            // One for each sender, one for the lookout.
            bells: (0..=targets.len()).map(|_| Notify::new()).collect(),
            figures: targets
                .iter()
                .map(|target| Arc::clone(&target.figures))
                .collect(),
        };
        Ok((webhooks, Prepared { targets, notices }))
    }

    /// Whether a webhook is told of connections.
    pub(crate) const fn hears_connections(&self) -> bool {
        self.hears_connections
    }

    /// Tells of a connection, without waiting.
    pub(crate) fn tell(&self, happened: Happened, connection: &Listed, node: Option<&str>) {
        if let Some(intake) = &self.intake {
            intake.connection(happened, connection, node);
        }
    }

    /// Where the store's events go: to `inner`, and each of them rings.
    pub(crate) fn outlet(&self, inner: Arc<dyn Outlet>) -> Arc<dyn Outlet> {
        match &self.intake {
            None => inner,
            Some(intake) => Arc::new(Tee {
                inner,
                intake: Arc::clone(intake),
                bells: Arc::clone(&self.bells),
            }),
        }
    }

    /// The figures of each webhook.
    pub(crate) fn figures(&self) -> impl Iterator<Item = &Figures> {
        self.figures.iter().map(|figures| &**figures)
    }

    /// Events that found no room on their way to the store.
    pub(crate) fn lost(&self) -> u64 {
        self.intake.as_ref().map_or(0, |intake| intake.lost())
    }

    /// Starts posting; where no webhook is configured, forgets those there were.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn start<S>(
        node: &Arc<Node>,
        name: NodeId,
        store: Arc<S>,
        prepared: Prepared,
    ) -> anyhow::Result<Running>
    where
        S: Leases + WebhookStore + 'static,
    {
        let Prepared { targets, notices } = prepared;
        let mut names: Vec<WebhookName> = targets.iter().map(|t| t.name.clone()).collect();
        let looks = targets
            .iter()
            .any(|target| target.wants(WebhookEvent::MessageOffline));
        if looks {
            names.push(WebhookName::lookout());
        }
        store.open(&names).await.context("store: webhooks")?;
        let bells = Arc::clone(&node.webhooks.bells);
        let stop = watch::channel(false).0;
        let keeper = intake::Keeper {
            store: Arc::clone(&store) as _,
            targets: targets.iter().map(intake::Wish::of).collect(),
            bells: Arc::clone(&bells),
            notices,
            stop: stop.subscribe(),
        };
        let mut running = Running {
            stop,
            keeper: tokio::spawn(keeper.run()),
            others: Vec::new(),
            tenant: None,
        };
        if targets.is_empty() {
            return Ok(running);
        }
        let leases = Arc::clone(&store) as _;
        let clock = Arc::clone(&node.clock);
        let (tenant, tenure) = Tenant::start(LeaseName::WEBHOOKS, name, leases, clock);
        running.tenant = Some(tenant);
        if looks {
            let lookout = Lookout {
                node: Arc::clone(node),
                store: Arc::clone(&store) as _,
                targets: targets.iter().filter_map(lookout::Reader::of).collect(),
                bells: Arc::clone(&bells),
                place: 0,
                fence: Fence::default(),
            };
            running
                .others
                .push(tokio::spawn(lookout.run(tenure.clone())));
        }
        for (index, target) in targets.into_iter().enumerate() {
            let sender = sender(node, Arc::clone(&store) as _, target);
            let sending = sender.run(Arc::clone(&bells), index, tenure.clone());
            running.others.push(tokio::spawn(sending));
        }
        Ok(running)
    }
}

impl Running {
    /// Writes down what workers have told, and ends. What is not posted is posted after the next
    /// start.
    pub(crate) async fn finish(self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(LAST_NOTICES, self.keeper)
            .await
            .is_err()
        {
            tracing::error!("not every connection's end was kept for webhooks");
        }
        for task in self.others {
            task.abort();
            // It was cut off, or has panicked, which was reported.
            task.await.ok();
        }
        if let Some(tenant) = self.tenant {
            tenant.finish().await;
        }
    }
}

/// The store's events on their way to the workers.
struct Tee {
    inner: Arc<dyn Outlet>,
    intake: Arc<Intake>,
    bells: Arc<[Notify]>,
}

impl Outlet for Tee {
    fn publish(&self, channel: Channel, event: Arc<Event>, origin: conclave_core::Origin) {
        let (stored, deleted) = (
            event.number > 0,
            matches!(
                (&channel, &event.kind),
                (Channel::Room(_), EventKind::Deleted)
            ),
        );
        if deleted {
            self.intake.room_deleted(&event);
        }
        self.inner.publish(channel, event, origin);
        if stored {
            ring(&self.bells);
        }
    }
}

fn ring(bells: &[Notify]) {
    bells.iter().for_each(Notify::notify_one);
}

fn sender(node: &Node, store: Arc<dyn WebhookStore>, target: Target) -> Sender {
    Sender {
        target,
        fence: Fence::default(),
        place: WebhookPlace::default(),
        written: 0,
        store,
        clock: Arc::clone(&node.clock),
        audit: Arc::clone(&node.audit),
        pace: Pace::default(),
        dice: Dice::new(node.dice.roll()),
        failures: 0,
    }
}

fn target(webhook: &Webhook) -> anyhow::Result<Target> {
    let reach = Reach::of(webhook);
    if let Some(problem) = url_problem(&webhook.url, reach) {
        anyhow::bail!("url: {problem}");
    }
    let secret = webhook_secret(webhook).context("secret")?;
    let name = webhook.shown_name();
    Ok(Target {
        name: WebhookName::new(name).context("name: nothing given")?,
        url: webhook.url.clone(),
        events: webhook.events.clone(),
        part: LogPart {
            messages: webhook.wants(WebhookEvent::Message),
            membership: webhook.wants(WebhookEvent::Membership),
        },
        batch: webhook.batch.max(1),
        signer: Signer::new(secret.reveal()),
        client: reach
            .client(Duration::from_secs(u64::from(webhook.timeout_seconds)))
            .context("url")?,
        figures: Arc::new(Figures::new(name)),
    })
}

/// Connections that came and went and are not in the store yet.
const NOTICES_MAX: usize = 16_384;
const LAST_NOTICES: Duration = Duration::from_secs(3);
