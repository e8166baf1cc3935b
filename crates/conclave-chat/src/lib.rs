//! The `service` dialect as `examples/websocket-secure/asyncapi.yaml` describes it: types, traits,
//! router, publishers and client, made of that document by `conclave generate`'s own code.
//!
//! It is made anew by each build in which the document or the generator has changed, so it is
//! what the generator gives, and nothing of it can be edited. `conclave serve` mounts it at
//! `/chat`; what stands behind its traits there is `conclave-server/src/service`.

include!(concat!(env!("OUT_DIR"), "/service.rs"));
