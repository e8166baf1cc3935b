//! One server: its folder, its user, its commands.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{fail, unique_name};

/// A server that a test starts and stops; it ends, and its folder goes, when dropped.
#[derive(Debug)]
pub struct Server {
    installation: Installation,
}

impl Server {
    /// Starts one, with these lines in its configuration beside the usual ones.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed or does not start; says what to do.
    #[must_use]
    pub fn new(settings: &str) -> Self {
        let installation = Installation::new(settings);
        installation.start();
        Self { installation }
    }

    /// Starts one that also listens on a port of 127.0.0.1, by TLS with this certificate and key
    /// as PEM. Gives the port.
    ///
    /// # Panics
    /// As [`Server::new`].
    #[must_use]
    pub fn encrypted(certificate: &str, key: &str) -> (Self, u16) {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = free.unwrap_or_else(|error| fail(&error.to_string())).port();
        let mut installation = Installation::new(&format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nssl = on\n\
             ssl_cert_file = '../certificate'\nssl_key_file = '../key'"
        ));
        installation.port = port;
        installation.keep("certificate", certificate);
        installation.keep("key", key);
        installation.start();
        (Self { installation }, port)
    }

    /// A server with what this one has, by `pg_basebackup`, that follows it from now on.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn standby(&self) -> Self {
        let installation = self.installation.copied();
        installation.start();
        Self { installation }
    }

    /// Makes an empty database, and gives its URL.
    #[must_use]
    pub fn database(&self) -> String {
        self.installation.database()
    }

    /// The URL of a database of this name.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.installation.url(database)
    }

    /// The name of the database that a URL of this server is of.
    ///
    /// # Panics
    /// Where it is no such URL.
    #[must_use]
    pub fn name_of<'u>(&self, url: &'u str) -> &'u str {
        let before = format!("postgres://{USER}@localhost:{}/", self.installation.port);
        let name = url
            .strip_prefix(&before)
            .and_then(|rest| rest.split('?').next());
        name.unwrap_or_else(|| fail("a URL of another server"))
    }

    /// Runs statements as the database's owner, and gives what they give.
    ///
    /// # Panics
    /// Where one fails.
    pub fn say(&self, database: &str, statements: &str) -> String {
        let mut command = self.installation.client("psql");
        command.args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
        run(command.args(["-d", database, "-c", statements]))
    }

    /// Ends it at once, as a crash does.
    pub fn stop(&self) {
        self.installation.stop();
    }

    /// Starts it again.
    pub fn start(&self) {
        self.installation.start();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.installation.stop();
        // What cannot be removed is left in the folder for such things.
        fs::remove_dir_all(&self.installation.home).ok();
    }
}

/// A server's files, running or not.
#[derive(Debug)]
pub(super) struct Installation {
    pub(super) home: PathBuf,
    programs: PathBuf,
    /// In the name of its socket, too.
    port: u16,
    /// The user to run as, where this is root: PostgreSQL refuses to run as that.
    user: Option<(u32, u32)>,
}

impl Installation {
    /// Makes the files of one.
    pub(super) fn new(settings: &str) -> Self {
        let installation = Self::bare();
        let data = installation.data();
        let data = data.to_string_lossy();
        let usual = ["-A", "trust", "--no-sync", "-U", USER, "-E", "UTF8", "-D"];
        // Texts are to be compared byte by byte, whatever the server thinks is usual.
        let language = ["--locale-provider=icu", "--icu-locale=en-US", "--locale=C"];
        let mut command = installation.server("initdb");
        let made = command.args(usual).arg(&*data).args(language).output();
        if !made.is_ok_and(|output| output.status.success()) {
            let mut command = installation.server("initdb");
            run(command.args(usual).arg(&*data).arg("--locale=C"));
        }
        installation.configure(settings);
        installation
    }

    fn bare() -> Self {
        let programs = programs();
        let home = std::env::temp_dir().join(format!("conclave-{}", unique_name()));
        // Of a process that had the same number and is no more.
        fs::remove_dir_all(&home).ok();
        fs::create_dir(&home).unwrap_or_else(|error| fail(&format!("{}: {error}", home.display())));
        let user = is_root().then(|| unprivileged(&home));
        Self {
            home,
            programs,
            port: PORT,
            user,
        }
    }

    /// One that had been started before, by another process.
    pub(super) fn at(home: PathBuf) -> Self {
        Self {
            home,
            programs: programs(),
            port: PORT,
            user: None,
        }
    }

    fn copied(&self) -> Self {
        let copy = Self {
            programs: self.programs.clone(),
            ..Self::bare()
        };
        let mut command = copy.server("pg_basebackup");
        command.args(["-R", "-X", "stream", "-c", "fast", "--no-sync", "-U", USER]);
        command.arg("-h").arg(&self.home).arg("-D").arg(copy.data());
        run(&mut command);
        copy.configure("");
        copy
    }

