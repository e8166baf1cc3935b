//! A cluster of three shards without replicas.

use super::ports::free_port;
use super::{RedisServer, wait_until};

/// Three processes on ports of this machine.
#[derive(Debug)]
pub struct RedisCluster {
    /// Each with a third of the slots, in their order.
    pub shards: [RedisServer; 3],
    ports: [u16; 3],
}

impl RedisCluster {
    /// Starts them, and waits until each knows all.
    ///
    /// # Panics
    /// Where there is no `redis-server`, or they do not find each other in time.
    #[must_use]
    pub fn start() -> Self {
        let places = [(); 3].map(|()| (free_port(), free_port()));
        let shards = places.map(|(port, of_bus)| {
            let (port, of_bus) = (port.to_string(), of_bus.to_string());
            let timeout = ["--cluster-node-timeout", "2000"];
            let place = [
                "--bind",
                "127.0.0.1",
                "--port",
                &port,
                "--cluster-port",
                &of_bus,
            ];
            let arguments = [&["--cluster-enabled", "yes"][..], &timeout, &place].concat();
            RedisServer::start_with(&arguments)
        });
        let cluster = Self {
            shards,
            ports: places.map(|(port, _)| port),
        };
        for (number, (shard, range)) in cluster.shards.iter().zip(RANGES).enumerate() {
            let [first, last] = range;
            said_ok(shard, &format!("CLUSTER SET-CONFIG-EPOCH {}", number + 1));
            said_ok(shard, &format!("CLUSTER ADDSLOTSRANGE {first} {last}"));
        }
        // Who knows another takes no epoch any more.
        for shard in &cluster.shards {
            for (port, of_bus) in places {
                said_ok(shard, &format!("CLUSTER MEET 127.0.0.1 {port} {of_bus}"));
            }
        }
        cluster.wait_until_whole();
        cluster
    }

    /// Waits until every shard serves.
    ///
    /// # Panics
    /// Where that takes too long.
    pub fn wait_until_whole(&self) {
        for shard in &self.shards {
            wait_until("the cluster is whole", || {
                let said = shard.ask("CLUSTER INFO").unwrap_or_default();
                let knows = shard.ask("CLUSTER NODES").unwrap_or_default();
                said.contains("cluster_state:ok")
                    && self.ports.iter().all(|port| {
                        knows.contains(&format!("127.0.0.1:{port}@")) && !knows.contains("fail")
                    })
            });
        }
    }

    /// Where it is, for a configuration.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts = self.ports.map(|port| format!("127.0.0.1:{port}"));
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// Gives an empty slot of the first shard to the second, and waits until the third knows.
    ///
    /// # Panics
    /// Where one refuses, or it takes too long.
    pub fn give_away(&self, slot: u16) {
        let [from, to, other] = &self.shards;
        let new = id(to);
        said_ok(
            to,
            &format!("CLUSTER SETSLOT {slot} IMPORTING {}", id(from)),
        );
        said_ok(from, &format!("CLUSTER SETSLOT {slot} MIGRATING {new}"));
        for shard in [to, from] {
            said_ok(shard, &format!("CLUSTER SETSLOT {slot} NODE {new}"));
        }
        wait_until("the slot has moved", || {
            let nodes = other.ask("CLUSTER NODES").unwrap_or_default();
            let line = nodes.lines().find(|line| line.contains(&new));
            line.is_some_and(|line| line.split(' ').any(|range| range == slot.to_string()))
        });
    }
}

/// How a shard names itself.
fn id(shard: &RedisServer) -> String {
    let said = shard.ask("CLUSTER MYID").expect("its name");
    let name = said.lines().nth(1).expect("a text");
    name.to_owned()
}

fn said_ok(shard: &RedisServer, command: &str) {
    assert_eq!(shard.ask(command).as_deref(), Some("+OK\r\n"), "{command}");
}

const RANGES: [[u16; 2]; 3] = [[0, 5460], [5461, 10922], [10923, 16383]];
