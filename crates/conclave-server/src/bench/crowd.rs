//! The generator: thousands of connections on one thread, by edge-triggered epoll.
//!
//! It shares one read buffer, keeps only unfinished frames, answers pings, and hands everything else
//! to the scenario. It reads each socket once per wake, so that its own cost is small and the same
//! for every subject.

use std::io::{self, ErrorKind};
use std::net::SocketAddrV4;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustls::ClientConfig;

use super::frame::{self, Frame};
use super::transport::Transport;

/// Where the crowd connects to.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) address: SocketAddrV4,
    pub(super) tls: Option<Arc<ClientConfig>>,
}

/// How one connection comes in.
pub(super) struct Guest {
    /// Decides the source address.
    pub(super) number: usize,
    /// The upgrade request; none for the floor, which is connected as soon as TCP says so.
    pub(super) head: Option<String>,
    /// The extension that the request offers and the answer must name; empty for none.
    pub(super) extension: &'static str,
    /// Sent as text after the upgrade; the connection is ready when its acknowledgement has come.
    pub(super) command: Option<String>,
    pub(super) manner: Manner,
}

/// What comes between the upgrade and the first thing that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// The server says `connected`, unasked.
    Conversation,
    /// The server opens, the guest says who it is, the server answers; pings are texts.
    SocketIo,
    /// Nothing, or the acknowledgement of the command.
    Topics,
}

/// What a connection of the crowd met.
pub(super) enum Arrival<'a> {
    /// The connection ended; its index is free for the next guest.
    Closed,
    /// The connection is ready, so long after the first packet was sent.
    Ready(Duration),
    /// A text message.
    Text(&'a [u8]),
}

/// What the generator does while nothing comes.
#[derive(Clone, Copy)]
pub(super) enum Waiting {
    /// It sleeps: for idle connections.
    Asleep,
    /// It looks again at once. A sleeping receiver would be woken by the sender, on the sender's
    /// core and its account, more often the faster the receiver is; a remote one never is.
    Awake,
}

/// Connections, addressed by index.
pub(super) struct Crowd {
    waiting: Waiting,
    epoll: OwnedFd,
    members: Vec<Option<Member>>,
    free: Vec<usize>,
    events: Vec<epoll::Event>,
    buffer: Vec<u8>,
    out: Vec<u8>,
    pub(super) pings: u64,
}

struct Member {
    transport: Transport,
    partial: Vec<u8>,
    stage: Stage,
    manner: Manner,
    since: Instant,
}

enum Stage {
    /// Waits for the answer to the upgrade, which must agree to what was offered.
    Head {
        offered: &'static str,
        command: Option<String>,
    },
    /// Waits for the server to open; the command is the answer.
    Opening(String),
    Acknowledgement,
    Open,
}

impl Crowd {
    /// An empty crowd that handles at most `batch` wakes per `poll`.
    ///
    /// # Errors
    /// The system gives no epoll.
    pub(super) fn new(batch: usize, waiting: Waiting) -> Result<Self> {
        Ok(Self {
            waiting,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            members: Vec::new(),
            free: Vec::new(),
            events: Vec::with_capacity(batch),
            buffer: vec![0; BUFFER_BYTES],
            out: Vec::new(),
            pings: 0,
        })
    }

    /// From now on it waits so.
    pub(super) const fn wait_so(&mut self, waiting: Waiting) {
        self.waiting = waiting;
    }

    /// Connects one guest and sends its upgrade request; gives its index.
    ///
    /// # Errors
    /// The connection is refused, or the system runs out of files or ports.
    pub(super) fn enter(&mut self, door: &Door, guest: Guest) -> Result<usize> {
        let since = Instant::now();
        let transport = Transport::connect(door.address, guest.number, door.tls.as_ref())?;
        let stage = match guest.head {
            None => Stage::Open,
            Some(_) => Stage::Head {
                offered: guest.extension,
                command: guest.command,
            },
        };
        let mut member = Member {
            transport,
            partial: Vec::new(),
            stage,
            manner: guest.manner,
            since,
        };
        if let Some(head) = guest.head {
            member.transport.write_all(head.as_bytes())?;
        }
        let index = self.free.pop().unwrap_or(self.members.len());
        let flags = epoll::EventFlags::IN | epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
        let data = epoll::EventData::new_u64(u64::try_from(index)?);
        epoll::add(&self.epoll, &member.transport, data, flags)?;
        match self.members.get_mut(index) {
            Some(place) => *place = Some(member),
            None => self.members.push(Some(member)),
        }
        Ok(index)
    }

