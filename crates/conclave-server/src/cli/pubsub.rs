//! `conclave pub` and `conclave sub`.

mod conversation;
mod publisher;
mod subscriber;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

use clap::Args;

use super::Failure;

/// A server and what to show it.
#[derive(Args, Clone, Debug)]
pub struct Endpoint {
    /// The server
    #[arg(
        long,
        value_name = "URL",
        env = "CONCLAVE_URL",
        default_value = "ws://127.0.0.1:8081/ws"
    )]
    pub url: String,
    /// Token; better in the environment, since every process can read arguments
    #[arg(
        long,
        value_name = "TOKEN",
        env = "CONCLAVE_TOKEN",
        hide_env_values = true
    )]
    pub token: Option<String>,
    /// Certificates to trust for wss:, PEM [default: the system's]
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Display name, where the token names nobody
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Session, where the token names none
    #[arg(long, value_name = "NAME")]
    pub session: Option<String>,
}

/// What to publish.
#[derive(Args, Clone, Debug)]
#[command(after_help = PUB_EXAMPLES)]
pub struct PubArgs {
    /// The topic, in the connection's session
    #[arg(value_name = "TOPIC", required_unless_present = "broadcast")]
    pub topic: Option<String>,
    /// The payload: JSON, else taken as text; without it, or as -, one payload a line of stdin
    #[arg(value_name = "PAYLOAD")]
    pub payload: Option<String>,
    /// Broadcast this JSON object to the whole server instead
    #[arg(long, value_name = "OBJECT", conflicts_with_all = ["topic", "payload", "name", "session"])]
    pub broadcast: Option<String>,
    /// Server and token.
    #[command(flatten)]
    pub endpoint: Endpoint,
}

/// What to listen to.
#[derive(Args, Clone, Debug)]
#[command(after_help = SUB_EXAMPLES)]
pub struct SubArgs {
    /// Topics, in the connection's session; none: the broadcasts of the server
    #[arg(value_name = "TOPIC")]
    pub topics: Vec<String>,
    /// End after this many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Ask for what was published after this position, where the topics keep history
    #[arg(long, value_name = "OFFSET,EPOCH", requires = "topics")]
    pub since: Option<String>,
    /// Server and token.
    #[command(flatten)]
    pub endpoint: Endpoint,
}

/// `conclave pub`: returns when the server has accepted everything.
pub(super) fn run_pub(args: &PubArgs) -> Result<(), Failure> {
    let publications = publisher::Publications::of(args, || io::stdin().lock())?;
    super::runtime()?.block_on(publisher::publish(
        &args.endpoint,
        publications,
        interrupt(),
    ))
}

/// `conclave sub`: returns when it was interrupted or has heard enough.
pub(super) fn run_sub(args: &SubArgs) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    super::runtime()?.block_on(subscriber::subscribe(args, &mut stdout, interrupt()))
}

/// Ends with the first Ctrl-C.
async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Then Ctrl-C ends the process by itself.
        std::future::pending::<()>().await;
    }
}

const PUB_EXAMPLES: &str = "\
Examples:
  conclave pub orders '{\"id\":7}'
  tail -f events | conclave pub events -
  conclave pub --broadcast '{\"type\":\"test\"}'

Exits with 0 when the server has accepted everything.";

const SUB_EXAMPLES: &str = "\
Examples:
  conclave sub orders
  conclave sub orders prices --count 10
  CONCLAVE_TOKEN=$(conclave token mint --user alice) conclave sub

Prints one JSON object a line. Ctrl-C ends it with 0, a server that closes the connection with 1.";
