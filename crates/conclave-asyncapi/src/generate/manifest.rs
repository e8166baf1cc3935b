//! `Cargo.toml` of a generated crate.

use super::{Dependencies, mark};
use crate::service::Service;

pub(super) fn manifest(service: &Service, dependencies: &Dependencies) -> String {
    let Dependencies { runtime, document } = dependencies;
    let mark = mark(document);
    let name = &service.crate_name;
    format!(
        "# {mark}\n\
         [package]\n\
         name = \"{name}\"\n\
         version = \"0.1.0\"\n\
         edition = \"2024\"\n\
         publish = false\n\
         \n\
         [lib]\n\
         doctest = false\n\
         \n\
         [workspace]\n\
         \n\
         [dependencies]\n\
         conclave-service = {{ {runtime} }}\n\
         serde = {{ version = \"1\", features = [\"derive\"] }}\n\
         \n\
         [dev-dependencies]\n\
         conclave-service = {{ {runtime}, features = [\"testing\"] }}\n\
         serde_json = \"1\"\n\
         tokio = {{ version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }}\n"
    )
}
