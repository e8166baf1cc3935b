//! Replays the files of `transcripts/` (their README says what the lines mean), one test each.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use conclave_websocket::Opcode;
use serde_json::{Value, json};

use crate::client::{Client, Heard, frame};
use crate::http::{Answer, Request};
use crate::world::{Plan, Token, World};

/// A scenario under way.
struct Replay {
    world: World,
    clients: HashMap<String, Client>,
    /// Those who speak JSON only.
    json: HashSet<String>,
    /// Tokens, ids of rooms, and values that `"*NAME"` caught.
    known: HashMap<String, String>,
}

type Outcome<T = ()> = Result<T, String>;

fn replay(file: &str) {
    let path = Path::new(FOLDER).join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{file} is missing"));
    let lines: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let configured = lines
        .iter()
        .take_while(|(_, line)| line.starts_with("config "))
        .count();
    let (config, rest) = lines.split_at(configured);
    let plan = config
        .iter()
        .fold(Plan::new().users(&DEV_USERS), |plan, (_, line)| {
            let setting = line
                .strip_prefix("config ")
                .and_then(|setting| setting.split_once('='));
            let (key, value) = setting.expect("KEY=VALUE");
            plan.set(key, value)
        });
    let mut replay = Replay {
        world: plan.start(),
        clients: HashMap::new(),
        json: HashSet::new(),
        known: HashMap::new(),
    };
    let mut rest = rest;
    while let Some((number, line)) = rest.first() {
        let together = together(rest);
        let group: Vec<&str> = rest[..together].iter().map(|(_, line)| *line).collect();
        if let Err(problem) = replay.perform(&group) {
            panic!("{file}, line {number}: {line}\n{problem}");
        }
        rest = &rest[together..];
    }
}

/// How many lines at the front are one wait: consecutive `NAME<*` of one name.
fn together(lines: &[(usize, &str)]) -> usize {
    let Some(first) = lines.first().and_then(|(_, line)| unordered(line)) else {
        return 1;
    };
    lines
        .iter()
        .take_while(|(_, line)| unordered(line) == Some(first))
        .count()
}

/// The name on a `NAME<*` line.
fn unordered(line: &str) -> Option<&str> {
    line.split_once(' ')
        .and_then(|(word, _)| word.strip_suffix("<*"))
}

