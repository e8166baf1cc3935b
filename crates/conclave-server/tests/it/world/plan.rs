//! What a server is started with.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use conclave_auth::{PasswordHash, StoredUser, Users as _};
use conclave_protocol::UserId;
use serde_json::Value;

use super::log::Log;
use super::{PATIENCE, SECRET, World, data_dir, now, signer, wait_for_exit, with_store};

/// A server to be started.
pub(crate) struct Plan {
    folder: Folder,
    arguments: Vec<String>,
    listen: Vec<String>,
    environment: Vec<(String, String)>,
    listening: usize,
}

/// A data folder, removed when the last server that used it is gone.
pub(crate) type Folder = Arc<tempfile::TempDir>;

impl Plan {
    /// One listener on a free port of 127.0.0.1, an empty data folder, the tests' secret.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            folder: Arc::new(folder),
            arguments: Vec::new(),
            listen: vec!["127.0.0.1:0".to_owned()],
            environment: vec![
                ("JWT_SECRET_KEY".to_owned(), SECRET.to_owned()),
                ("CONCLAVE_LOG__FORMAT".to_owned(), "json".to_owned()),
            ],
            listening: 1,
        }
    }

    /// A plan with this key of the configuration set.
    pub(crate) fn with(key: &str, value: impl ToString) -> Self {
        Self::new().set(key, value)
    }

    /// Sets a key of the configuration, such as `topics.anonymous`, by its variable.
    pub(crate) fn set(self, key: &str, value: impl ToString) -> Self {
        let name = format!("CONCLAVE_{}", key.to_uppercase().replace('.', "__"));
        self.variable(&name, &value.to_string())
    }

    /// Sets a variable of the environment, which is empty otherwise.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds an argument of `conclave serve`.
    pub(crate) fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Gives the server a configuration file.
    pub(crate) fn file(self, toml: &str) -> Self {
        let path = self.folder.path().join("conclave.toml");
        std::fs::write(&path, toml).expect("writable");
        self.argument("--config")
            .argument(path.to_str().expect("a path of text"))
    }

    /// Uses the data folder of another server.
    pub(crate) fn folder(mut self, folder: &Folder) -> Self {
        self.folder = Arc::clone(folder);
        self
    }

    /// Listens here instead.
    pub(crate) fn listen(mut self, addresses: &[&str]) -> Self {
        self.listen = addresses
            .iter()
            .map(|&address| address.to_owned())
            .collect();
        self.listening = self.listen.len();
        self
    }

    /// Waits for one more listener than `--listen` names.
    pub(crate) fn listening_besides(mut self, listeners: usize) -> Self {
        self.listening += listeners;
        self
    }

    /// The folder that the data folder and the configuration file are in.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Stores users with a role each before the server starts. They have no password.
    pub(crate) fn users(self, users: &[(&str, &str)]) -> Self {
        with_store(&data_dir(self.path()), async |store| {
            for (name, role) in users {
                let user = StoredUser {
                    name: UserId::new(name).expect("a user's name"),
                    password_hash: PasswordHash("!".to_owned()),
                    roles: vec![(*role).to_owned()],
                    permissions: Vec::new(),
                    disabled: false,
                };
                store.add(&user, now()).await.expect("a new user");
            }
        });
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conclave"));
        command
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
            .arg("serve")
            .arg("--data-dir")
            .arg(data_dir(self.path()));
        for address in &self.listen {
            command.args(["--listen", address]);
        }
        command
            .args(&self.arguments)
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    /// Starts it and waits until it listens.
    pub(crate) fn start(self) -> World {
        let mut child = self
            .command()
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let stderr = child.as_mut().ok().and_then(|child| child.stderr.take());
        let log = Arc::new(Log::default());
        let writer = Arc::clone(&log);
        let lines = BufReader::new(stderr.expect("a started server")).lines();
        std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .for_each(|line| writer.push(line));
            writer.end();
        });
        let mut world = World {
            child: child.expect("a started server"),
            addresses: Vec::new(),
            folder: self.folder,
            log,
            signer: signer(SECRET),
        };
        let listening = world.log.wait(PATIENCE, |lines| {
            let found: Vec<_> = lines.iter().filter_map(listening).collect();
            (found.len() == self.listening).then_some(found)
        });
        world.addresses = listening;
        world
    }

    /// Runs it where it must not start: how it ended.
    pub(crate) fn fail(self) -> Output {
        let mut child = self
            .command()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a started process");
        if wait_for_exit(&mut child, PATIENCE).is_none() {
            child.kill().expect("a killable process");
            panic!("the server started");
        }
        child.wait_with_output().expect("its output")
    }
}

fn listening(line: &Value) -> Option<(SocketAddr, bool)> {
    if line["message"] != "listening" {
        return None;
    }
    Some((
        line["address"].as_str()?.parse().ok()?,
        line["scheme"] == "https",
    ))
}