    /// Connects all guests, a window at a time, and returns when all are ready.
    ///
    /// # Errors
    /// A guest is refused, or 10 s pass without progress.
    pub(super) fn join(&mut self, door: &Door, guests: impl Iterator<Item = Guest>) -> Result<()> {
        let (mut entered, mut ready) = (0_usize, 0_usize);
        let mut guests = guests.peekable();
        while guests.peek().is_some() || ready < entered {
            while entered - ready < WINDOW {
                let Some(guest) = guests.next() else { break };
                entered += 1;
                ready += usize::from(guest.head.is_none());
                self.enter(door, guest)?;
            }
            if ready == entered {
                continue;
            }
            let mut closed = false;
            let count = self.poll(JOIN_TIMEOUT, &mut |_, arrival, _| match arrival {
                Arrival::Closed => closed = true,
                Arrival::Ready(_) => ready += 1,
                Arrival::Text(_) => {}
            })?;
            ensure!(
                !closed,
                "the server closed a connection while {entered} came in"
            );
            ensure!(
                count > 0,
                "the server let {ready} of {entered} connections in, then stalled"
            );
        }
        Ok(())
    }

    /// Reads and forgets until nobody has been told anything for so long.
    ///
    /// # Errors
    /// As for [`Crowd::poll`].
    pub(super) fn settle(&mut self, quiet: Duration) -> Result<()> {
        let mut told = Instant::now();
        while told.elapsed() < quiet {
            self.poll(quiet, &mut |_, arrival, at| {
                if matches!(arrival, Arrival::Text(_)) {
                    told = at;
                }
            })?;
        }
        Ok(())
    }

    /// Sends bytes on one connection.
    ///
    /// # Errors
    /// The connection is gone or broken.
    pub(super) fn send(&mut self, index: usize, bytes: &[u8]) -> Result<()> {
        let member = self.members.get_mut(index).and_then(Option::as_mut);
        member
            .context("a connection that the scenario needs is gone")?
            .transport
            .write_all(bytes)?;
        Ok(())
    }

