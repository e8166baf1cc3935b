//! A provider of answers on the generator's own thread: it streams as OpenAI's API does, and says
//! in each token when it was written.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

/// Answers that it gives, one per room at a time.
pub(super) struct Provider {
    listener: TcpListener,
    began: Instant,
    /// Connections whose question is not whole yet.
    arriving: Vec<(TcpStream, Vec<u8>)>,
    /// By room.
    answers: Vec<Option<TcpStream>>,
}

/// What a token says of itself: `~`, 3 digits, 5 digits, 13 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) room: usize,
    /// Counts from 0 in each answer.
    pub(super) sequence: u64,
    /// After the provider's start.
    pub(super) written: Duration,
}

impl Provider {
    /// Listens for questions of so many rooms, at most 1,000.
    ///
    /// # Errors
    /// No port is to be had.
    pub(super) fn start(rooms: usize) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no port for the provider")?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            began: Instant::now(),
            arriving: Vec::new(),
            answers: std::iter::repeat_with(|| None).take(rooms).collect(),
        })
    }

    /// What comes before `/chat/completions`.
    ///
    /// # Errors
    /// The system does not say where it listens.
    pub(super) fn base_url(&self) -> Result<String> {
        Ok(format!("http://{}/v1", self.listener.local_addr()?))
    }

    pub(super) const fn began(&self) -> Instant {
        self.began
    }

    /// Answers that have begun.
    pub(super) fn under_way(&self) -> usize {
        self.answers.iter().flatten().count()
    }

    /// Takes the questions that have come, and begins to answer each; waits for none.
    ///
    /// # Errors
    /// A question that names no room, or a broken connection.
    pub(super) fn look(&mut self) -> Result<()> {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nodelay(true)?;
                    stream.set_nonblocking(true)?;
                    self.arriving.push((stream, Vec::new()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        for (mut stream, mut bytes) in std::mem::take(&mut self.arriving) {
            if read(&mut stream, &mut bytes)? {
                self.arriving.push((stream, bytes));
                continue;
            }
            let room = asked(&bytes).context("a question that names no room")?;
            let place = self.answers.get_mut(room).context("no such room")?;
            ensure!(place.is_none(), "two questions of a room at a time");
            stream.set_nonblocking(false)?;
            stream.set_write_timeout(Some(PATIENCE))?;
            stream.write_all(HEAD.as_bytes())?;
            *place = Some(stream);
        }
        Ok(())
    }

    /// Writes a token of the answer in `room`.
    ///
    /// # Errors
    /// There is none, or the server has given it up or does not read it.
    pub(super) fn say(&mut self, room: usize, sequence: u64) -> Result<()> {
        let Some(Some(stream)) = self.answers.get_mut(room) else {
            bail!("no answer in room {room}")
        };
        let token = Token {
            room,
            sequence,
            written: self.began.elapsed(),
        };
        let content = token.text();
        let choices =
            format!(r#"[{{"index":0,"delta":{{"content":"{content}"}},"finish_reason":null}}]"#);
        stream.write_all(event(&choices, "").as_bytes())?;
        Ok(())
    }

    /// Ends all answers, each of which had so many tokens.
    ///
    /// # Errors
    /// The server has given one up.
    pub(super) fn end(&mut self, tokens: u64) -> Result<()> {
        let stop = event(r#"[{"index":0,"delta":{},"finish_reason":"stop"}]"#, "");
        let usage = format!(
            r#","usage":{{"prompt_tokens":10,"completion_tokens":{tokens},"total_tokens":{}}}"#,
            10 + tokens
        );
        let usage = event("[]", &usage);
        let done = chunk("data: [DONE]\n\n");
        let end = format!("{stop}{usage}{done}0\r\n\r\n");
        for place in &mut self.answers {
            if let Some(mut stream) = place.take() {
                stream.write_all(end.as_bytes())?;
            }
        }
        Ok(())
    }
}

impl Token {
    fn text(self) -> String {
        let Self { room, sequence, .. } = self;
        let nanoseconds = self.written.as_nanos();
        format!("~{room:03}{sequence:05}{nanoseconds:013}")
    }

    /// Those in a text, wherever they stand; `None` for one that is not whole.
    pub(super) fn all(text: &[u8]) -> impl Iterator<Item = Option<Self>> {
        text.split(|byte| *byte == b'~').skip(1).map(Self::read)
    }

    fn read(text: &[u8]) -> Option<Self> {
        let (room, rest) = text.split_at_checked(3)?;
        let (sequence, rest) = rest.split_at_checked(5)?;
        let (nanoseconds, _) = rest.split_at_checked(13)?;
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse().ok();
        Some(Self {
            room: usize::try_from(number(room)?).ok()?,
            sequence: number(sequence)?,
            written: Duration::from_nanos(number(nanoseconds)?),
        })
    }
}

/// Whether the request goes on after what has come of it.
fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<bool> {
    let mut buffer = [0; BUFFER_BYTES];
    match stream.read(&mut buffer) {
        Ok(0) => bail!("the server took a question back"),
        Ok(count) => bytes.extend_from_slice(buffer.get(..count).unwrap_or_default()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        Err(error) => return Err(error.into()),
    }
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let Some((head, _)) = text.split_once("\r\n\r\n") else {
        return Ok(true);
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name == "content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.context("a question without a length")?;
    Ok(bytes.len() < head.len() + 4 + length)
}

/// The room that the last line names, as `#12`.
fn asked(bytes: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(bytes);
    let (_, name) = text.rsplit_once('#')?;
    let digits = name.split(|other: char| !other.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn event(choices: &str, more: &str) -> String {
    chunk(&format!(
        "data: {{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\
         \"created\":1700000000,\"model\":\"bench\",\"choices\":{choices}{more}}}\n\n"
    ))
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                    Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(10);
const BUFFER_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Token, asked};

    #[test]
    fn tokens_are_found_where_they_share_a_frame() {
        let tokens = [0, 1].map(|sequence| Token {
            room: 12,
            sequence,
            written: Duration::from_nanos(1_234_567_890),
        });
        let frame = format!(r#"{{"delta":"{}{}"}}"#, tokens[0].text(), tokens[1].text());
        let found: Vec<_> = Token::all(frame.as_bytes()).collect();
        assert_eq!(found, tokens.map(Some));
        assert_eq!(Token::all(b"~01200000").collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn the_last_line_names_the_room() {
        let body = br##"{"messages":[{"content":"u1: #1"},{"content":"u7: #7"}],"stream":true}"##;
        assert_eq!(asked(body), Some(7));
        assert_eq!(asked(b"{}"), None);
    }
}
