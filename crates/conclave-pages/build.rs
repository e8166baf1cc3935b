//! Writes the table of what `web/dist` holds, for `src/lib.rs` to embed.
//!
//! Without that folder the table is empty. It is made here where only it is missing: cargo runs a
//! script again for a folder that changed, but each time for one that is not there. What counts is
//! the time of the newest file: `make pages` touches the folder.

#![expect(
    clippy::disallowed_methods,
    reason = "by the environment cargo says where things are"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let web = here.join("../../web");
    let mut found = BTreeMap::new();
    if web.is_dir() {
        let dist = web.join("dist");
        if !dist.exists() {
            make_empty(&dist).ok();
        }
        println!("cargo::rerun-if-changed={}", dist.display());
        if dist.is_dir() {
            collect(&dist.canonicalize()?, "", &mut found)?;
        }
    }
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("assets.rs");
    fs::write(out, table(&found)?)?;
    Ok(())
}

/// An old folder: one that is newer than this run would make cargo run this again. A source that
/// cannot be written to is left alone.
fn make_empty(dist: &Path) -> io::Result<()> {
    fs::create_dir(dist)?;
    File::open(dist)?.set_modified(SystemTime::UNIX_EPOCH)
}

/// Files below a folder, by their path in it. Hidden files and source maps are for builders only.
fn collect(folder: &Path, below: &str, found: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name.ends_with(".map") {
            continue;
        }
        let path = format!("{below}{name}");
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), found)?;
        } else {
            found.insert(path, entry.path());
        }
    }
    Ok(())
}

/// The table, sorted by path. What is there compressed by gzip is not kept plain too.
fn table(found: &BTreeMap<String, PathBuf>) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    let mut count = 0;
    for (path, file) in found {
        let is_packed = |ending| {
            path.strip_suffix(ending)
                .is_some_and(|plain| found.contains_key(plain))
        };
        if is_packed(".br") || is_packed(".gz") {
            continue;
        }
        count += 1;
        let brotli = found.get(&format!("{path}.br"));
        let gzip = found.get(&format!("{path}.gz"));
        let plain = gzip.is_none().then_some(file);
        writeln!(
            text,
            "Asset {{ path: {path:?}, tag: {:?}, forms: Forms {{ brotli: {}, gzip: {}, plain: {} }}, \
             inflated: OnceLock::new() }},",
            tag(&fs::read(file)?),
            embedded(brotli)?,
            embedded(gzip)?,
            embedded(plain)?,
        )?;
    }
    Ok(format!("static ASSETS: [Asset; {count}] = [\n{text}];\n"))
}

fn embedded(file: Option<&PathBuf>) -> Result<String, Box<dyn Error>> {
    let Some(file) = file else {
        return Ok("None".to_owned());
    };
    println!("cargo::rerun-if-changed={}", file.display());
    let path = file.to_str().ok_or("a path that is no UTF-8")?;
    Ok(format!("Some(include_bytes!({path:?}))"))
}

/// Tells contents apart; nobody gains by making two that have the same.
fn tag(bytes: &[u8]) -> String {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        bytes.hash(&mut hasher);
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(0), half(1))
}
