//! Makes the crate of its document.

use std::path::PathBuf;

use conclave_asyncapi::command::{Order, module_text};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed={DOCUMENT}");
    let text = module_text(&Order {
        document: PathBuf::from(DOCUMENT),
        ..Order::default()
    })?;
    let out = std::env::var_os("OUT_DIR").ok_or("cargo names no folder for what is made")?;
    std::fs::write(PathBuf::from(out).join("service.rs"), text)?;
    Ok(())
}

const DOCUMENT: &str = "../../examples/websocket-secure/asyncapi.yaml";
