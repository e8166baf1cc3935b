use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Arrival, Crowd, Door, Guest, Manner, Waiting};

const HEAD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Extensions: x\r\n\r\n";
const ACK: &[u8] = b"{\"type\":\"ack\",\"command\":\"subscribe\",\"topic\":\"t\"}";
const PATIENCE: Duration = Duration::from_secs(5);

/// A server for one connection, on a thread of its own.
fn serve(script: impl FnOnce(&mut TcpStream) + Send + 'static) -> (Door, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let SocketAddr::V4(address) = listener.local_addr().unwrap() else {
        unreachable!()
    };
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        script(&mut stream);
    });
    (Door { address, tls: None }, server)
}

fn guest(extension: &'static str, command: Option<&str>) -> Guest {
    let head = "GET / HTTP/1.1\r\n\r\n".to_owned();
    Guest {
        number: 0,
        head: Some(head),
        extension,
        command: command.map(str::to_owned),
        manner: Manner::Topics,
    }
}

fn expect(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

fn framed(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    super::frame::served(payload, &mut frame);
    frame
}

#[test]
fn joins_reads_cut_frames_answers_pings_and_sees_the_end() {
    let (door, server) = serve(|stream| {
        assert_eq!(expect(stream, 18), b"GET / HTTP/1.1\r\n\r\n");
        stream.write_all(HEAD).unwrap();
        expect(stream, 6 + "subscribe:t".len());
        stream.write_all(&framed(ACK)).unwrap();
        // The client says when it is in; then the frame comes in two halves around a wait for it.
        expect(stream, 1);
        let message = framed(&[b'm'; 200]);
        let (front, back) = message.split_at(100);
        stream.write_all(front).unwrap();
        stream.write_all(back).unwrap();
        stream.write_all(&[0x89, 1, b'p']).unwrap();
        let pong = expect(stream, 7);
        assert_eq!(pong[..2], [0x8a, 0x81]);
    });
    let mut crowd = Crowd::new(8, Waiting::Asleep).unwrap();
    crowd
        .join(&door, std::iter::once(guest("x", Some("subscribe:t"))))
        .unwrap();
    crowd.send(0, b"!").unwrap();
    let (mut messages, mut closed) = (Vec::new(), false);
    while !closed {
        let wakes = crowd.poll(PATIENCE, &mut |index, arrival, _| {
            assert_eq!(index, 0);
            match arrival {
                Arrival::Text(text) => messages.push(text.to_vec()),
                Arrival::Closed => closed = true,
                Arrival::Ready(_) => panic!("ready twice"),
            }
        });
        assert!(wakes.unwrap() > 0);
    }
    assert_eq!(messages, [vec![b'm'; 200]]);
    assert_eq!(crowd.pings, 1);
    assert!(crowd.send(0, b"!").is_err());
    server.join().unwrap();
}

fn refused(answer: &'static [u8], guest: Guest) -> String {
    let (door, server) = serve(move |stream| {
        expect(stream, 18);
        stream.write_all(answer).unwrap();
        // Until the client has given up.
        drop(stream.read_to_end(&mut Vec::new()));
    });
    let mut crowd = Crowd::new(8, Waiting::Awake).unwrap();
    let error = crowd.join(&door, std::iter::once(guest)).unwrap_err();
    drop(crowd);
    server.join().unwrap();
    format!("{error:#}")
}

#[test]
fn refused_upgrade_says_why() {
    assert!(refused(b"HTTP/1.1 429 Slow\r\n\r\n", guest("", None)).contains("429 Slow"));
}

#[test]
fn extension_that_was_not_agreed_to_is_an_error() {
    let error = refused(HEAD, guest("permessage-deflate", None));
    assert!(
        error.contains("permessage-deflate was not agreed to"),
        "{error}"
    );
}

#[test]
fn close_instead_of_acknowledgement_says_why() {
    let answer = b"HTTP/1.1 101 Fine\r\n\r\n\x88\x06\x03\xf0full";
    assert!(refused(answer, guest("", Some("subscribe:t"))).contains("full"));
}

#[test]
fn socketio_guest_answers_the_opening_and_the_pings_that_are_texts() {
    let (door, server) = serve(|stream| {
        expect(stream, 18);
        stream.write_all(HEAD).unwrap();
        stream.write_all(&framed(b"0{}")).unwrap();
        expect(stream, 6 + "40{}".len());
        stream.write_all(&framed(b"40{\"sid\":\"s\"}")).unwrap();
        stream.write_all(&framed(b"2")).unwrap();
        assert_eq!(expect(stream, 7)[..2], [0x81, 0x81]);
    });
    let mut crowd = Crowd::new(8, Waiting::Asleep).unwrap();
    let guest = Guest {
        manner: Manner::SocketIo,
        ..guest("x", Some("40{}"))
    };
    crowd.join(&door, std::iter::once(guest)).unwrap();
    while crowd.pings == 0 {
        assert!(crowd.poll(PATIENCE, &mut |_, _, _| {}).unwrap() > 0);
    }
    server.join().unwrap();
}
