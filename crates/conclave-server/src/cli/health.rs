//! `conclave health`: whether a server may be sent clients, for containers and scripts.

use std::time::Duration;

use clap::Args;
use reqwest::Url;
use reqwest::redirect::Policy;
use serde::Deserialize;

use super::{Failure, print, runtime};

/// Which server to ask.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct HealthArgs {
    /// What to ask; http or https, the path is part of it
    #[arg(value_name = "URL", default_value = READY)]
    pub(super) url: Url,
}

/// What both health endpoints answer, and what a refusal says.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    status: serde_json::Value,
    #[serde(default)]
    detail: String,
}

/// Asks once.
pub(super) fn run(arguments: HealthArgs) -> Result<(), Failure> {
    let said = runtime()?.block_on(ask(arguments.url))?;
    print(format!("{said}\n").as_bytes())
}

/// The server's word for how it is.
async fn ask(url: Url) -> Result<String, Failure> {
    crate::start::install_cipher();
    let failed = |error: reqwest::Error| {
        let reason = if error.is_timeout() {
            "no answer in time".to_owned()
        } else {
            anyhow::Error::from(error.without_url())
                .root_cause()
                .to_string()
        };
        Failure::failed(reason)
    };
    // A proxy of the environment would be asked instead of the server.
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .timeout(ANSWER_TIME)
        .build()
        .map_err(failed)?;
    let mut answer = client.get(url).send().await.map_err(failed)?;
    let healthy = answer.status().is_success();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            break;
        }
    }
    let code = answer.status().as_u16();
    let Ok(Answer { status, detail }) = serde_json::from_slice(&body) else {
        return Err(Failure::failed(format!("{code}: this is no Conclave")));
    };
    match status.as_str() {
        Some(status) if healthy => Ok(status.to_owned()),
        _ => Err(Failure::failed(format!("{code}: {detail}"))),
    }
}

/// The first listener of a server that nobody configured.
const READY: &str = "http://127.0.0.1:8081/health/ready";
/// Below what containers give a check, so that the answer says what was wrong.
const ANSWER_TIME: Duration = Duration::from_secs(4);
const ANSWER_BYTES_MAX: usize = 16 * 1024;
const EXAMPLES: &str = "\
Examples:
  conclave health
  conclave health http://127.0.0.1:8081/health/live
  conclave health https://chat.example.com/health/ready

Prints `ready`, `degraded` (its bus is away; it serves its own clients) or `live`.

Exit codes:
  0  the server may be sent clients
  1  it may not, or does not answer; the reason is on stderr
  2  the command line is wrong";