impl Replay {
    fn perform(&mut self, group: &[&str]) -> Outcome {
        let line = group[0];
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "token" => {
                let (name, keys) = rest.split_once(' ').ok_or("token NAME KEY=VALUE")?;
                let token = self.world.sign(&token(keys)?);
                self.known.insert(name.to_owned(), token);
                return Ok(());
            }
            "connect" => return self.connect(rest),
            "room" => return self.create_room(rest),
            "call" => {
                let (user, call) = rest.split_once(' ').ok_or("call USER METHOD PATH")?;
                let (method, path) = call.split_once(' ').ok_or("call USER METHOD PATH")?;
                let path = self.filled(path);
                let request = Request::new(self.world.address(), method, &path);
                return self.ask(user, request).map(|_answer| ());
            }
            _ => {}
        }
        // Longest first: `>b` before `>`.
        for mark in [">>", ">b", "<*", ">", "<", "!"] {
            if let Some(name) = word.strip_suffix(mark) {
                return self.talk(name, mark, rest, group);
            }
        }
        let (action, argument) = rest.split_once(' ').unwrap_or((rest, ""));
        let client = self.client(word)?;
        match action {
            "close" => {
                client.close(argument.parse().map_err(|_unfit| "close CODE")?);
                Ok(())
            }
            "x" => {
                let (code, reason) = argument.split_once(' ').unwrap_or((argument, ""));
                match next(client, "")? {
                    Heard::Close(heard, text)
                        if heard.to_string() == code && (reason == "*" || reason == text) =>
                    {
                        Ok(())
                    }
                    other => Err(format!("heard {other:?}")),
                }
            }
            _ => Err("no such directive".to_owned()),
        }
    }

    fn talk(&mut self, name: &str, mark: &str, rest: &str, group: &[&str]) -> Outcome {
        let sent = self.filled(rest);
        let client = self.client(name)?;
        match mark {
            ">" => client.send(&sent),
            ">>" => {
                let text: String = serde_json::from_str(&sent).map_err(|_unfit| "a JSON string")?;
                client.send(&text);
            }
            ">b" => client.send_raw(&frame(Opcode::Binary, &hex(rest)?)),
            "<" => {
                let frame = next_text(client, rest)?;
                self.compare(&frame, rest)?;
            }
            "<*" => return self.in_any_order(name, group),
            _ => return self.quiet(name),
        }
        Ok(())
    }

    fn quiet(&mut self, name: &str) -> Outcome {
        let (ping, pong) = if self.json.contains(name) {
            (r#"{"type":"ping"}"#, r#"{"type":"pong","timestamp":"*"}"#)
        } else {
            ("ping", "pong")
        };
        let client = self.client(name)?;
        client.send(ping);
        let frame = next_text(client, pong)?;
        self.compare(&frame, pong)
    }

    fn create_room(&mut self, rest: &str) -> Outcome {
        let usage = "room NAME owner=USER type=TYPE members=USER,USER";
        let (name, keys) = rest.split_once(' ').ok_or(usage)?;
        let of = |key: &str| {
            let mut pairs = keys.split(' ').filter_map(|pair| pair.split_once('='));
            pairs.find(|(each, _)| *each == key).map(|(_, value)| value)
        };
        let owner = of("owner").ok_or(usage)?;
        let members: Vec<&str> = of("members").map_or(vec![], |list| list.split(',').collect());
        let body = json!({"name": name, "type": of("type").ok_or(usage)?, "memberIds": members});
        let request = Request::post(self.world.address(), "/channels", &body);
        let room = self.ask(owner, request)?.json();
        let id = room["id"].as_str().ok_or("a room without an id")?;
        self.known.insert(name.to_owned(), id.to_owned());
        Ok(())
    }

    /// A request in a user's name, which must succeed.
    fn ask(&self, user: &str, request: Request) -> Outcome<Answer> {
        let answer = request.bearer(&self.world.token(user)).send();
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        Err(format!("answered {} {}", answer.status, answer.body))
    }

    fn connect(&mut self, rest: &str) -> Outcome {
        let (name, keys) = rest.split_once(' ').ok_or("connect NAME KEY=VALUE")?;
        let mut dial = self.world.dial();
        if keys.split(' ').next() != Some("anonymous") {
            dial = dial.token(&self.world.sign(&token(keys)?));
        }
        if let Some(query) = keys.split(' ').find_map(|key| key.strip_prefix("query=")) {
            dial = dial.query(&self.filled(query));
        }
        if let Some(path) = keys.split(' ').find_map(|key| key.strip_prefix("path=")) {
            dial = dial.path(&self.filled(path));
            self.json.insert(name.to_owned());
        }
        let client = dial
            .try_connect()
            .map_err(|refused| format!("refused: {refused:?}"))?;
        self.clients.insert(name.to_owned(), client);
        Ok(())
    }

    fn client(&mut self, name: &str) -> Outcome<&mut Client> {
        self.clients
            .get_mut(name)
            .ok_or_else(|| format!("no client '{name}'"))
    }

    /// The line with `${NAME}` replaced.
    fn filled(&self, line: &str) -> String {
        self.known
            .iter()
            .fold(line.to_owned(), |line, (name, value)| {
                line.replace(&format!("${{{name}}}"), value)
            })
    }

    fn in_any_order(&mut self, name: &str, group: &[&str]) -> Outcome {
        let mut expected: Vec<&str> = group
            .iter()
            .filter_map(|line| line.split_once(' ').map(|(_, rest)| rest))
            .collect();
        while !expected.is_empty() {
            let frame = next_text(self.client(name)?, &expected.concat())?;
            let place = expected
                .iter()
                .position(|line| self.compare(&frame, line).is_ok());
            expected.remove(place.ok_or_else(|| format!("heard {frame}"))?);
        }
        Ok(())
    }

    fn compare(&mut self, frame: &str, expected: &str) -> Outcome {
        let differs = || Err(format!("heard {frame}"));
        let expected = &*self.filled(expected);
        let (Ok(heard), Ok(wanted)) = (serde_json::from_str(frame), serde_json::from_str(expected))
        else {
            return if frame == expected { Ok(()) } else { differs() };
        };
        let mut caught = Vec::new();
        if !matches(&heard, &wanted, &mut caught) {
            return differs();
        }
        self.known.extend(caught);
        Ok(())
    }
}

