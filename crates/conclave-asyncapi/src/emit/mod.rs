//! From shapes and services to Rust: tokens by `quote`, laid out by `prettyplease`.

mod checked;
mod client;
mod doc;
mod layout;
mod publisher;
mod service;
mod shapes;
mod spec;
mod structs;
mod unions;

pub(crate) use client::client;
pub(crate) use doc::plain_lines;
pub use layout::Unprintable;
pub(crate) use layout::printed;
pub(crate) use publisher::{parameters, publishers};
pub(crate) use service::{handler, service, signature, with_imports};
pub(crate) use shapes::{ident, shapes, type_tokens};
pub(crate) use spec::spec;