    fn configure(&self, settings: &str) {
        let home = self.home.display();
        let lines = format!(
            "\nlisten_addresses = ''\nunix_socket_directories = '{home}'\nfsync = off\n\
             full_page_writes = off\nmax_connections = 300\nshared_buffers = 64MB\n{settings}\n"
        );
        let file = self.data().join("postgresql.conf");
        let written = OpenOptions::new().append(true).open(&file);
        let written = written.and_then(|mut file| file.write_all(lines.as_bytes()));
        written.unwrap_or_else(|error| fail(&format!("{}: {error}", file.display())));
    }

    /// Writes a file that only the server reads.
    fn keep(&self, name: &str, text: &str) {
        let file = self.home.join(name);
        let (user, group) = self.user.unzip();
        let kept = fs::write(&file, text)
            .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o600)))
            .and_then(|()| std::os::unix::fs::chown(&file, user, group));
        kept.unwrap_or_else(|error| fail(&format!("{}: {error}", file.display())));
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    pub(super) fn start(&self) {
        let mut command = self.server("pg_ctl");
        command
            .args(["start", "-w", "-t", "60", "-D"])
            .arg(self.data());
        // It must not hold what belongs to the test.
        let log = self.home.join("log");
        let started = command.arg("-l").arg(&log).stdout(Stdio::null()).status();
        if !started.is_ok_and(|status| status.success()) {
            let said = fs::read_to_string(&log).unwrap_or_default();
            fail(&format!("it does not start:\n{said}"));
        }
    }

    fn stop(&self) {
        let mut command = self.server("pg_ctl");
        command
            .args(["stop", "-m", "immediate", "-D"])
            .arg(self.data());
        // One that has ended already is as good.
        command.output().ok();
    }

    /// How to end it from a shell.
    pub(super) fn stop_words(&self) -> Vec<String> {
        let command = self.programs.join("pg_ctl").display().to_string();
        let data = self.data().display().to_string();
        let words = [&command, "stop", "-m", "immediate", "-D", &data];
        let mut words: Vec<String> = words.map(str::to_owned).to_vec();
        if let Some((user, group)) = self.user {
            let before = ["setpriv", "--clear-groups"].map(str::to_owned);
            let ids = [format!("--reuid={user}"), format!("--regid={group}")];
            words.splice(0..0, before.into_iter().chain(ids));
        }
        words
    }

    pub(super) fn database(&self) -> String {
        let name = unique_name();
        run(self.client("createdb").arg(&name));
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        let home = self.home.display();
        let port = self.port;
        format!("postgres://{USER}@localhost:{port}/{database}?host={home}")
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.arg("-h").arg(&self.home).args(["-U", USER]);
        command
            .args(["-p", &self.port.to_string()])
            .stdin(Stdio::null());
        command
    }

    fn server(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        // A folder that anybody may be in.
        command.current_dir("/").stdin(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }
}

fn run(command: &mut Command) -> String {
    match command.output() {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            fail(&format!("{command:?}: {said}"))
        }
        Err(error) => fail(&format!("{command:?}: {error}")),
    }
}

/// The folder with `initdb`: one of PATH, or the newest of where Debian puts them.
fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // There may be links on PATH to some of the programs.
    let real = |folder: PathBuf| Some(folder.join("initdb").canonicalize().ok()?.parent()?.into());
    let mut on_path = std::env::split_paths(&path).filter_map(real);
    on_path
        .find(|folder: &PathBuf| has_programs(folder))
        .or_else(newest_of_debian)
        .unwrap_or_else(|| {
            fail(
                "initdb is neither on PATH nor in /usr/lib/postgresql/*/bin; \
             '.ci/install postgres' installs it",
            )
        })
}

fn has_programs(folder: &Path) -> bool {
    let programs = ["initdb", "pg_ctl", "pg_basebackup", "createdb", "psql"];
    programs
        .iter()
        .all(|program| folder.join(program).is_file())
}

fn newest_of_debian() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let versions = versions.filter_map(|entry| {
        let entry = entry.ok()?;
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin")))
    });
    let newest = versions.filter(|(_, folder)| has_programs(folder)).max()?;
    Some(newest.1)
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A user that may run it, who gets the folder.
fn unprivileged(home: &Path) -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let ids = |name: &str| {
        let line = users
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let (user, group): (u32, u32) = ids("postgres")
        .or_else(|| ids("nobody"))
        .unwrap_or_else(|| fail("root may not run it, and there is no user postgres or nobody"));
    let given = std::os::unix::fs::chown(home, Some(user), Some(group));
    let opened = fs::set_permissions(home, fs::Permissions::from_mode(0o755));
    if let Err(error) = given.and(opened) {
        fail(&format!("{}: {error}", home.display()));
    }
    (user, group)
}

/// That of a server which listens on no port.
const PORT: u16 = 5432;
const USER: &str = "conclave";
