//! Records of channels in Redis: a hash with the newest offset and the epoch, and a list of the
//! newest messages, both with a time to live. One script gives a place, keeps and publishes;
//! another reads.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use conclave_core::{Arrival, Keeping, Parcel, Record};
use conclave_protocol::{Channel, Position};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, RedisError, RedisResult, Script, ServerErrorKind, Value};

use crate::Shared;
use crate::dial::checked;
use crate::wire::{read_recorded, record_names, write_publication};

/// The scripts, and whether Redis has them.
pub(crate) struct Records {
    give: Script,
    read: Script,
    loaded: bool,
    /// Whether a refusal was logged.
    refused: bool,
}

/// Of a command in a pipeline, whose channel's record it is about.
pub(crate) enum Asked {
    /// A command that only publishes.
    Nothing,
    Place(Arc<Channel>),
    Record(Arc<Channel>),
}

/// What was asked of each lane, until it is answered. What is left when it is dropped, also with
/// a session that ends in the middle, never will be: those who wait are told.
pub(crate) struct Unanswered<'a> {
    shared: &'a Shared,
    asked: Vec<Vec<Asked>>,
}

impl<'a> Unanswered<'a> {
    pub(crate) const fn new(shared: &'a Shared, asked: Vec<Vec<Asked>>) -> Self {
        Self { shared, asked }
    }

    /// What was asked of a lane, which has answered.
    pub(crate) fn take(&mut self, lane: usize) -> Vec<Asked> {
        self.asked
            .get_mut(lane)
            .map(std::mem::take)
            .unwrap_or_default()
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        for asked in self.asked.drain(..).flatten() {
            match asked {
                Asked::Nothing => {}
                Asked::Place(channel) => self.shared.answer_unrecorded(channel),
                Asked::Record(channel) => self.shared.answer_unread(channel),
            }
        }
    }
}

impl Records {
    /// Redis has none of them.
    pub(crate) fn new() -> Self {
        Self {
            give: Script::new(GIVE),
            read: Script::new(READ),
            loaded: false,
            refused: false,
        }
    }

    /// Gives all of Redis the scripts where it may lack them. Where it refuses them, what needs
    /// them fails one by one, and the rest goes on.
    pub(crate) async fn load(
        &mut self,
        connections: impl Iterator<Item = MultiplexedConnection>,
    ) -> Result<(), RedisError> {
        if self.loaded {
            return Ok(());
        }
        for mut connection in connections {
            for text in [GIVE, READ] {
                let mut load = redis::cmd("SCRIPT");
                load.arg("LOAD").arg(text);
                let answer = connection.send_packed_command(&load).await?;
                if let Err(error) = checked(answer) {
                    self.note(&error);
                }
            }
        }
        self.loaded = true;
        Ok(())
    }

    /// The command that gives a publication its place and publishes it, by this command under
    /// this name.
    pub(crate) fn give(
        &self,
        shared: &Shared,
        (name, publish): (&str, &str),
        (parcel, keeping): (&Parcel, Keeping),
    ) -> (Cmd, Asked) {
        let Parcel { publication, place } = parcel;
        let channel = &publication.channel;
        let [head, list] = record_names(&shared.options.prefix, channel);
        let kept_millis = u64::from(keeping.seconds).saturating_mul(1000);
        let mut command = redis::cmd("EVALSHA");
        command
            .arg(self.give.get_hash())
            .arg(3)
            .arg(head)
            .arg(list)
            .arg(name)
            .arg(write_publication(shared.node, *place, publication))
            .arg(1 + u8::from(place.after_loss))
            .arg(keeping.messages)
            .arg(kept_millis)
            .arg(kept_millis.saturating_add(HEAD_MILLIS))
            .arg(publish);
        (command, Asked::Place(Arc::clone(channel)))
    }

    /// The command that reads a record.
    pub(crate) fn read(
        &self,
        prefix: &str,
        (channel, since): (&Arc<Channel>, Option<Position>),
    ) -> (Cmd, Asked) {
        let [head, list] = record_names(prefix, channel);
        let since = since.unwrap_or_default();
        let mut command = redis::cmd("EVALSHA");
        command
            .arg(self.read.get_hash())
            .arg(2)
            .arg(head)
            .arg(list)
            .arg(since.offset)
            .arg(since.epoch);
        (command, Asked::Record(Arc::clone(channel)))
    }

    /// Takes what was answered to a pipeline.
    ///
    /// # Errors
    /// The connection is of no use any more.
    pub(crate) fn take(
        &mut self,
        shared: &Shared,
        asked: Vec<Asked>,
        answers: Vec<Value>,
    ) -> Result<(), RedisError> {
        let mut wrong = None;
        for (asked, answer) in asked.into_iter().zip(answers) {
            let answer = checked(answer);
            match asked {
                Asked::Nothing => wrong = answer.err().or(wrong),
                Asked::Place(channel) => self.take_place(shared, channel, answer),
                Asked::Record(channel) => self.take_record(shared, channel, answer),
            }
        }
        wrong.map_or(Ok(()), Err)
    }

