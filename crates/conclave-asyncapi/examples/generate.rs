//! Makes a crate of a document: `generate DOCUMENT OUT RUNTIME`.

use std::path::PathBuf;
use std::process::ExitCode;

use conclave_asyncapi::command::{Order, generate_crate};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let outcome = generate_crate(&Order {
        document: arguments.next().unwrap_or_default(),
        out: arguments.next(),
        runtime: arguments.next(),
        ..Order::default()
    });
    print!("{}", outcome.text);
    ExitCode::from(outcome.status)
}
