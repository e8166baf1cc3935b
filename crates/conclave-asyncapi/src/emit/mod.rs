//! From shapes and services to Rust: tokens by `quote`, laid out by `prettyplease`.

mod checked;
mod client;
mod doc;
mod layout;
mod mock;
mod publisher;
mod service;
mod shapes;
mod spec;
mod structs;
mod trials;
mod unions;

pub(crate) use client::client;
pub(crate) use doc::plain_lines;
pub use layout::Unprintable;
pub(crate) use layout::printed;
pub(crate) use mock::mocks;
pub(crate) use publisher::{parameters, publishers};
pub(crate) use service::service;
pub(crate) use shapes::{ident, shapes, type_tokens};
pub(crate) use spec::spec;
pub(crate) use trials::{model_tests, security_tests, service_tests};