    fn take_place(&mut self, shared: &Shared, channel: Arc<Channel>, answer: RedisResult<Value>) {
        match answer {
            Ok(Value::Int(offset)) if offset > 0 => return,
            // Published without a place.
            Ok(_) => {}
            Err(error) => {
                shared.lost.fetch_add(1, Ordering::Relaxed);
                self.note(&error);
            }
        }
        shared.answer_unrecorded(channel);
    }

    fn take_record(&mut self, shared: &Shared, channel: Arc<Channel>, answer: RedisResult<Value>) {
        match answer.map(|value| (size(&value), record(value))) {
            Ok((bytes, Some(record))) => {
                let record = Some(record);
                shared
                    .intake
                    .push(Arrival::Record { channel, record }, bytes);
            }
            Ok((_, None)) => shared.answer_unread(channel),
            Err(error) => {
                self.note(&error);
                shared.answer_unread(channel);
            }
        }
    }

    /// A Redis that was made new has no scripts; they are loaded before the next pipeline.
    fn note(&mut self, error: &RedisError) {
        if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) {
            self.loaded = false;
        } else if !std::mem::replace(&mut self.refused, true) {
            let code = error.code().unwrap_or_else(|| error.category());
            tracing::warn!(error = code, "Redis refuses to keep the history of topics");
        }
    }
}

/// `[offset, epoch]`, or with the messages behind; those that cannot be read are left out.
fn record(value: Value) -> Option<Record> {
    let Value::Array(parts) = value else {
        return None;
    };
    let mut parts = parts.into_iter();
    let mut number = || match parts.next()? {
        Value::BulkString(bytes) => std::str::from_utf8(&bytes).ok()?.parse().ok(),
        _ => None,
    };
    let (offset, epoch) = (number()?, number()?);
    let messages = match parts.next() {
        Some(Value::Array(messages)) => messages,
        _ => Vec::new(),
    };
    let kept = messages.into_iter().filter_map(|message| match message {
        Value::BulkString(bytes) => read_recorded(&bytes).ok(),
        _ => None,
    });
    let head = Position { offset, epoch };
    Some(Record {
        head,
        kept: kept.filter(|one| one.position.epoch == epoch).collect(),
    })
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(parts) => parts.iter().map(size).sum(),
        Value::BulkString(bytes) => bytes.len(),
        _ => 0,
    }
}

/// How much longer than its messages a channel's newest place is kept: who comes back to a topic
/// in which nothing was said meanwhile is told of no gap.
const HEAD_MILLIS: u64 = 3_600_000;

/// Keys: head, list, channel. Arguments: message, step, messages kept, their and the head's time to
/// live in milliseconds, the command that publishes. A Redis without room for more publishes without a place.
const GIVE: &str = r"
local epoch = redis.call('HGET', KEYS[1], 'epoch')
local offset
if epoch then
  offset = redis.pcall('HINCRBY', KEYS[1], 'offset', ARGV[2])
else
  local now = redis.call('TIME')
  epoch = now[1] .. string.format('%06d', now[2])
  redis.call('DEL', KEYS[2])
  offset = redis.pcall('HSET', KEYS[1], 'epoch', epoch, 'offset', ARGV[2])
  if type(offset) == 'number' then offset = tonumber(ARGV[2]) end
end
if type(offset) ~= 'number' then
  redis.call(ARGV[6], KEYS[3], 'R0 0 ' .. ARGV[1])
  return 0
end
local message = 'R' .. string.format('%.0f', offset) .. ' ' .. epoch .. ' ' .. ARGV[1]
redis.call('PEXPIRE', KEYS[1], ARGV[5])
if tonumber(ARGV[3]) > 0 then
  redis.call('RPUSH', KEYS[2], message)
  redis.call('LTRIM', KEYS[2], -tonumber(ARGV[3]), -1)
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
redis.call(ARGV[6], KEYS[3], message)
return offset
";

/// Keys: head, list. Arguments: offset and epoch that are known.
const READ: &str = r"
local head = redis.call('HMGET', KEYS[1], 'offset', 'epoch')
if not head[1] or not head[2] then return {'0', '0'} end
local first = 0
if head[2] == ARGV[2] then
  local missing = tonumber(head[1]) - tonumber(ARGV[1])
  if missing <= 0 then return {head[1], head[2]} end
  first = -missing
end
return {head[1], head[2], redis.call('LRANGE', KEYS[2], first, -1)}
";