    /// Waits up to `timeout` for wakes, reads each woken connection empty, and hands what came to
    /// `sink` with the connection's index and the moment of the read. Gives the number of wakes.
    ///
    /// # Errors
    /// A refused upgrade, an error frame instead of an acknowledgement, or a frame no server may send.
    pub(super) fn poll(
        &mut self,
        timeout: Duration,
        sink: &mut dyn FnMut(usize, Arrival<'_>, Instant),
    ) -> Result<usize> {
        let mut events = std::mem::take(&mut self.events);
        events.clear();
        self.wait(timeout, &mut events)?;
        let ends = epoll::EventFlags::RDHUP | epoll::EventFlags::HUP | epoll::EventFlags::ERR;
        for event in &events {
            let flags = event.flags;
            self.read(
                usize::try_from(event.data.u64())?,
                flags.intersects(ends),
                sink,
            )?;
        }
        let count = events.len();
        self.events = events;
        Ok(count)
    }

    fn wait(&self, timeout: Duration, events: &mut Vec<epoll::Event>) -> Result<()> {
        let end = Instant::now() + timeout;
        let sleep = match self.waiting {
            Waiting::Asleep => timeout,
            Waiting::Awake => Duration::ZERO,
        };
        let sleep = Timespec {
            tv_sec: i64::try_from(sleep.as_secs())?,
            tv_nsec: i64::from(sleep.subsec_nanos()),
        };
        loop {
            match epoll::wait(&self.epoll, spare_capacity(events), Some(&sleep)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            if !events.is_empty() || Instant::now() >= end {
                return Ok(());
            }
        }
    }

    /// Reads one connection empty; with `ending` up to its end, which no later wake would announce.
    fn read(
        &mut self,
        index: usize,
        ending: bool,
        sink: &mut dyn FnMut(usize, Arrival<'_>, Instant),
    ) -> Result<()> {
        let Some(place) = self.members.get_mut(index) else {
            return Ok(());
        };
        let Some(member) = place else { return Ok(()) };
        loop {
            let count = match member.transport.read(&mut self.buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if is_end(&error) => 0,
                Err(error) => return Err(error).context("a connection broke"),
            };
            let at = Instant::now();
            if count == 0 {
                *place = None;
                self.free.push(index);
                sink(index, Arrival::Closed, at);
                return Ok(());
            }
            let bytes = self.buffer.get(..count).unwrap_or_default();
            self.out.clear();
            self.pings += member
                .absorb(bytes, &mut self.out, &mut |arrival| {
                    sink(index, arrival, at)
                })
                .with_context(|| format!("connection {index}"))?;
            if !self.out.is_empty() {
                member.transport.write_all(&self.out)?;
            }
            let short = count < self.buffer.len();
            if short && !ending && member.transport.short_read_is_last() {
                return Ok(());
            }
        }
    }
}

impl Member {
    /// Takes in what came; answers go to `out`. Gives the number of pings in it.
    fn absorb(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        sink: &mut dyn FnMut(Arrival<'_>),
    ) -> Result<u64> {
        if self.partial.is_empty() {
            let (consumed, pings) = self.frames(bytes, out, sink)?;
            self.partial
                .extend_from_slice(bytes.get(consumed..).unwrap_or_default());
            return Ok(pings);
        }
        let mut partial = std::mem::take(&mut self.partial);
        partial.extend_from_slice(bytes);
        let (consumed, pings) = self.frames(&partial, out, sink)?;
        partial.drain(..consumed);
        if !partial.is_empty() {
            self.partial = partial;
        }
        Ok(pings)
    }

    fn frames(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        sink: &mut dyn FnMut(Arrival<'_>),
    ) -> Result<(usize, u64)> {
        let mut rest = bytes;
        if let Stage::Head { offered, command } = &mut self.stage {
            let Some(length) = head_length(rest) else {
                return Ok((0, 0));
            };
            let (head, frames) = rest.split_at_checked(length).unwrap_or_default();
            accepted(head, offered)?;
            rest = frames;
            self.stage = match (self.manner, command.take()) {
                (Manner::Conversation, _) => Stage::Acknowledgement,
                (Manner::SocketIo, command) => Stage::Opening(command.unwrap_or_default()),
                (Manner::Topics, None) => {
                    sink(Arrival::Ready(self.since.elapsed()));
                    Stage::Open
                }
                (Manner::Topics, Some(command)) => {
                    frame::text(command.as_bytes(), out);
                    Stage::Acknowledgement
                }
            };
        }
        let mut pings = 0;
        while let Some((frame, after)) = frame::split(rest)? {
            rest = after;
            match (frame, &mut self.stage) {
                (Frame::Text(b"2"), Stage::Open) if self.manner == Manner::SocketIo => {
                    pings += 1;
                    frame::text(b"3", out);
                }
                (Frame::Text(text), Stage::Opening(command)) => {
                    ensure!(
                        text.starts_with(b"0{"),
                        "no opening but {}",
                        String::from_utf8_lossy(text)
                    );
                    frame::text(command.as_bytes(), out);
                    self.stage = Stage::Acknowledgement;
                }
                (Frame::Text(text), Stage::Acknowledgement) => {
                    ensure!(
                        text.starts_with(self.manner.acknowledged()),
                        "no acknowledgement but {}",
                        String::from_utf8_lossy(text)
                    );
                    self.stage = Stage::Open;
                    sink(Arrival::Ready(self.since.elapsed()));
                }
                (Frame::Text(text), Stage::Head { .. } | Stage::Open) => sink(Arrival::Text(text)),
                (Frame::Ping(payload), _) => {
                    pings += 1;
                    frame::pong(payload, out);
                }
                (Frame::Close(payload), Stage::Acknowledgement | Stage::Opening(_)) => {
                    bail!("closed: {}", String::from_utf8_lossy(payload));
                }
                (Frame::Close(_) | Frame::Pong, _) => {}
            }
        }
        Ok((bytes.len() - rest.len(), pings))
    }
}

impl Manner {
    /// How the text begins by which a connection is ready.
    const fn acknowledged(self) -> &'static [u8] {
        match self {
            Self::Conversation => b"{\"type\":\"connected\"",
            Self::SocketIo => b"40",
            Self::Topics => b"{\"type\":\"ack\"",
        }
    }
}

fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe
    )
}

fn head_length(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|end| end + 4)
}

fn accepted(head: &[u8], extension: &str) -> Result<()> {
    let head = String::from_utf8_lossy(head);
    ensure!(
        head.starts_with("HTTP/1.1 101"),
        "the upgrade was refused: {head}"
    );
    ensure!(
        head.contains(extension),
        "{extension} was not agreed to: {head}"
    );
    Ok(())
}

const BUFFER_BYTES: usize = 64 * 1024;
const JOIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections on their way in at one time: few, so that what a server holds while it lets them in
/// does not blur what it keeps.
const WINDOW: usize = 16;

#[cfg(test)]
mod tests;
