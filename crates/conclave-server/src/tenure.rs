//! Holds a lease for this node, or waits for it, for as long as the process lives.

#[cfg(test)]
mod tests;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use conclave_core::{Fence, LeaseFault, LeaseName, Leases, NodeId, Term};
use conclave_protocol::Clock;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Whether this node may do now what one node does at a time.
#[derive(Clone)]
pub(crate) struct Tenure {
    fence: watch::Receiver<Option<Fence>>,
}

/// The task that holds it.
pub(crate) struct Tenant {
    lease: LeaseName,
    node: NodeId,
    leases: Arc<dyn Leases>,
    task: JoinHandle<()>,
}

impl Tenure {
    /// Waits until this node has the lease.
    pub(crate) async fn held(&mut self) -> Fence {
        loop {
            if let Ok(Some(fence)) = self.fence.wait_for(Option::is_some).await.as_deref() {
                return *fence;
            }
            // The process ends.
            std::future::pending::<()>().await;
        }
    }

    /// Does it for as long as this node has the lease of that fence, at most.
    pub(crate) async fn during(&mut self, fence: Fence, work: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = self.lost(fence) => {}
            () = work => {}
        }
    }

    async fn lost(&mut self, fence: Fence) {
        let lost = self.fence.wait_for(|held| *held != Some(fence));
        // The process ends, and this with it.
        lost.await.ok();
    }
}

impl Tenant {
    /// Begins to hold it, on the current runtime.
    pub(crate) fn start(
        lease: LeaseName,
        node: NodeId,
        leases: Arc<dyn Leases>,
        clock: Arc<dyn Clock>,
    ) -> (Self, Tenure) {
        let (tell, fence) = watch::channel(None);
        let keep = Keep {
            lease,
            node,
            leases: Arc::clone(&leases),
            clock,
            term: Term::default(),
            tell,
        };
        let task = tokio::spawn(keep.run());
        let tenant = Self {
            lease,
            node,
            leases,
            task,
        };
        (tenant, Tenure { fence })
    }

    /// Gives it back, so that another node need not wait until this one has been silent long
    /// enough. What was done with it must have ended.
    pub(crate) async fn finish(self) {
        self.task.abort();
        // It was cut off, or has panicked, which was reported.
        self.task.await.ok();
        let released = self.leases.release(self.lease, self.node);
        match tokio::time::timeout(RELEASE_TIME, released).await {
            Ok(Ok(())) => {}
            Ok(Err(LeaseFault(error))) => {
                tracing::warn!(lease = %self.lease, %error, "cannot give a lease back");
            }
            Err(_elapsed) => tracing::warn!(lease = %self.lease, "no time to give a lease back"),
        }
    }
}

struct Keep {
    lease: LeaseName,
    node: NodeId,
    leases: Arc<dyn Leases>,
    clock: Arc<dyn Clock>,
    term: Term,
    tell: watch::Sender<Option<Fence>>,
}

impl Keep {
    async fn run(mut self) {
        let mut fails = false;
        loop {
            let asked = self.clock.monotonic();
            match self.hold(asked).await {
                Ok(hold) => {
                    self.term.learn(hold, asked, self.clock.monotonic());
                    fails = false;
                }
                Err(LeaseFault(error)) => {
                    if !std::mem::replace(&mut fails, true) {
                        tracing::warn!(lease = %self.lease, %error, "cannot renew a lease");
                    }
                }
            }
            self.say();
            tokio::time::sleep(self.left().map_or(EVERY, |left| left.min(EVERY))).await;
        }
    }

    /// Asks the store. While it does not answer, what was held runs out.
    async fn hold(&self, asked: Duration) -> Result<conclave_core::Hold, LeaseFault> {
        let silent = self.term.silent(asked);
        let mut answer = pin!(self.leases.hold(self.lease, self.node, silent));
        if let Some(left) = self.left() {
            match tokio::time::timeout(left, &mut answer).await {
                Ok(answer) => return answer,
                Err(_elapsed) => self.say(),
            }
        }
        answer.await
    }

    fn left(&self) -> Option<Duration> {
        let now = self.clock.monotonic();
        let (_, until) = self.term.held(now)?;
        Some(until.saturating_sub(now))
    }

    fn say(&self) {
        let held = self.term.held(self.clock.monotonic());
        let fence = held.map(|(fence, _)| fence);
        let changes = |said: &mut Option<Fence>| std::mem::replace(said, fence) != fence;
        if self.tell.send_if_modified(changes) {
            match fence {
                Some(_) => tracing::info!(lease = %self.lease, "this node has the lease"),
                None => tracing::info!(lease = %self.lease, "this node has lost the lease"),
            }
        }
    }
}

/// How often it is renewed, and looked whether it is free.
const EVERY: Duration = Duration::from_secs(1);
const RELEASE_TIME: Duration = Duration::from_secs(2);
