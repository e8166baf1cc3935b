use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

use super::patience::{Over, Patience};
use super::rewound::Rewound;
use crate::clock::WallClock;

#[tokio::test]
async fn what_was_read_is_read_again_and_then_the_rest() {
    let (mut near, far) = duplex(64);
    near.write_all(b" world").await.unwrap();
    let mut socket = Rewound::new(far, b"hello".to_vec());
    let mut read = [0; 11];
    socket.read_exact(&mut read[..3]).await.unwrap();
    socket.read_exact(&mut read[3..]).await.unwrap();
    assert_eq!(&read, b"hello world");
    socket.write_all(b"back").await.unwrap();
    let mut back = [0; 4];
    near.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"back");
}

#[tokio::test]
async fn bytes_that_nobody_read_again_come_with_the_socket() {
    let (_near, far) = duplex(64);
    let mut socket = Rewound::new(far, b"hello".to_vec());
    socket.read_exact(&mut [0; 2]).await.unwrap();
    assert_eq!(socket.into_parts().1, b"llo");
}

#[test]
fn a_wait_ends_when_its_time_is_up_and_not_before() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build_local(tokio::runtime::LocalOptions::default())
        .unwrap();
    runtime.block_on(async {
        let patience = Rc::new(Patience::default());
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let watching = tokio::task::spawn_local({
            let patience = Rc::clone(&patience);
            async move { patience.watch(stopped, &WallClock::new()).await }
        });
        let late = patience.begin(Duration::ZERO);
        let early = patience.begin(Duration::MAX);
        let over = poll_fn(|context| match late.poll(context) {
            Some(over) => Poll::Ready(over),
            None => Poll::Pending,
        });
        assert_eq!(over.await, Over::Late);
        let context = Context::from_waker(Waker::noop());
        assert_eq!(early.poll(&context), None);
        stop.send_replace(true);
        watching.await.unwrap();
        assert_eq!(early.poll(&context), Some(Over::Stopping));
    });
}
