//! Key sets (RFC 7517): a document to keys, and what an outage of its source means.

mod document;
mod state;

pub use document::{JwksFault, parse_jwks};
pub use state::{FetchReason, JwksState, KeySet};
