//! Connecting, and how long one waits for it.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, RedisError, Value};

/// How a connection is made that has to answer within a second.
pub(crate) fn patience() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIME))
        .set_response_timeout(Some(ANSWER_TIME))
}

/// Connects.
pub(crate) async fn dial(
    info: &ConnectionInfo,
    config: &AsyncConnectionConfig,
) -> Result<MultiplexedConnection, RedisError> {
    let client = Client::open(info.clone())?;
    let connecting = client.get_multiplexed_async_connection_with_config(config);
    // It may hang in more ways than the library's own time counts.
    let late = |_elapsed| wrong("connecting took too long");
    tokio::time::timeout(CONNECT_TIME * 2, connecting)
        .await
        .map_err(late)?
}

/// What ends a session and is none of Redis' own errors.
pub(crate) fn wrong(what: &'static str) -> RedisError {
    RedisError::from((ErrorKind::Io, what))
}

/// An answer that may be an error.
pub(crate) fn checked(answer: Value) -> Result<Value, RedisError> {
    match answer {
        Value::ServerError(error) => Err(error.into()),
        answer => Ok(answer),
    }
}

/// What is wrong, without what was sent.
pub(crate) fn shown(error: &RedisError) -> String {
    match (error.code(), error.kind()) {
        (Some(code), _) => format!("{}: {code}", error.category()),
        (None, ErrorKind::Io) => error.to_string(),
        (None, _) => error.category().to_owned(),
    }
}

const CONNECT_TIME: Duration = Duration::from_secs(2);
/// A Redis that has not answered within it is taken to be away.
const ANSWER_TIME: Duration = Duration::from_secs(1);
