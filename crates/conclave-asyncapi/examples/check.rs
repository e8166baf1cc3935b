//! Checks documents: `check FILE…`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut status = 0;
    for path in std::env::args().skip(1) {
        let outcome = conclave_asyncapi::command::check(Path::new(&path), None);
        print!("{}", outcome.text);
        status = status.max(outcome.status);
    }
    ExitCode::from(status)
}
