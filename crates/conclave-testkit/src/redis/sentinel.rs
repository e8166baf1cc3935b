//! A master, its replica, and a sentinel that lets the replica follow a dead master.

use super::ports::free_port;
use super::{RedisServer, wait_until};

/// Three processes on ports of this machine.
#[derive(Debug)]
pub struct RedisSentinel {
    /// The one that is the master first.
    pub master: RedisServer,
    /// The one that follows it.
    pub replica: RedisServer,
    sentinel: RedisServer,
    port: u16,
    of_replica: u16,
}

impl RedisSentinel {
    /// Starts them, and waits until the sentinel knows both.
    ///
    /// # Panics
    /// Where there is no `redis-server`, or they do not find each other in time.
    #[must_use]
    pub fn start() -> Self {
        let ports = [free_port(), free_port(), free_port()];
        let [of_master, replica_port, port] = ports.map(|port| port.to_string());
        let local = ["--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0"];
        let master = [&local[..], &["--port", &of_master]].concat();
        let replica = [
            "--port",
            &replica_port,
            "--replicaof",
            "127.0.0.1",
            &of_master,
        ];
        let replica = [&local[..], &replica].concat();
        let master = RedisServer::start_with(&master);
        let replica = RedisServer::start_with(&replica);
        wait_until("the replica follows", || {
            let said = replica.ask("INFO replication").unwrap_or_default();
            said.contains("master_link_status:up")
        });
        let sentinel = RedisServer::start_sentinel(&format!(
            "port {port}\nbind 127.0.0.1\n\
             sentinel monitor {NAME} 127.0.0.1 {of_master} 1\n\
             sentinel down-after-milliseconds {NAME} 500\n\
             sentinel failover-timeout {NAME} 2000\n"
        ));
        wait_until("the sentinel knows the replica", || {
            let said = sentinel.ask(&format!("SENTINEL REPLICAS {NAME}"));
            said.is_some_and(|said| said.contains(&replica_port) && said.contains("\r\nok\r\n"))
        });
        let [_, of_replica, port] = ports;
        Self {
            master,
            replica,
            sentinel,
            port,
            of_replica,
        }
    }

    /// Where it is, for a configuration; the first of its sentinels is away.
    #[must_use]
    pub fn url(&self) -> String {
        let (nobody, port) = (free_port(), self.port);
        format!("redis+sentinel://127.0.0.1:{nobody},127.0.0.1:{port}/{NAME}")
    }

    /// The same by the sentinel of another first, which calls its own master alike.
    #[must_use]
    pub fn url_after(&self, other: &Self) -> String {
        let (first, port) = (other.port, self.port);
        format!("redis+sentinel://127.0.0.1:{first},127.0.0.1:{port}/{NAME}")
    }

    /// Makes the replica the master while the master lives, as an operator does, and waits until
    /// the sentinel says that it is.
    ///
    /// # Panics
    /// Where the sentinel refuses, or it takes too long.
    pub fn change_places(&self) {
        let said = self.sentinel.ask(&format!("SENTINEL FAILOVER {NAME}"));
        assert_eq!(said.as_deref(), Some("+OK\r\n"));
        let replica = self.of_replica.to_string();
        wait_until("the places have changed", || {
            let ask = format!("SENTINEL GET-MASTER-ADDR-BY-NAME {NAME}");
            self.sentinel
                .ask(&ask)
                .is_some_and(|said| said.contains(&replica))
        });
    }
}

const NAME: &str = "mymaster";
