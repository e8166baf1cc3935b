use std::io;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use conclave_protocol::{Clock, Timestamp};
use tempfile::TempDir;

use super::*;
use crate::audit::{AuditKey, AuditLog, Event, Kind, Options};
use crate::config::kept_secret;

#[derive(Debug, Parser)]
#[command(name = "conclave")]
struct Line<T: Args> {
    #[command(flatten)]
    args: T,
}

#[derive(Debug, Parser)]
#[command(name = "conclave")]
struct Words<T: Subcommand> {
    #[command(subcommand)]
    command: T,
}

pub(super) fn parsed<T: Args>(line: &str) -> Result<T, String> {
    let words = std::iter::once("conclave").chain(line.split_whitespace());
    Line::try_parse_from(words)
        .map(|line| line.args)
        .map_err(|error| error.to_string())
}

pub(super) fn command<T: Subcommand>(line: &str) -> Result<T, String> {
    let words = std::iter::once("conclave").chain(line.split_whitespace());
    Words::try_parse_from(words)
        .map(|line| line.command)
        .map_err(|error| error.to_string())
}

#[test]
fn every_command_is_well_formed_and_shows_examples() {
    fn walk(command: &clap::Command) {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        command
            .get_subcommands()
            .filter(|below| below.get_name() != "help")
            .for_each(walk);
    }
    let mut all = Cli::command();
    all.build();
    walk(&all);
    for mut command in [
        all,
        Words::<UserCommand>::command(),
        Words::<KeyCommand>::command(),
        Words::<StoreCommand>::command(),
        Words::<TokenCommand>::command(),
        Words::<audit::AuditCommand>::command(),
        Words::<config::ConfigCommand>::command(),
        Line::<ServeArgs>::command(),
        Line::<PubArgs>::command(),
        Line::<SubArgs>::command(),
    ] {
        command.clone().debug_assert();
        let help = command.render_long_help().to_string();
        assert!(help.contains("Example"), "{help}");
    }
}

#[test]
fn serve_flags_become_a_launch() {
    let flags = "--dev --listen 127.0.0.1:1 --listen [::1]:2 --data-dir d --config f --workers 2";
    let launch = parsed::<ServeArgs>(flags).unwrap().launch();
    assert!(launch.profile.dev && !launch.profile.conformance);
    assert_eq!(launch.flags.listen.len(), 2);
    assert_eq!(launch.flags.workers, Some(2));
    assert_eq!(launch.config_file.unwrap().to_str(), Some("f"));
    assert!(parsed::<ServeArgs>("--listen localhost:1").is_err());
    let launch = parsed::<ServeArgs>("").unwrap().launch();
    assert!(launch.flags.listen.is_empty() && launch.flags.data_dir.is_none());
}

#[test]
fn without_a_command_it_is_the_demo_or_the_pages() {
    let chosen = |line: &str| {
        let words = std::iter::once("conclave").chain(line.split_whitespace());
        Cli::try_parse_from(words).map(Cli::chosen)
    };
    assert!(matches!(chosen(""), Ok(Command::Demo)));
    assert!(matches!(chosen("demo"), Ok(Command::Demo)));
    let Ok(Command::Serve(serve)) = chosen("--web") else {
        panic!("it serves")
    };
    assert!(serve.dev && serve.web && serve.listen.is_empty());
    assert!(chosen("--web demo").is_err());
    assert!(chosen("demo --web").is_err());
}

#[test]
fn passwords_are_no_arguments() {
    assert!(command::<UserCommand>("add alice --password x").is_err());
    assert!(command::<UserCommand>("passwd alice x").is_err());
    let Ok(UserCommand::Add(add)) = command("add alice --password-stdin --role a --role b") else {
        panic!("not parsed")
    };
    assert_eq!(add.password.source(), PasswordSource::Stdin);
    assert_eq!(
        (add.password.user.name.as_str(), add.roles.len()),
        ("alice", 2)
    );
    let Ok(UserCommand::Passwd(passwd)) = command("passwd alice --data-dir d") else {
        panic!("not parsed")
    };
    assert_eq!(passwd.source(), PasswordSource::Prompt);
    assert!(passwd.user.location.data_dir.is_some());
}

#[test]
fn a_grant_changes_something_and_a_revocation_one_thing() {
    assert!(command::<UserCommand>("grant alice").is_err());
    assert!(command::<UserCommand>("grant alice --role a --remove-permission b").is_ok());
    assert!(command::<TokenCommand>("revoke").is_err());
    assert!(command::<TokenCommand>("revoke --user a --session b").is_err());
    assert!(command::<TokenCommand>("revoke -").is_ok());
    assert!(command::<TokenCommand>("mint --user a --seconds 0").is_err());
}

#[test]
fn a_publication_has_a_topic_unless_it_is_broadcast() {
    assert!(parsed::<PubArgs>("").is_err());
    assert!(parsed::<PubArgs>("orders --broadcast {}").is_err());
    assert!(parsed::<PubArgs>("--broadcast {}").unwrap().topic.is_none());
    assert_eq!(
        parsed::<PubArgs>("orders -").unwrap().payload.as_deref(),
        Some("-")
    );
    assert!(parsed::<SubArgs>("--since 1,2").is_err());
    assert_eq!(
        parsed::<SubArgs>("a b --count 3").unwrap().topics,
        ["a", "b"]
    );
}

struct Frozen;

impl Clock for Frozen {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

#[test]
fn audit_commands_find_the_chain_and_name_its_first_bad_line() {
    let dir = TempDir::new().unwrap();
    let run = |line: &str| {
        let line = format!("{line} --data-dir {}", dir.path().display());
        audit::run(command(&line).unwrap())
    };
    let failure = run("verify").unwrap_err();
    assert!(
        failure.message.contains("audit.key: No such file"),
        "{}",
        failure.message
    );

    let file = dir.path().join("audit.log");
    let random = |bytes: &mut [u8; 32]| -> io::Result<()> {
        bytes.fill(7);
        Ok(())
    };
    let secret = kept_secret(&dir.path().join("audit.key"), random).unwrap();
    let key = AuditKey::new(&secret);
    let options = Options {
        file: file.clone(),
        key,
        queue: 64,
        refusals_per_second: 1,
        usual_per_second: 1000,
    };
    let log = AuditLog::open(options, Arc::new(Frozen)).unwrap();
    log.record(Event::new(Kind::Start, Timestamp::from_millis(0)));
    drop(log);
    assert!(run("verify").is_ok());
    assert!(run("checkpoint").is_ok());

    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    let failure = run("verify").unwrap_err();
    assert_eq!(failure.message, "audit.log line 1: is cut short");
    assert_eq!(failure.exit, Exit::Failed);
    assert!(
        run("verify --checkpoint /nowhere/c")
            .unwrap_err()
            .message
            .starts_with("/nowhere/c: ")
    );
}

#[test]
fn a_wrong_configuration_is_a_usage_failure() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("c.toml");
    std::fs::write(&file, "[limits]\nmesages_burst = 1").unwrap();
    let line = format!("check --config {}", file.display());
    let failure = config::run(command(&line).unwrap()).unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
    assert!(
        failure
            .message
            .ends_with("the nearest known is limits.messages_burst")
    );
}
