//! The conclave binary: configuration, listeners, connections, HTTP, command line.
//!
//! The only crate that touches sockets, files, environment and the wall clock.
//! Reading order: `serve` (a process from start to end), `listen`, `handshake`, `worker` (a
//! message's way), `identity` (who), `http`, `service` (what stands behind `/chat`), `wallet` (what happens on a chain), `webhooks`, `nodes` (the others), `tenure` (what one node does
//! for all), `audit`, `config`, `cli`.

mod assistant;
mod attendance;
pub mod audit;
pub mod bench;
pub mod cli;
mod clock;
pub mod config;
mod handshake;
mod http;
mod identity;
mod ids;
mod listen;
mod metrics;
mod names;
mod node;
mod nodes;
mod polling;
mod serve;
mod service;
mod start;
mod stored;
mod strikes;
mod surfaces;
pub mod telemetry;
mod tenure;
mod wallet;
mod webhooks;
mod worker;
