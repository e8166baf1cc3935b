//! The kernel's floor: what the sockets alone cost.
//!
//! Four programs in one, each nothing but the system calls that any server has to make for the
//! same traffic. No frame is parsed, nothing is encoded, nobody is authenticated.
//!
//! - `fanout ADDRESS N`: the first connection is the control, the next N are subscribers. Every
//!   body that arrives on the control (`u32` length, little endian, then the bytes) is sent to all.
//! - `rooms ADDRESS N SIZE`: the same start, without bodies on the control; what a connection
//!   sends goes to the SIZE connections of its room (connections in order of arrival).
//! - `echo ADDRESS`: one read, one write of the same bytes.
//! - `handshake ADDRESS`: accept, one read, one write of a fixed head, one read, one write of a
//!   Close frame, close.

use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};

use anyhow::{Context, Result, bail};
use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

fn main() -> Result<()> {
    raise_open_files()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *words.as_slice() {
        ["fanout", address, members] => fanout(&listen(address)?, members.parse()?),
        ["rooms", address, members, size] => {
            rooms(&listen(address)?, members.parse()?, size.parse()?)
        }
        ["echo", address] => echo(&listen(address)?),
        ["handshake", address] => handshake(&listen(address)?),
        _ => bail!(
            "usage: conclave-floor fanout ADDRESS N | rooms ADDRESS N SIZE | echo ADDRESS | handshake ADDRESS"
        ),
    }
}

fn fanout(listener: &TcpListener, members: usize) -> Result<()> {
    let (control, subscribers) = gather(listener, members)?;
    let mut control = BufReader::with_capacity(BUFFER_BYTES, control);
    let mut body = Vec::new();
    loop {
        let mut length = [0; 4];
        match control.read_exact(&mut length) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            outcome => outcome?,
        }
        body.resize(usize::try_from(u32::from_le_bytes(length))?, 0);
        control.read_exact(&mut body)?;
        for mut subscriber in &subscribers {
            subscriber.write_all(&body)?;
        }
    }
}

fn rooms(listener: &TcpListener, members: usize, size: usize) -> Result<()> {
    let (_control, members) = gather(listener, members)?;
    let readiness = Readiness::new()?;
    for (index, member) in members.iter().enumerate() {
        readiness.add(member, index)?;
    }
    let rooms: Vec<&[TcpStream]> = members.chunks(size).collect();
    let mut events = Vec::with_capacity(EVENTS);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        readiness.wait(&mut events)?;
        for index in events.drain(..).map(|event| token(&event)) {
            let Some(mut member) = members.get(index) else {
                continue;
            };
            let count = member.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            let bytes = buffer.get(..count).unwrap_or_default();
            for mut other in rooms.get(index / size).copied().unwrap_or_default() {
                other.write_all(bytes)?;
            }
        }
    }
}

fn echo(listener: &TcpListener) -> Result<()> {
    let readiness = Readiness::new()?;
    readiness.add(listener, 0)?;
    listener.set_nonblocking(true)?;
    let mut members: Vec<TcpStream> = Vec::new();
    let mut events = Vec::with_capacity(EVENTS);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        readiness.wait(&mut events)?;
        for index in events.drain(..).map(|event| token(&event)) {
            if index == 0 {
                while let Some(stream) = accept(listener)? {
                    members.push(stream);
                    readiness.add(members.last().context("just pushed")?, members.len())?;
                }
                continue;
            }
            let Some(mut member) = members.get(index - 1) else {
                continue;
            };
            let count = member.read(&mut buffer).unwrap_or(0);
            if count > 0 {
                member.write_all(buffer.get(..count).unwrap_or_default())?;
            }
        }
    }
}

fn handshake(listener: &TcpListener) -> Result<()> {
    let readiness = Readiness::new()?;
    readiness.add(listener, 0)?;
    listener.set_nonblocking(true)?;
    // A slot holds the stream and whether its head was answered.
    let mut slots: Vec<Option<(TcpStream, bool)>> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut events = Vec::with_capacity(EVENTS);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        readiness.wait(&mut events)?;
        for index in events.drain(..).map(|event| token(&event)) {
            if index == 0 {
                while let Some(stream) = accept(listener)? {
                    let slot = free.pop().unwrap_or_else(|| {
                        slots.push(None);
                        slots.len() - 1
                    });
                    readiness.add(&stream, slot + 1)?;
                    if let Some(entry) = slots.get_mut(slot) {
                        *entry = Some((stream, false));
                    }
                }
                continue;
            }
            let Some(entry) = slots.get_mut(index - 1) else {
                continue;
            };
            let Some((stream, answered)) = entry else {
                continue;
            };
            let count = stream.read(&mut buffer).unwrap_or(0);
            if count > 0 && !*answered {
                *answered = true;
                stream.write_all(HEAD)?;
                continue;
            }
            if count > 0 {
                stream.write_all(CLOSE)?;
            }
            *entry = None;
            free.push(index - 1);
        }
    }
}

/// The control connection and the members, in order of arrival; tells the control when all are in.
fn gather(listener: &TcpListener, members: usize) -> Result<(TcpStream, Vec<TcpStream>)> {
    let (mut control, _) = listener.accept()?;
    let mut streams = Vec::with_capacity(members);
    for _ in 0..members {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    control.write_all(b"+")?;
    Ok((control, streams))
}

fn accept(listener: &TcpListener) -> Result<Option<TcpStream>> {
    match listener.accept() {
        Ok((stream, _)) => {
            stream.set_nodelay(true)?;
            Ok(Some(stream))
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn listen(address: &str) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).with_context(|| format!("cannot bind {address}"))?;
    // A second listen only deepens the queue of the first.
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

fn raise_open_files() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    )?;
    Ok(())
}

/// Edge-triggered epoll: one wake per arrival, no second read to see the socket empty.
struct Readiness(OwnedFd);

impl Readiness {
    fn new() -> Result<Self> {
        Ok(Self(epoll::create(epoll::CreateFlags::CLOEXEC)?))
    }

    fn add(&self, source: &impl AsFd, index: usize) -> Result<()> {
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        let data = epoll::EventData::new_u64(u64::try_from(index)?);
        Ok(epoll::add(&self.0, source, data, flags)?)
    }

    fn wait(&self, events: &mut Vec<epoll::Event>) -> Result<()> {
        epoll::wait(&self.0, spare_capacity(events), None)?;
        Ok(())
    }
}

fn token(event: &epoll::Event) -> usize {
    usize::try_from(event.data.u64()).unwrap_or(usize::MAX)
}

const BACKLOG: i32 = 4096;
const BUFFER_BYTES: usize = 64 * 1024;
const EVENTS: usize = 1024;
const CLOSE: &[u8] = &[0x88, 2, 0x03, 0xe8];
const HEAD: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
