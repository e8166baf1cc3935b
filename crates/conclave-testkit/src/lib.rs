//! Test tools: a fake clock, conformance suites for the ports, a PostgreSQL and a Redis server, a
//! provider of answers, the layout test.
//!
//! Refuses to do: anything in a product; only tests depend on it.
//! Reading order: `clock`, `ports`, `postgres`, `redis`, `provider`.

mod clock;
mod detour;
pub mod ports;
pub mod postgres;
mod provider;
mod redis;
#[cfg(test)]
mod tests;

pub use clock::FakeClock;
pub use detour::Detour;
pub use provider::{Beat, Question, StreamServer, token};
pub use redis::{RedisCluster, RedisSentinel, RedisServer, free_port};
