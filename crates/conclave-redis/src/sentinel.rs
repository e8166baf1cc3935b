//! Finding the master that sentinels watch, and noticing that it is no longer that.

use redis::aio::MultiplexedConnection;
use redis::{ConnectionInfo, RedisError, Value};

use crate::address::{Sentinels, moved};
use crate::dial::{checked, dial, patience, wrong};
use crate::slots::text;

/// The master of a session.
pub(crate) struct Master {
    pub(crate) info: ConnectionInfo,
    host: String,
    port: u16,
}

impl Master {
    /// Who the sentinels say it is, and says so itself. Each sentinel is asked, until one is
    /// right: one that was away may know an old one.
    pub(crate) async fn find(known: &Sentinels) -> Result<Self, RedisError> {
        let mut last = wrong("no sentinel knows the master");
        for sentinel in &known.sentinels {
            match Self::find_by(sentinel, known).await {
                Ok(master) => return Ok(master),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn find_by(sentinel: &ConnectionInfo, known: &Sentinels) -> Result<Self, RedisError> {
        let (host, port) = ask(sentinel, &known.service).await?;
        let info = moved(&known.master, &host, port);
        let mut connection = dial(&info, &patience()).await?;
        be_master(&mut connection).await?;
        Ok(Self { info, host, port })
    }

    /// That it still is the one. An old master that is cut off from its sentinels thinks that it
    /// is, so they are asked too; where none answers, its own word is enough.
    pub(crate) async fn check(
        &self,
        connection: &mut MultiplexedConnection,
        known: &Sentinels,
    ) -> Result<(), RedisError> {
        be_master(connection).await?;
        for sentinel in &known.sentinels {
            if let Ok((host, port)) = ask(sentinel, &known.service).await {
                return if (host.as_str(), port) == (&self.host, self.port) {
                    Ok(())
                } else {
                    Err(wrong("the sentinels know another master"))
                };
            }
        }
        Ok(())
    }
}

async fn ask(sentinel: &ConnectionInfo, service: &str) -> Result<(String, u16), RedisError> {
    let mut connection = dial(sentinel, &patience()).await?;
    let mut question = redis::cmd("SENTINEL");
    question.arg("get-master-addr-by-name").arg(service);
    let answer = checked(connection.send_packed_command(&question).await?)?;
    let place = match &answer {
        Value::Array(parts) => match parts.as_slice() {
            [host, port] => text(host).zip(text(port).and_then(|port| port.parse().ok())),
            _ => None,
        },
        _ => None,
    };
    let (host, port) = place.ok_or_else(|| wrong("a sentinel does not know the master"))?;
    Ok((host.to_owned(), port))
}

async fn be_master(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    let answer = checked(connection.send_packed_command(&redis::cmd("ROLE")).await?)?;
    let role = match &answer {
        Value::Array(parts) => parts.first().and_then(text),
        _ => None,
    };
    if role == Some("master") {
        Ok(())
    } else {
        Err(wrong("it is not the master"))
    }
}
