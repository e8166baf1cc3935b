//! Finding the master that sentinels watch, and noticing that it is no longer that.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{ConnectionInfo, Pipeline, RedisError, Value};
use tokio::task::JoinSet;

use crate::address::{Sentinels, moved};
use crate::dial::{checked, dial, patience, wrong};
use crate::slots::text;

/// The master of a session.
pub(crate) struct Master {
    pub(crate) info: ConnectionInfo,
    place: Place,
}

/// Where a sentinel says that the master is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    /// Grows with every failover: of two words the one with the greater epoch is the newer.
    epoch: u64,
    host: String,
    port: u16,
}

impl Master {
    /// Who the sentinels say it is, and says so itself.
    pub(crate) async fn find(known: &Sentinels) -> Result<Self, RedisError> {
        let place = newest(known).await?;
        let info = moved(&known.master, &place.host, place.port);
        let mut connection = dial(&info, &patience()).await?;
        be_master(&mut connection).await?;
        Ok(Self { info, place })
    }

    /// That it still is the one. An old master that is cut off from its sentinels thinks that it
    /// is, so they are asked too; where none answers, its own word is enough.
    pub(crate) async fn check(
        &self,
        connection: &mut MultiplexedConnection,
        known: &Sentinels,
    ) -> Result<(), RedisError> {
        be_master(connection).await?;
        match newest(known).await {
            Ok(place) if place.epoch >= self.place.epoch && !place.is_at(&self.place) => {
                Err(wrong("the sentinels know another master"))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

impl Place {
    fn is_at(&self, other: &Self) -> bool {
        (&*self.host, self.port) == (&*other.host, other.port)
    }

    /// From the answers to `SENTINEL GET-MASTER-ADDR-BY-NAME`, which is the first to know the
    /// new one, and to `SENTINEL MASTER`: names and values in turn.
    fn read(place: &Value, master: &Value) -> Option<Self> {
        let (Value::Array(place), Value::Array(master)) = (place, master) else {
            return None;
        };
        let [host, port] = place.as_slice() else {
            return None;
        };
        let mut pairs = master.chunks_exact(2);
        let epoch = pairs.find_map(|pair| match pair {
            [name, value] if text(name) == Some("config-epoch") => text(value),
            _ => None,
        });
        Some(Self {
            epoch: epoch?.parse().ok()?,
            host: text(host)?.to_owned(),
            port: text(port)?.parse().ok()?,
        })
    }
}

/// The newest word of all sentinels that answer; they are asked at the same time. One that was
/// away knows an old one, and one that is cut off has no newer.
async fn newest(known: &Sentinels) -> Result<Place, RedisError> {
    let mut asked = JoinSet::new();
    for sentinel in &known.sentinels {
        let asking = ask(sentinel.clone(), known.service.clone());
        asked.spawn(tokio::time::timeout(PATIENCE, asking));
    }
    let mut found: Result<Place, RedisError> = Err(wrong("no sentinel answers"));
    while let Some(answer) = asked.join_next().await {
        let answer = answer.unwrap_or_else(|_| Ok(Err(wrong("a task has ended"))));
        let answer = answer.unwrap_or_else(|_elapsed| Err(wrong("a sentinel does not answer")));
        found = match (found, answer) {
            (Ok(one), Ok(two)) if one.epoch >= two.epoch => Ok(one),
            (Ok(one), Err(_)) => Ok(one),
            (_, answer) => answer,
        };
    }
    found
}

async fn ask(sentinel: ConnectionInfo, service: String) -> Result<Place, RedisError> {
    let mut connection = dial(&sentinel, &patience()).await?;
    let mut questions = Pipeline::new();
    for question in ["GET-MASTER-ADDR-BY-NAME", "MASTER"] {
        questions.cmd("SENTINEL").arg(question).arg(&service);
    }
    let answers = connection.send_packed_commands(&questions, 0, 2).await?;
    let place = match answers.as_slice() {
        [place, master] => Place::read(place, master),
        _ => None,
    };
    place.ok_or_else(|| wrong("a sentinel does not know the master"))
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

/// All are waited for, and one that is away must not hold up the others.
const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Value {
        let texts = texts.iter().map(|text| Value::BulkString((*text).into()));
        Value::Array(texts.collect())
    }

    #[test]
    fn the_epoch_is_read_wherever_it_stands_in_the_answer() {
        let master = texts(&["name", "config-epoch", "flags", "x", "config-epoch", "3"]);
        let place = Place::read(&texts(&["10.0.0.1", "6380"]), &master).unwrap();
        assert_eq!(
            (place.epoch, &*place.host, place.port),
            (3, "10.0.0.1", 6380)
        );
    }

    #[test]
    fn half_an_answer_is_none() {
        let (place, epoch) = (["a", "1"], ["config-epoch", "1"]);
        for (place, master) in [
            (Value::Nil, texts(&epoch)),
            (texts(&place), Value::Nil),
            (texts(&place), texts(&["config-epoch"])),
            (texts(&place), texts(&["config-epoch", "-1"])),
            (texts(&["a", "70000"]), texts(&epoch)),
            (texts(&["a"]), texts(&epoch)),
        ] {
            assert_eq!(Place::read(&place, &master), None);
        }
        assert!(Place::read(&texts(&place), &texts(&epoch)).is_some());
    }
}
