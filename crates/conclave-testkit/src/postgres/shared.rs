//! The server that the tests of all processes share.
//!
//! Who uses it holds a lock, shared with all others. A watch tries to get that lock for itself
//! alone every few seconds; when it does, nobody uses the server, and it ends it.

use std::fs::{self, File, OpenOptions};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::fail;
use super::server::Installation;

/// The server, and the lock that keeps it.
pub(super) fn server() -> (Installation, File) {
    let folder = folder();
    let used = lock_file(&folder, "used");
    used.lock_shared().unwrap_or_else(|error| broken(&error));
    let starting = lock_file(&folder, "starting");
    starting.lock().unwrap_or_else(|error| broken(&error));
    let record = folder.join("server");
    let running = fs::read_to_string(&record).map(PathBuf::from);
    let installation = match running {
        Ok(home) if is_running(&home) => Installation::at(home),
        _ => {
            let installation = Installation::new("");
            installation.start();
            watch(&installation, &folder, &record);
            let home = installation.home.as_os_str().as_encoded_bytes();
            fs::write(&record, home).unwrap_or_else(|error| broken(&error));
            installation
        }
    };
    drop(starting);
    (installation, used)
}

/// Beside the program of the test, where everything is that was built.
fn folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_else(|error| broken(&error));
    let built = program.ancestors().nth(2).unwrap_or(Path::new("/tmp"));
    let folder = built.join("postgres");
    fs::create_dir_all(&folder).unwrap_or_else(|error| broken(&error));
    folder
}

fn lock_file(folder: &Path, name: &str) -> File {
    let file = folder.join(name);
    let opened = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(file);
    opened.unwrap_or_else(|error| broken(&error))
}

/// Whether the process that the server's folder names is there.
fn is_running(home: &Path) -> bool {
    let state = fs::read_to_string(home.join("data/postmaster.pid")).unwrap_or_default();
    let process = state
        .lines()
        .next()
        .and_then(|line| line.parse::<u32>().ok());
    process.is_some_and(|process| Path::new("/proc").join(process.to_string()).exists())
}

fn watch(installation: &Installation, folder: &Path, record: &Path) {
    let mut command = Command::new("sh");
    command
        .args(["-c", WATCH, "watch"])
        .arg(folder.join("used"));
    command.arg(&installation.home).arg(record);
    command.args(installation.stop_words());
    let streams = command.stdin(Stdio::null()).stdout(Stdio::null());
    // A group of its own: it outlives who started it.
    let started = streams.stderr(Stdio::null()).process_group(0).status();
    started.unwrap_or_else(|error| broken(&error));
}

fn broken(error: &std::io::Error) -> ! {
    fail(&format!("the shared server: {error}"))
}

/// Gets the lock's file, the server's folder, the record of it, and the words that end it.
const WATCH: &str = r#"
used=$1 home=$2 record=$3
shift 3
cd /
while sleep 10; do
  exec 9>"$used" || exit
  if flock -n -x 9; then
    rm -f "$record"
    "$@"
    # A process that ends last may still write.
    until rm -rf "$home"; do sleep 1; done
    exit
  fi
  exec 9>&-
done &
"#;
