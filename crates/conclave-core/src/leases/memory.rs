//! Leases of nodes in one process.

use std::collections::HashMap;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::{Fence, Hold, LeaseFault, LeaseName, Leases, Sign};
use crate::NodeId;

/// Leases in memory. Keyed by the names that the server chooses.
#[derive(Debug, Default)]
pub struct MemoryLeases {
    held: Mutex<HashMap<LeaseName, (Option<NodeId>, Sign)>>,
}

#[async_trait]
impl Leases for MemoryLeases {
    async fn hold(
        &self,
        lease: LeaseName,
        node: NodeId,
        silent: Option<Sign>,
    ) -> Result<Hold, LeaseFault> {
        let mut held = self.held.lock();
        let nobody = Sign {
            fence: Fence(0),
            beat: 0,
        };
        let (holder, sign) = held.entry(lease).or_insert((None, nobody));
        match holder {
            Some(holder) if *holder == node => sign.beat += 1,
            Some(_) if silent != Some(*sign) => return Ok(Hold::Other(*sign)),
            Some(_) | None => {
                *holder = Some(node);
                *sign = Sign {
                    fence: Fence(sign.fence.0 + 1),
                    beat: 0,
                };
            }
        }
        Ok(Hold::Own(sign.fence))
    }

    async fn release(&self, lease: LeaseName, node: NodeId) -> Result<(), LeaseFault> {
        if let Some((holder, _)) = self.held.lock().get_mut(&lease) {
            holder.take_if(|holder| *holder == node);
        }
        Ok(())
    }

    async fn of_others(
        &self,
        leases: &[LeaseName],
        node: NodeId,
    ) -> Result<Vec<LeaseName>, LeaseFault> {
        let held = self.held.lock();
        let is_others = |lease: &&LeaseName| {
            let holder = held.get(*lease).and_then(|(holder, _)| *holder);
            holder.is_some_and(|holder| holder != node)
        };
        Ok(leases.iter().filter(is_others).copied().collect())
    }
}
