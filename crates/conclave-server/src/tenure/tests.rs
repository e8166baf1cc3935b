use std::sync::atomic::{AtomicBool, Ordering};

use conclave_core::{Hold, MemoryLeases, Sign};

use super::*;
use crate::clock::WallClock;

/// Leases as one node reaches them.
struct Reached {
    leases: Arc<MemoryLeases>,
    away: AtomicBool,
}

#[async_trait::async_trait]
impl Leases for Reached {
    async fn hold(
        &self,
        lease: LeaseName,
        node: NodeId,
        silent: Option<Sign>,
    ) -> Result<Hold, LeaseFault> {
        if self.away.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        self.leases.hold(lease, node, silent).await
    }

    async fn release(&self, lease: LeaseName, node: NodeId) -> Result<(), LeaseFault> {
        self.leases.release(lease, node).await
    }

    async fn of_others(
        &self,
        leases: &[LeaseName],
        node: NodeId,
    ) -> Result<Vec<LeaseName>, LeaseFault> {
        self.leases.of_others(leases, node).await
    }
}

struct Stage {
    leases: Arc<MemoryLeases>,
    clock: Arc<dyn Clock>,
}

impl Stage {
    fn new() -> Self {
        Self {
            leases: Arc::default(),
            clock: Arc::new(WallClock::new()),
        }
    }

    fn node(&self, node: u128) -> (Tenant, Tenure, Arc<Reached>) {
        let reached = Arc::new(Reached {
            leases: Arc::clone(&self.leases),
            away: AtomicBool::new(false),
        });
        let (clock, leases) = (Arc::clone(&self.clock), Arc::clone(&reached) as _);
        let (tenant, tenure) = Tenant::start(LeaseName::WEBHOOKS, NodeId(node), leases, clock);
        (tenant, tenure, reached)
    }
}

#[tokio::test]
async fn one_that_cannot_renew_stops_before_another_begins() {
    let stage = Stage::new();
    let (_one, mut first, reached) = stage.node(1);
    assert_eq!(first.held().await, Fence(1));
    let (_two, mut second, _) = stage.node(2);
    reached.away.store(true, Ordering::Relaxed);
    first.lost(Fence(1)).await;
    let lost = stage.clock.monotonic();
    assert_eq!(second.held().await, Fence(2));
    let taken = stage.clock.monotonic();
    assert!(lost < taken, "{lost:?} {taken:?}");
}

#[tokio::test]
async fn what_is_given_back_another_has_soon() {
    let stage = Stage::new();
    let (one, mut first, _) = stage.node(1);
    assert_eq!(first.held().await, Fence(1));
    let (_two, mut second, _) = stage.node(2);
    one.finish().await;
    assert_eq!(second.held().await, Fence(2));
}
