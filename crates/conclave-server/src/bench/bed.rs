//! The test bed: how each subject is started, and how the generator's users come in.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use super::crowd::{Door, Guest, Manner};
use super::house::Folder;
use super::machine::{Machine, SERVER_CORE};
use super::sizes::Sizes;
use super::subject::{Launch, Process, Subject};
use super::tls::Certificate;
use super::token::Mint;

/// Everything the scenarios share.
pub(super) struct Bed {
    pub(super) subjects: Vec<Subject>,
    pub(super) sizes: Sizes,
    pub(super) machine: Machine,
    pub(super) programs: Programs,
    pub(super) mint: Mint,
    pub(super) certificate: Certificate,
    /// The store whose history is read: made once, for all runs.
    pub(super) archive: OnceCell<Folder>,
}

/// Where the programs lie.
#[derive(Debug)]
pub(super) struct Programs {
    pub(super) conclave: PathBuf,
    pub(super) yardsticks: PathBuf,
    /// The folder of the yardstick on Node, where it is installed.
    pub(super) node: Option<PathBuf>,
}

/// How Conclave is started for a scenario; everything else is its default.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) workers: usize,
    pub(super) tls: bool,
    /// Lifts the messages per second of one connection (default 50), which a load generator passes.
    pub(super) messages_unlimited: bool,
}

impl Setting {
    /// One worker, plain TCP, every default limit on.
    pub(super) const PLAIN: Self = Self {
        workers: 1,
        tls: false,
        messages_unlimited: false,
    };
    /// The same with the message rate of a connection unlimited.
    pub(super) const LOADED: Self = Self {
        messages_unlimited: true,
        ..Self::PLAIN
    };
}

impl Bed {
    /// Starts Conclave. With one worker the whole process has one core; with more it has as many
    /// cores as workers, the generator's among them.
    ///
    /// # Errors
    /// It does not start.
    fn conclave(&self, setting: Setting) -> Result<Process> {
        let mut arguments = words(&[
            "serve",
            "--listen",
            "{address}",
            "--data-dir",
            "{folder}/data",
        ]);
        arguments.extend(["--workers".to_owned(), setting.workers.to_string()]);
        let mut environment = vec![
            ("JWT_SECRET_KEY", self.mint.secret().to_owned()),
            ("CONCLAVE_LIMITS__HANDSHAKES_PER_SECOND", "0".to_owned()),
        ];
        if setting.messages_unlimited {
            environment.push(("CONCLAVE_LIMITS__MESSAGES_PER_SECOND", "0".to_owned()));
        }
        if setting.tls {
            let chain = self.certificate.chain_file().to_string_lossy().into_owned();
            let key = self.certificate.key_file().to_string_lossy().into_owned();
            environment.push(("CONCLAVE_SERVER__TLS__CERT", chain));
            environment.push(("CONCLAVE_SERVER__TLS__KEY", key));
        }
        Process::start(&Launch {
            program: self.programs.conclave.clone(),
            arguments,
            environment,
            cores: (SERVER_CORE..SERVER_CORE + setting.workers).collect(),
        })
    }

    /// Starts a node on a store and a Redis that it shares with others.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn node(&self, data: &Path, bus: &str) -> Result<Process> {
        let mut arguments = words(&["serve", "--listen", "{address}", "--workers", "1"]);
        let data = data.to_string_lossy().into_owned();
        arguments.extend(["--data-dir".to_owned(), data]);
        Process::start(&Launch {
            program: self.programs.conclave.clone(),
            arguments,
            environment: vec![
                ("JWT_SECRET_KEY", self.mint.secret().to_owned()),
                ("CONCLAVE_LIMITS__HANDSHAKES_PER_SECOND", "0".to_owned()),
                ("CONCLAVE_LIMITS__MESSAGES_PER_SECOND", "0".to_owned()),
                ("CONCLAVE_BUS__URL", bus.to_owned()),
            ],
            cores: vec![SERVER_CORE],
        })
    }

    /// Starts the server `subject`, and says how it was started; the usual one knows no settings.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn server(&self, subject: Subject, setting: Setting) -> Result<(Process, Setting)> {
        match subject {
            Subject::Conclave => Ok((self.conclave(setting)?, setting)),
            Subject::Usual => Ok((self.usual()?, Setting::PLAIN)),
            Subject::Floor | Subject::Node | Subject::Store => {
                anyhow::bail!("{} does not serve topics", subject.name())
            }
        }
    }

    /// Starts the usual server.
    ///
    /// # Errors
    /// It does not start.
    fn usual(&self) -> Result<Process> {
        Process::start(&Launch {
            program: self.programs.yardsticks.join("conclave-usual"),
            arguments: words(&["{address}"]),
            environment: vec![("JWT_SECRET_KEY", self.mint.secret().to_owned())],
            cores: vec![SERVER_CORE],
        })
    }

    /// Starts the floor: `mode`, the address, then `numbers`.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn floor(&self, mode: &str, numbers: &[usize]) -> Result<Process> {
        let mut arguments = words(&[mode, "{address}"]);
        arguments.extend(numbers.iter().map(usize::to_string));
        Process::start(&Launch {
            program: self.programs.yardsticks.join("conclave-floor"),
            arguments,
            environment: Vec::new(),
            cores: vec![SERVER_CORE],
        })
    }

    /// The way into a started process.
    pub(super) fn door(&self, process: &Process, setting: Setting) -> Door {
        let tls = setting.tls.then(|| Arc::clone(&self.certificate.client));
        Door {
            address: process.address,
            tls,
        }
    }

    /// User `number`, who subscribes to `topic` before they are ready.
    pub(super) fn subscriber(&self, number: usize, topic: &str) -> Guest {
        let command = Some(format!("subscribe:{topic}"));
        Guest {
            command,
            ..self.guest(number, "&ack=1", "")
        }
    }

    /// The same, offering permessage-deflate, which must be agreed to.
    pub(super) fn deflating_subscriber(&self, number: usize, topic: &str) -> Guest {
        let command = Some(format!("subscribe:{topic}"));
        Guest {
            command,
            ..self.guest(number, "&ack=1", "permessage-deflate")
        }
    }

    /// User `number`, ready as soon as the upgrade is answered.
    pub(super) fn visitor(&self, number: usize) -> Guest {
        self.guest(number, "", "")
    }

    /// A connection of the floor, ready at once.
    pub(super) const fn socket(number: usize) -> Guest {
        Guest {
            number,
            head: None,
            extension: "",
            command: None,
            manner: Manner::Topics,
        }
    }

    fn guest(&self, number: usize, query: &str, extension: &'static str) -> Guest {
        let token = self.mint.token(number);
        let offer = match extension {
            "" => String::new(),
            name => format!("Sec-WebSocket-Extensions: {name}\r\n"),
        };
        let head = format!(
            "GET /ws?token={token}{query} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offer}User-Agent: conclave-bench\r\n\r\n"
        );
        Guest {
            number,
            head: Some(head),
            extension,
            command: None,
            manner: Manner::Topics,
        }
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