/// What comes next. Who came or went is passed over where it is not `expected`: when that is
/// told depends on time.
fn next(client: &mut Client, expected: &str) -> Outcome<Heard> {
    loop {
        match client.next_within(PATIENCE) {
            Some(Heard::Text(text)) if is_presence(&text) && !is_presence(expected) => {}
            heard => return heard.ok_or_else(|| "nothing came".to_owned()),
        }
    }
}

fn next_text(client: &mut Client, expected: &str) -> Outcome<String> {
    match next(client, expected)? {
        Heard::Text(text) => Ok(text),
        other => Err(format!("heard {other:?}")),
    }
}

fn is_presence(text: &str) -> bool {
    text.contains(r#""type":"presence_update""#)
}

/// Whether `heard` is `wanted`, in which `"*"` is anything and `"*NAME"` is kept.
fn matches(heard: &Value, wanted: &Value, caught: &mut Vec<(String, String)>) -> bool {
    match (heard, wanted) {
        (_, Value::String(mark)) if mark.starts_with('*') => {
            if let Some(name) = mark.strip_prefix('*').filter(|name| !name.is_empty()) {
                let text = heard
                    .as_str()
                    .map_or_else(|| heard.to_string(), str::to_owned);
                caught.push((name.to_owned(), text));
            }
            true
        }
        (Value::Object(heard), Value::Object(wanted)) => {
            heard.len() == wanted.len()
                && wanted.iter().all(|(key, value)| {
                    heard
                        .get(key)
                        .is_some_and(|heard| matches(heard, value, caught))
                })
        }
        (Value::Array(heard), Value::Array(wanted)) => {
            heard.len() == wanted.len()
                && heard
                    .iter()
                    .zip(wanted)
                    .all(|(heard, value)| matches(heard, value, caught))
        }
        _ => heard == wanted,
    }
}

fn token(keys: &str) -> Outcome<Token> {
    let mut token = Token::of("");
    token.roles = Vec::new();
    for key in keys.split(' ') {
        let (key, value) = key.split_once('=').ok_or("KEY=VALUE")?;
        let list = || value.split(',').map(str::to_owned).collect();
        match key {
            "user" => value.clone_into(&mut token.user),
            "session" => token.session = Some(value.to_owned()),
            "name" => token.name = Some(value.to_owned()),
            "roles" => token.roles = list(),
            "permissions" => token.permissions = list(),
            "query" | "path" => {}
            _ => return Err(format!("no key '{key}'")),
        }
    }
    if token.roles.is_empty() && token.permissions.is_empty() {
        token.roles = vec!["user".to_owned()];
    }
    Ok(token)
}

fn hex(text: &str) -> Outcome<Vec<u8>> {
    let digits = text
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap_or(""));
    digits
        .map(|pair| u8::from_str_radix(pair, 16).map_err(|_unfit| "hexadecimal".to_owned()))
        .collect()
}

macro_rules! transcripts {
    ($($folder:ident: $($name:ident)*;)*) => {
        $(
            mod $folder {
                $(
                    #[test]
                    fn $name() {
                        super::replay(concat!(
                            stringify!($folder), "/", stringify!($name), ".txt"
                        ));
                    }
                )*
            }
        )*

        const NAMED: &[(&str, &[&str])] = &[
            $((stringify!($folder), &[$(concat!(stringify!($name), ".txt")),*])),*
        ];
    };
}

transcripts! {
    conversation: closes connections errors feed feed_refusals feed_rooms membership messages receipts
        renewal replay required typing;
    service: messages refusals spellings;
    topics: acks anonymous anonymous_refused broadcast broadcast_off closes connections delivery
        errors gap isolation names permissions presence pubsub recovery renewal sessions
        subscriptions;
}

#[test]
fn every_transcript_is_replayed() {
    for (folder, named) in NAMED {
        let entries = std::fs::read_dir(Path::new(FOLDER).join(folder)).expect("transcripts");
        let mut files: Vec<_> = entries
            .map(|entry| {
                entry
                    .expect("a file")
                    .file_name()
                    .into_string()
                    .expect("a name")
            })
            .collect();
        files.sort();
        assert_eq!(&files, named, "{folder}");
    }
}

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/transcripts");
const PATIENCE: Duration = Duration::from_secs(5);
/// Dev mode's users and their roles.
const DEV_USERS: [(&str, &str); 5] = [
    ("user", "user"),
    ("testuser", "user"),
    ("username", "user"),
    ("user123", "user"),
    ("admin", "admin"),
];
