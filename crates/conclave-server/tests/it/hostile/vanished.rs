//! Clients that are gone without a word.

use std::time::Duration;

use super::frames::raw;
use super::scene::{SLACK, Scene};
use crate::client::{Client, Heard, text};
use crate::world::eventually;

#[test]
fn who_vanishes_leaves_a_free_place_and_no_counts() {
    let scene = Scene::with(&[
        ("limits.connections_per_user", "2"),
        ("limits.refused_handshakes_per_minute", "0"),
    ]);
    for way in [
        Way::End,
        Way::Reset,
        Way::InsideAFrame,
        Way::InsideAMessage,
        Way::HalfClosed,
    ] {
        let one = scene.subscriber("user123", "T");
        let other = scene.subscriber("user123", "U");
        let mut third = scene.connect("user123");
        assert_eq!(third.closed().1, "Too many connections");
        let gone = way.leave(one);
        let again = eventually("a free place", || let_in(&scene));
        drop((gone, other, again));
        scene.wait_for_figure("conclave_connections", 2);
        scene.wait_for_figure("conclave_users", 2);
        scene.wait_for_figure("conclave_channels", 1);
    }
    scene.wait_for_lines(10, "protocol_violation", "ended without a Close");
    scene.end(SLACK);
}

#[test]
fn who_is_silent_behind_an_open_socket_is_given_up() {
    let scene = Scene::with(&[
        ("limits.ping_seconds", "1"),
        ("limits.silence_seconds", "2"),
        ("limits.connections_per_user", "1"),
    ]);
    let mut client = scene.subscriber("user123", "T");
    client.answers_pings = false;
    assert_eq!(client.closed_at_last().0, 1001);
    // It neither answers the Close nor ends its side.
    scene.wait_for_figure("conclave_connections", 2);
    scene.connect("user123").barrier();
    scene.wait_for_lines(1, "protocol_violation", "Silent");
    scene.end(SLACK);
}

#[test]
fn five_hundred_who_come_and_vanish_leave_nothing() {
    let scene = Scene::with(&[("limits.refused_handshakes_per_minute", "0")]);
    for _ in 0..500 {
        // The places of those who vanished just now may not be free yet.
        let mut client = eventually("a free place", || let_in(&scene));
        client.send("subscribe:T");
        drop(Way::Reset.leave(client));
    }
    scene.wait_for_figure("conclave_connections", 2);
    scene.wait_for_figure("conclave_channels", 1);
    scene.end(SLACK);
}

/// How a client goes.
#[derive(Clone, Copy)]
enum Way {
    End,
    HalfClosed,
    InsideAFrame,
    InsideAMessage,
    Reset,
}

impl Way {
    /// What is left of the client.
    fn leave(self, mut client: Client) -> Option<Client> {
        match self {
            Self::End => {}
            Self::HalfClosed => {
                client
                    .wire()
                    .tcp()
                    .shutdown(std::net::Shutdown::Write)
                    .expect("open");
                return Some(client);
            }
            Self::InsideAFrame => {
                let frame = text("subscribe:V");
                client.send_raw(&frame[..frame.len() - 3]);
            }
            Self::InsideAMessage => client.send_raw(&raw(0x01, b"subscribe:")),
            Self::Reset => {
                let socket = socket2::SockRef::from(client.wire().tcp());
                socket.set_linger(Some(Duration::ZERO)).expect("a socket");
            }
        }
        None
    }
}

/// A new connection, where there is a place for it.
fn let_in(scene: &Scene) -> Option<Client> {
    let mut client = scene.connect("user123");
    client.send("ping");
    (client.next() == Heard::Text("pong".to_owned())).then_some(client)
}
