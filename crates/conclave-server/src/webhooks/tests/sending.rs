use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use conclave_core::{
    Hold, LeaseName, Leases as _, LogPart, NewQueued, NodeId, QueuedKind, WebhookName,
    WebhookStore as _,
};
use conclave_protocol::{Clock, Timestamp};
use conclave_store::{Store, StoreOptions};
use conclave_testkit::FakeClock;
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::audit::{AuditKey, AuditLog, Options};
use crate::config::WebhookEvent;
use crate::node::Dice;
use crate::webhooks::intake::Intake;
use crate::webhooks::sender::{KEPT, Pace, Round, Sender, Target};
use crate::webhooks::signature::Signer;
use crate::webhooks::{Figures, Happened, Reach};
use crate::worker::{Listed, Load};

/// A webhook without its task, on a store of its own.
struct Stage {
    dir: TempDir,
    clock: Arc<FakeClock>,
    store: Arc<Store>,
    audit: Arc<AuditLog>,
    sender: Sender,
}

impl Stage {
    async fn new() -> Self {
        // Another part of the process may have installed the same one.
        rustls::crypto::aws_lc_rs::default_provider()
            .install_default()
            .ok();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("conclave.db");
        let store = Arc::new(Store::open(&path, StoreOptions::default()).await.unwrap());
        let clock = Arc::new(FakeClock::default());
        let audit = audit(&dir, &clock);
        let target = target();
        let held = store.hold(LeaseName::WEBHOOKS, NodeId(1), None).await;
        let Ok(Hold::Own(fence)) = held else {
            panic!("{held:?}")
        };
        let sender = Sender {
            place: store.standing(&target.name).await.unwrap(),
            fence,
            target,
            written: 0,
            store: store.clone(),
            clock: clock.clone(),
            audit: Arc::clone(&audit),
            pace: Pace::default(),
            dice: Dice::new(1),
            failures: 0,
        };
        Self {
            dir,
            clock,
            store,
            audit,
            sender,
        }
    }

    async fn push(&self, data: &str) {
        let item = NewQueued {
            webhook: self.sender.target.name.clone(),
            kind: QueuedKind::Connect,
            number: 0,
            at: self.clock.now(),
            data: data.into(),
        };
        self.store.push(&[item], None).await.unwrap();
    }

    async fn waiting(&self) -> Vec<String> {
        let queued = self.store.queued(&self.sender.target.name, 10).await;
        let queued = queued.unwrap().into_iter();
        queued.map(|entry| entry.data).collect()
    }

    fn audit_text(&self) -> String {
        self.audit.flush().unwrap();
        std::fs::read_to_string(self.dir.path().join("audit.log")).unwrap()
    }
}

fn audit(dir: &TempDir, clock: &Arc<FakeClock>) -> Arc<AuditLog> {
    let secret = crate::config::Secret::new("0123".repeat(8));
    let options = Options {
        key: AuditKey::new(&secret),
        queue: 1000,
        refusals_per_second: 100,
        usual_per_second: 100,
        file: dir.path().join("audit.log"),
    };
    let clock: Arc<dyn Clock> = clock.clone();
    Arc::new(AuditLog::open(options, clock).unwrap())
}

/// Nobody listens there.
fn target() -> Target {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    Target {
        name: WebhookName::new("gone").unwrap(),
        url: format!("http://127.0.0.1:{port}/"),
        events: vec![WebhookEvent::Connect],
        part: LogPart::default(),
        batch: 10,
        signer: Signer::new("secret"),
        client: Reach::Anywhere.client(Duration::from_secs(5)).unwrap(),
        figures: Arc::new(Figures::new("gone")),
    }
}

fn counted(stage: &Stage) -> [u64; 4] {
    stage
        .sender
        .target
        .figures
        .counters()
        .map(|counter| counter.2)
}

#[tokio::test]
async fn what_nobody_takes_for_a_day_is_given_up_with_a_line_in_the_audit() {
    let mut stage = Stage::new().await;
    stage.push(r#""old""#).await;
    assert_eq!(stage.sender.round().await.unwrap(), Round::Failed);
    stage.clock.advance(KEPT / 2);
    stage.push(r#""young""#).await;
    assert_eq!(stage.sender.round().await.unwrap(), Round::Failed);
    stage.clock.advance(KEPT / 2 - Duration::from_secs(1));
    assert_eq!(stage.sender.round().await.unwrap(), Round::Failed);
    assert_eq!(stage.waiting().await, [r#""old""#, r#""young""#]);
    assert_eq!(counted(&stage), [0, 3, 2, 0]);
    assert_eq!(stage.sender.target.figures.backlog(), 2);
    assert!(!stage.audit_text().contains("webhook_dropped"));

    stage.clock.advance(Duration::from_secs(2));
    assert_eq!(stage.sender.round().await.unwrap(), Round::Failed);
    assert_eq!(stage.waiting().await, [r#""young""#]);
    assert_eq!(counted(&stage), [0, 4, 3, 1]);
    assert_eq!(stage.sender.target.figures.backlog(), 1);
    let audit = stage.audit_text();
    assert_eq!(audit.matches("webhook_failing").count(), 1, "{audit}");
    assert_eq!(audit.matches("webhook_dropped").count(), 1, "{audit}");
    assert!(
        audit.contains(r#"{"events":1,"webhook":"gone"}"#),
        "{audit}"
    );
}

#[tokio::test]
async fn the_day_is_counted_across_starts() {
    let mut stage = Stage::new().await;
    stage.push(r#""old""#).await;
    assert_eq!(stage.sender.round().await.unwrap(), Round::Failed);
    stage.clock.advance(KEPT + Duration::from_secs(1));
    let name = stage.sender.target.name.clone();
    stage.sender.place = stage.store.standing(&name).await.unwrap();
    stage.sender.failures = 0;
    assert_eq!(stage.sender.round().await.unwrap(), Round::Failed);
    assert_eq!(stage.waiting().await, Vec::<String>::new());
    assert_eq!(stage.sender.round().await.unwrap(), Round::Idle);
}

#[tokio::test]
async fn a_full_queue_takes_nothing_and_says_so() {
    let stage = Stage::new().await;
    let (sender, mut notices) = mpsc::channel(2);
    let clock: Arc<dyn Clock> = stage.clock.clone();
    let intake = Intake::new(sender, clock, Arc::clone(&stage.audit));
    let connection = Listed {
        id: 7,
        user: None,
        session: "session-7".to_owned(),
        surface: "topics",
        address: IpAddr::from([127, 0, 0, 1]),
        since: Timestamp::default(),
        load: Load::default(),
    };
    for happened in [Happened::Came, Happened::Went, Happened::Came] {
        intake.connection(happened, &connection, None);
    }
    assert_eq!(intake.lost(), 1);
    assert!(notices.try_recv().is_ok() && notices.try_recv().is_ok());
    assert!(notices.try_recv().is_err());
    assert_eq!(stage.audit_text().matches("webhook_lost").count(), 1);
}
