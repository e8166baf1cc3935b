//! A provider of answers for tests: HTTP and server-sent events byte by byte as told, with every
//! fault that a real one can have.
#![expect(
    clippy::unwrap_used,
    reason = "a test tool fails by panicking, as a test does"
)]

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What a provider does in one answer, in this order; then the connection is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beat {
    /// The head of a stream of events.
    Head,
    /// A whole answer that is no stream: status, further header lines, body.
    Status(u16, &'static str, &'static str),
    /// A token.
    Token(&'static str),
    /// The same token again and again until the client has gone.
    Forever(&'static str),
    /// One event with this data.
    Event(String),
    /// These bytes, each in a packet of its own.
    Slowly(String),
    /// The end with its reason, what it took, and `[DONE]`.
    Stop(&'static str),
    /// The end of the body.
    End,
    /// Nothing, until [`StreamServer::go_on`].
    Wait,
    /// Nothing, until the client has gone.
    Hang,
}

/// What a client asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Request line and headers, without the line ends.
    pub head: Vec<String>,
    /// The body.
    pub body: String,
}

/// A provider on a port of its own.
#[derive(Debug)]
pub struct StreamServer {
    address: SocketAddr,
    stage: Arc<Stage>,
}

#[derive(Debug, Default)]
struct Stage {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// What is done next, by whoever asks first.
    answers: VecDeque<Vec<Beat>>,
    asked: Vec<Question>,
    /// How often it may go on.
    signals: usize,
    /// Clients that had gone before their answer was whole.
    left: usize,
    ended: bool,
}

impl StreamServer {
    /// Starts to listen.
    ///
    /// # Panics
    /// Where there is no port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stage = Arc::new(Stage::default());
        let shared = Arc::clone(&stage);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.state().ended {
                    return;
                }
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.serve(stream.unwrap()));
            }
        });
        Self { address, stage }
    }

    /// What comes before `/chat/completions`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What it does for the next who asks, behind what it was told before.
    pub fn answer(&self, beats: impl Into<Vec<Beat>>) {
        self.stage
            .change(|state| state.answers.push_back(beats.into()));
    }

    /// Ends one [`Beat::Wait`], also one that has not begun.
    pub fn go_on(&self) {
        self.stage.change(|state| state.signals += 1);
    }

    /// What it was asked, once that is at least `count` questions.
    #[must_use]
    pub fn asked(&self, count: usize) -> Vec<Question> {
        let state = self.stage.until(|state| state.asked.len() >= count);
        state.asked.clone()
    }

    /// Waits until so many clients have gone before their answer was whole.
    pub fn left(&self, count: usize) {
        drop(self.stage.until(|state| state.left >= count));
    }
}

impl Drop for StreamServer {
    fn drop(&mut self) {
        self.stage.change(|state| state.ended = true);
        // The listener looks once more. It may be gone already.
        TcpStream::connect(self.address).ok();
    }
}

impl Stage {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    fn until(&self, ready: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let state = self.state();
        let waits = |state: &mut State| !ready(state) && !state.ended;
        let waited = self.changed.wait_timeout_while(state, PATIENCE, waits);
        let (state, elapsed) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!elapsed.timed_out(), "waited in vain: {state:?}");
        state
    }

    fn serve(&self, stream: TcpStream) {
        stream.set_nodelay(true).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some(question) = read_question(&mut reader) {
            self.change(|state| state.asked.push(question));
            let mut state = self.until(|state| !state.answers.is_empty());
            let Some(beats) = state.answers.pop_front() else {
                return;
            };
            drop(state);
            match self.play(&beats, &stream) {
                Ok(true) => {}
                Ok(false) => break,
                Err(_gone) => {
                    self.change(|state| state.left += 1);
                    break;
                }
            }
        }
        // It may be closed already.
        stream.shutdown(Shutdown::Both).ok();
    }

    /// Whether the connection can be asked again.
    fn play(&self, beats: &[Beat], mut stream: &TcpStream) -> std::io::Result<bool> {
        for beat in beats {
            match beat {
                Beat::Head => stream.write_all(HEAD)?,
                Beat::Status(status, headers, body) => {
                    let length = body.len();
                    let head = format!("HTTP/1.1 {status} x\r\n{headers}content-length: {length}");
                    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes())?;
                }
                Beat::Token(text) => chunk(stream, &event(&token(text)))?,
                Beat::Forever(text) => loop {
                    chunk(stream, &event(&token(text)))?;
                },
                Beat::Event(data) => chunk(stream, &event(data))?,
                Beat::Slowly(text) => {
                    for byte in text.as_bytes() {
                        chunk(stream, std::slice::from_ref(byte))?;
                    }
                }
                Beat::Stop(reason) => {
                    let data = format!(
                        r#"{{"model":"stage-1","choices":[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}]}}"#
                    );
                    chunk(stream, &event(&data))?;
                    chunk(stream, &event(USAGE))?;
                    chunk(stream, &event("[DONE]"))?;
                }
                Beat::End => stream.write_all(b"0\r\n\r\n")?,
                Beat::Wait => self.until(|state| state.signals > 0).signals -= 1,
                Beat::Hang => return hang(stream),
            }
        }
        let whole = matches!(beats.last(), Some(Beat::End | Beat::Status(..)));
        Ok(whole)
    }
}

/// The data of an event that says a token.
#[must_use]
pub fn token(text: &str) -> String {
    let text = text.replace('\\', r"\\").replace('"', r#"\""#);
    let text = text.replace('\n', r"\n");
    format!(
        r#"{{"id":"c1","object":"chat.completion.chunk","model":"stage-1","choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}]}}"#
    )
}

/// An event with this data.
fn event(data: &str) -> Vec<u8> {
    format!("data: {data}\n\n").into_bytes()
}

/// A part of the body.
fn chunk(mut stream: &TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    let mut out = format!("{:x}\r\n", bytes.len()).into_bytes();
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
    stream.write_all(&out)
}

/// Until the client has gone, which counts as such.
fn hang(mut stream: &TcpStream) -> std::io::Result<bool> {
    while stream.read(&mut [0; 1024])? > 0 {}
    Err(std::io::ErrorKind::ConnectionAborted.into())
}

fn read_question(reader: &mut impl BufRead) -> Option<Question> {
    let mut head = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
        head.push(line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    Some(Question { head, body })
}

const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(60);
const USAGE: &str = r#"{"model":"stage-1","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}"#;
