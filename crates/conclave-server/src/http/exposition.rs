//! `GET /metrics`, as Prometheus and its kin read it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use conclave_core::BusFigures;
use conclave_protocol::{Permission, Refusal};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::caller::Caller;
use super::client::Client;
use super::problem::Problem;
use crate::metrics::{Counter, Timed};
use crate::node::Node;
use crate::wallet::Feed;

/// On the server's own addresses: for this machine and holders of `system.monitor`; 404 where
/// metrics have an address of their own.
pub(super) async fn guarded(
    State(node): State<Arc<Node>>,
    request: Request,
) -> Result<impl IntoResponse, Problem> {
    if node.setup.config.metrics.listen.is_some() {
        return Err(Problem::refused(
            Refusal::NotFound,
            "there is nothing at this path",
        ));
    }
    let (mut parts, _) = request.into_parts();
    if !Client::from_request_parts(&mut parts, &node)
        .await?
        .is_local(&node)
    {
        let caller = Caller::from_request_parts(&mut parts, &node).await?;
        caller.check(&node, Permission::SystemMonitor)?;
    }
    exposition(&node)
}

/// On an address of its own: for whoever reaches it.
pub(super) async fn open(State(node): State<Arc<Node>>) -> Result<impl IntoResponse, Problem> {
    exposition(&node)
}

fn exposition(node: &Arc<Node>) -> Result<impl IntoResponse + use<>, Problem> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Figures(Arc::clone(node))));
    let mut text = String::new();
    let encoded = prometheus_client::encoding::text::encode(&mut text, &registry);
    encoded.map_err(|_unwritable| Problem::internal())?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text))
}

/// Every figure of a node, read when it is asked for.
struct Figures(Arc<Node>);

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Figures(..)")
    }
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for counter in Counter::ALL {
            let value = self.0.counters.value(*counter);
            count(&mut encoder, counter.name(), counter.help().trim(), value)?;
        }
        let left_out = self.0.audit.left_out();
        count(
            &mut encoder,
            "conclave_audit_left_out",
            "Audit events counted, not listed",
            left_out,
        )?;
        for (name, help, value) in gauges(&self.0).into_iter().chain(memories(&self.0)) {
            let value = ConstGauge::new(value);
            value.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        self.latencies(&mut encoder)?;
        self.inboxes(&mut encoder)?;
        self.bus(&mut encoder)?;
        self.webhooks(&mut encoder)?;
        self.answers(&mut encoder)?;
        self.wallets(&mut encoder)?;
        self.workers(&mut encoder)
    }
}

impl Figures {
    fn latencies(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        for timed in Timed::ALL {
            let histogram = self.0.latencies.histogram(timed);
            let bounds = timed.bounds().iter().copied();
            let bounds = bounds.map(|micros| Duration::from_micros(micros).as_secs_f64());
            let counts = histogram.counts.iter().copied();
            let buckets: Vec<_> = bounds.chain([f64::INFINITY]).zip(counts).collect();
            let (name, help) = (timed.name(), timed.help());
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
            let sum = histogram.sum.as_secs_f64();
            metric.encode_histogram::<NoLabelSet>(sum, histogram.count(), &buckets, None)?;
        }
        Ok(())
    }

    fn workers(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let name = "conclave_worker_connections";
        let help = "Open WebSocket connections of a worker";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (worker, count) in self.0.worker_connections.iter().enumerate() {
            let label = [("worker", worker.to_string())];
            let count = i64::from(count.load(Ordering::Relaxed));
            ConstGauge::new(count).encode(family.encode_family(&label)?)?;
        }
        Ok(())
    }

