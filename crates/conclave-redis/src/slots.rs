//! Which shard of a cluster has what: 16384 slots, each a share of all names.

use redis::Value;

/// The slots of a cluster, all of them, and who has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slots {
    /// By their first slot.
    ranges: Vec<Range>,
    shards: Vec<Shard>,
}

/// Where the master of a shard is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    pub(crate) host: String,
    pub(crate) port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    first: u16,
    last: u16,
    shard: usize,
}

/// The slot of a name: of what is between its first braces, where something is.
pub(crate) fn slot(name: &str) -> u16 {
    let tag = name.split_once('{').and_then(|(_, rest)| {
        let (tag, _) = rest.split_once('}')?;
        (!tag.is_empty()).then_some(tag)
    });
    crc16(tag.unwrap_or(name).as_bytes()) % COUNT
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc: u16, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 {
                shifted
            } else {
                shifted ^ 0x1021
            }
        })
    })
}

impl Slots {
    /// From the answer to `CLUSTER SLOTS` of the node at `asked`; `None` where it is none, or a
    /// slot has no node.
    pub(crate) fn read(answer: &Value, asked: &str) -> Option<Self> {
        let mut slots = Self {
            ranges: Vec::new(),
            shards: Vec::new(),
        };
        let mut found = Vec::new();
        for part in items(answer)? {
            let [first, last, master, ..] = items(part)? else {
                return None;
            };
            let [host, port, ..] = items(master)? else {
                return None;
            };
            let shard = Shard {
                // Who does not know its own name is meant by an empty one.
                host: match host {
                    Value::Nil => asked.to_owned(),
                    host => match text(host)? {
                        "" => asked.to_owned(),
                        "?" => return None,
                        host => host.to_owned(),
                    },
                },
                port: number(port)?,
            };
            found.push((number(first)?, number(last)?, shard));
        }
        // Everybody tells it in the same order then.
        found.sort_by_key(|(first, ..)| *first);
        let mut next = 0;
        for (first, last, shard) in found {
            if first != next || last < first || last >= COUNT {
                return None;
            }
            next = last + 1;
            let known = slots.shards.iter().position(|other| *other == shard);
            let shard = known.unwrap_or_else(|| {
                slots.shards.push(shard);
                slots.shards.len() - 1
            });
            slots.ranges.push(Range { first, last, shard });
        }
        (next == COUNT).then_some(slots)
    }

    /// All shards; a shard's place among them is its number.
    pub(crate) fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// The number of the shard that has a name.
    pub(crate) fn shard_of(&self, name: &str) -> usize {
        let slot = slot(name);
        let behind = self.ranges.partition_point(|range| range.first <= slot);
        let range = self.ranges.get(behind.saturating_sub(1));
        range.map_or(0, |range| range.shard)
    }
}

fn items(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

pub(crate) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

fn number(value: &Value) -> Option<u16> {
    match value {
        Value::Int(number) => u16::try_from(*number).ok(),
        _ => None,
    }
}

const COUNT: u16 = 16384;

#[cfg(test)]
mod tests {
    use super::*;

    fn part(first: i64, last: i64, host: Value, port: i64) -> Value {
        let id = Value::BulkString(b"id".to_vec());
        let master = Value::Array(vec![host, Value::Int(port), id, Value::Array(vec![])]);
        let replica = master.clone();
        Value::Array(vec![Value::Int(first), Value::Int(last), master, replica])
    }

    fn host(name: &str) -> Value {
        Value::BulkString(name.as_bytes().to_vec())
    }

    #[test]
    fn names_have_the_slots_that_the_specification_of_clusters_gives_them() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot("foo"), 12182);
        assert_eq!(slot("foo{bar}{zap}"), slot("bar"));
        assert_eq!(slot("foo{{bar}}zap"), slot("{bar"));
        assert_ne!(slot("foo{}{bar}"), slot("bar"));
    }

    #[test]
    fn each_name_is_found_on_the_shard_of_its_slot() {
        let answer = Value::Array(vec![
            part(8000, 16383, host("b"), 2),
            part(0, 100, Value::Nil, 1),
            part(101, 7999, host("b"), 2),
        ]);
        let slots = Slots::read(&answer, "asked").unwrap();
        assert_eq!(slots.shards().len(), 2);
        let own = slots.shards().first().unwrap();
        assert_eq!((own.host.as_str(), own.port), ("asked", 1));
        for name in (0..5000).map(|number| number.to_string()) {
            let expected = usize::from(slot(&name) > 100);
            assert_eq!(slots.shard_of(&name), expected, "{name}");
        }
    }

    #[test]
    fn a_cluster_that_has_not_all_slots_is_none() {
        for parts in [
            vec![],
            vec![part(0, 16382, host("a"), 1)],
            vec![part(1, 16383, host("a"), 1)],
            vec![part(0, 16384, host("a"), 1)],
            vec![part(0, 16383, host("?"), 1)],
            vec![part(0, 16383, host("a"), 70000)],
            vec![part(0, 8000, host("a"), 1), part(8000, 16383, host("b"), 2)],
            vec![part(0, 8000, host("a"), 1), part(8002, 16383, host("b"), 2)],
            vec![part(10, 5, host("a"), 1)],
        ] {
            assert_eq!(Slots::read(&Value::Array(parts), "a"), None);
        }
        assert_eq!(Slots::read(&Value::Nil, "a"), None);
    }
}
