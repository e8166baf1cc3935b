//! What is heard here, for who asks.

use std::sync::Arc;

use conclave_protocol::Channel;

use super::{Directory, Entry};

impl Directory {
    /// How many connections of this node hear a channel.
    #[must_use]
    pub fn subscribers(&self, channel: &Channel) -> u32 {
        let shard = self.shard(channel).lock();
        shard.get(channel).map_or(0, Entry::listeners)
    }

    /// Shows every channel that is heard here and by how many connections, in no order. What comes
    /// and goes meanwhile may be missing. No lock is held while `show` runs.
    pub fn each_heard(&self, mut show: impl FnMut(&Arc<Channel>, u32)) {
        let mut heard = Vec::new();
        for shard in &self.shards {
            heard.extend(shard.lock().values().filter_map(|entry| {
                let listeners = entry.listeners();
                (listeners > 0).then(|| (Arc::clone(&entry.channel), listeners))
            }));
            for (channel, listeners) in heard.drain(..) {
                show(&channel, listeners);
            }
        }
    }
}

impl Entry {
    fn listeners(&self) -> u32 {
        self.subscribers
            .iter()
            .fold(0, |all, count| all.saturating_add(*count))
    }
}