    fn webhooks(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let webhooks = &self.0.webhooks;
        let mut figures = webhooks.figures().peekable();
        let Some(first) = figures.peek() else {
            return Ok(());
        };
        let lost = "Events for webhooks that found no room on their way to the store";
        count(
            encoder,
            "conclave_webhook_events_lost",
            lost,
            webhooks.lost(),
        )?;
        for (index, (name, help, _)) in first.counters().into_iter().enumerate() {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for figures in webhooks.figures() {
                let label = [("webhook", figures.name())];
                let value = figures
                    .counters()
                    .get(index)
                    .map_or(0, |(_, _, value)| *value);
                ConstCounter::new(value).encode(family.encode_family(&label)?)?;
            }
        }
        let (name, help) = (
            "conclave_webhook_backlog",
            "Events that wait for a webhook, about",
        );
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for figures in webhooks.figures() {
            let label = [("webhook", figures.name())];
            let backlog = i64::try_from(figures.backlog()).unwrap_or(i64::MAX);
            ConstGauge::new(backlog).encode(family.encode_family(&label)?)?;
        }
        Ok(())
    }

    fn answers(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Some(assistant) = self.0.answers.service() else {
            return Ok(());
        };
        let figures = assistant.figures();
        let (name, help) = ("conclave_answers", "Answers that ended, by how");
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (outcome, value) in [
            ("cancelled", figures.cancelled),
            ("error", figures.failed),
            ("length", figures.cut),
            ("stop", figures.stopped),
        ] {
            ConstCounter::new(value).encode(family.encode_family(&[("outcome", outcome)])?)?;
        }
        let (name, help) = ("conclave_answer_tokens", "Tokens that answers took");
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (kind, value) in [
            ("prompt", figures.usage.prompt),
            ("completion", figures.usage.completion),
        ] {
            ConstCounter::new(value).encode(family.encode_family(&[("kind", kind)])?)?;
        }
        for (name, help, value) in [
            (
                "conclave_answers_running",
                "Answers under way",
                figures.running,
            ),
            (
                "conclave_answers_waiting",
                "Questions that wait for their room's turn",
                figures.waiting,
            ),
        ] {
            let value = ConstGauge::new(gauge(value));
            value.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        Ok(())
    }

    fn bus(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let nodes = &self.0.nodes;
        let Some((figures, passed_over)) = nodes.figures() else {
            return Ok(());
        };
        for (name, help, value) in bus_counts(figures, passed_over) {
            count(encoder, name, help, value)?;
        }
        let waiting = "Bytes that wait to be sent to other nodes";
        let channels = "Channels that are asked for on the bus";
        let heard = "Nodes that are heard, this one included";
        for (name, help, value) in [
            ("conclave_nodes", heard, gauge(nodes.others().1 + 1)),
            (
                "conclave_bus_away",
                "Whether the bus is away",
                i64::from(nodes.is_away()),
            ),
            (
                "conclave_bus_waiting_bytes",
                waiting,
                gauge(figures.waiting),
            ),
            ("conclave_bus_channels", channels, gauge(figures.channels)),
        ] {
            let value = ConstGauge::new(value);
            value.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        Ok(())
    }

    /// Nothing where wallets are off.
    fn wallets(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Some(feed) = self.0.wallets.as_ref().map(|wallets| wallets.feed()) else {
            return Ok(());
        };
        for (name, help, value) in wallet_counts(&feed) {
            count(encoder, name, help, value)?;
        }
        let head = feed
            .head
            .map_or(0, |head| i64::try_from(head.number).unwrap_or(i64::MAX));
        let subscriptions = feed.balance + feed.contract + feed.transactions;
        for (name, help, value) in [
            (
                "conclave_wallet_live",
                "Whether the chain is followed",
                i64::from(feed.is_live),
            ),
            (
                "conclave_wallet_head",
                "The newest block that was told",
                head,
            ),
            (
                "conclave_wallet_subscriptions",
                "Subscriptions to the chain",
                gauge(subscriptions),
            ),
            (
                "conclave_wallet_watches",
                "Different things of the chain that are heard of",
                gauge(feed.watches),
            ),
        ] {
            let value = ConstGauge::new(value);
            value.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        Ok(())
    }

    fn inboxes(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let directory = self.0.topics.directory();
        let help = "Bytes that wait for a worker to deliver them";
        let mut family =
            encoder.encode_descriptor("conclave_inbox_bytes", help, None, MetricType::Gauge)?;
        for worker in 0..directory.workers() {
            let Some(inbox) = directory.inbox(worker) else {
                continue;
            };
            let label = [("worker", worker.to_string())];
            ConstGauge::new(gauge(inbox.outstanding())).encode(family.encode_family(&label)?)?;
        }
        Ok(())
    }
}

fn count(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let value = ConstCounter::new(value);
    value.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)
}

const fn wallet_counts(feed: &Feed) -> [(&'static str, &'static str, u64); 6] {
    [
        (
            "conclave_wallet_requests",
            "Questions to the node of the chain",
            feed.requests,
        ),
        (
            "conclave_wallet_reconnects",
            "Times that the node of the chain was reached again",
            feed.reconnects,
        ),
        (
            "conclave_wallet_strangers",
            "Times that the node of the chain was of another chain",
            feed.strangers,
        ),
        (
            "conclave_wallet_blocks",
            "Blocks that were told",
            feed.blocks,
        ),
        (
            "conclave_wallet_reorganisations",
            "Times that blocks which were told were taken back",
            feed.reorganisations,
        ),
        (
            "conclave_wallet_gaps_filled",
            "Times that blocks which were missed were read again",
            feed.gaps_filled,
        ),
    ]
}

/// What went through the bus; `passed_over` was taken from it and then left.
const fn bus_counts(
    figures: BusFigures,
    passed_over: u64,
) -> [(&'static str, &'static str, u64); 6] {
    let missed = figures.missed.saturating_add(passed_over);
    [
        (
            "conclave_bus_sent",
            "Messages sent to other nodes",
            figures.sent,
        ),
        (
            "conclave_bus_lost",
            "Messages to other nodes that were lost",
            figures.lost,
        ),
        (
            "conclave_bus_received",
            "Messages from other nodes",
            figures.received,
        ),
        (
            "conclave_bus_missed",
            "Messages from other nodes that could not be taken",
            missed,
        ),
        (
            "conclave_bus_refused",
            "Messages from other nodes that could not be read",
            figures.refused,
        ),
        (
            "conclave_bus_connects",
            "Times that the bus was reached",
            figures.connects,
        ),
    ]
}

/// Name, help, value.
type Gauge = (&'static str, &'static str, i64);

fn gauges(node: &Node) -> [Gauge; 8] {
    let connections = node.connections.counts();
    let audit = &node.audit;
    let directory = node.topics.directory();
    let users = "Users with an open connection";
    let authenticated = "Open WebSocket connections with a token";
    let failing = "Whether the audit could not be written last time";
    let draining = i64::from(node.draining.load(Ordering::Relaxed));
    let channels = "Channels with subscribers or history";
    [
        (
            "conclave_connections",
            "Open WebSocket connections",
            i64::from(connections.active),
        ),
        (
            "conclave_connections_authenticated",
            authenticated,
            i64::from(connections.authenticated),
        ),
        ("conclave_users", users, gauge(connections.users)),
        ("conclave_channels", channels, gauge(directory.channels())),
        (
            "conclave_audit_queued",
            "Audit events to be written",
            gauge(audit.queued()),
        ),
        (
            "conclave_audit_failing",
            failing,
            i64::from(audit.is_failing()),
        ),
        (
            "conclave_draining",
            "Whether the server is going away",
            draining,
        ),
        (
            "conclave_workers",
            "Worker threads",
            gauge(node.controls.len()),
        ),
    ]
}

/// What is remembered of clients; each has a bound.
fn memories(node: &Node) -> [Gauge; 5] {
    let identity = &node.identity;
    let revocations = identity.standing().revocations.len();
    let limited = "Users whose requests are being counted";
    let failed = "Users and addresses whose failed sign-ins are being counted";
    let refused = "Addresses whose refused handshakes are being counted";
    let refused_keys = identity.refused_handshakes().keys();
    [
        (
            "conclave_tickets",
            "Tickets that wait to be redeemed",
            gauge(identity.tickets().waiting()),
        ),
        (
            "conclave_revocations",
            "Revocations held in memory",
            gauge(revocations),
        ),
        (
            "conclave_limiter_users",
            limited,
            gauge(identity.requests().users()),
        ),
        (
            "conclave_sign_in_failure_keys",
            failed,
            gauge(identity.attempts().keys()),
        ),
        (
            "conclave_refused_handshake_keys",
            refused,
            gauge(refused_keys),
        ),
    ]
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
