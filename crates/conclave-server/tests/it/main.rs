//! The whole server from outside: the real binary, real sockets, nothing of its insides.
//!
//! `world` starts servers and signs tokens, `client` is a WebSocket client that waits with
//! deadlines and never sleeps; every other file is a suite.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod assistant;
mod assistant_surfaces;
mod clerk;
mod client;
mod console;
mod credentials;
mod deflate;
mod demo;
mod documents;
mod drain;
mod hostile;
mod http;
mod jwks;
mod keys;
mod lifetimes;
mod nodes;
mod nodes_answers;
mod nodes_clients;
mod nodes_rooms;
mod nodes_tokens;
mod nodes_wallets;
mod order;
mod postgres;
mod revocation;
mod rooms_hearing;
mod rooms_world;
mod server_api;
mod service;
mod sign_in;
mod socketio_gateway;
mod socketio_polling;
mod startup;
mod tls;
mod transcripts;
mod wallet;
mod wallet_links;
mod webhooks;
mod world;
