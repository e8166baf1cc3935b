//! A program that webhooks are posted to, and that fails as they fail.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{PATIENCE, Reply};
use crate::client::header;

/// A post as it came.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether it was answered with 2xx.
    pub(crate) taken: bool,
}

impl Post {
    /// Its events.
    pub(crate) fn events(&self) -> Vec<Value> {
        serde_json::from_slice(&self.body).expect("a JSON array")
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> String {
        header(&self.head, name).unwrap_or_else(|| panic!("{name} in {}", self.head))
    }
}

/// A running receiver.
pub(crate) struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// Answers to come; the last one stays.
    replies: Mutex<Vec<Reply>>,
    posts: Mutex<Vec<Post>>,
    came: Condvar,
}

impl Receiver {
    /// One that takes everything.
    pub(crate) fn start() -> Self {
        Self::at("127.0.0.1:0".parse().expect("an address"))
    }

    /// One that takes everything, where another was.
    pub(crate) fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).expect("a port");
        let shared = Arc::<Shared>::default();
        let ended = Arc::<AtomicBool>::default();
        let address = listener.local_addr().expect("an address");
        let (posts, end) = (Arc::clone(&shared), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            let mut hung = Vec::new();
            for socket in listener.incoming().map_while(Result::ok) {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                hung.extend(serve(socket, &posts));
            }
        });
        Self {
            address,
            shared,
            ended,
            thread: Some(thread),
        }
    }

    /// Answers so from now on: each once, the last one from then on.
    pub(crate) fn answer(&self, replies: Vec<Reply>) {
        *lock(&self.shared.replies) = replies;
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where to post.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook?key=hidden", self.address)
    }

    /// The posts so far.
    pub(crate) fn posts(&self) -> Vec<Post> {
        lock(&self.shared.posts).clone()
    }

    /// The events of the posts that were taken so far.
    pub(crate) fn taken(&self) -> Vec<Value> {
        let posts = self.posts();
        let taken = posts.iter().filter(|post| post.taken);
        taken.flat_map(Post::events).collect()
    }

    /// Waits until the taken events are as `look` wants.
    pub(crate) fn wait<T>(&self, look: impl FnMut(&[Value]) -> Option<T>) -> T {
        self.wait_within(PATIENCE, look)
    }

    /// As `wait`, with another patience.
    pub(crate) fn wait_within<T>(
        &self,
        patience: Duration,
        mut look: impl FnMut(&[Value]) -> Option<T>,
    ) -> T {
        let end = Instant::now() + patience;
        loop {
            let posts = lock(&self.shared.posts);
            let taken = posts.iter().filter(|post| post.taken);
            let events: Vec<Value> = taken.flat_map(Post::events).collect();
            if let Some(found) = look(&events) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "events in time; there are {events:?}");
            let waited = self.shared.came.wait_timeout(posts, left);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Waits for so many posts, taken or not.
    pub(crate) fn wait_for_posts(&self, count: usize) -> Vec<Post> {
        let posts = lock(&self.shared.posts);
        let few = |posts: &mut Vec<Post>| posts.len() < count;
        let waited = self.shared.came.wait_timeout_while(posts, PATIENCE, few);
        let posts = waited.unwrap_or_else(PoisonError::into_inner).0.clone();
        assert!(posts.len() >= count, "{count} posts in time: {posts:?}");
        posts
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // So that the thread looks up.
        TcpStream::connect(self.address).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// Gives the socket back where it is to hang.
fn serve(socket: TcpStream, shared: &Shared) -> Option<BufReader<TcpStream>> {
    let mut reader = BufReader::new(socket);
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|bytes| bytes > 2) {}
    let length = header(&head, "content-length").and_then(|text| text.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let (text, taken) = {
        let mut replies = lock(&shared.replies);
        match replies.as_slice() {
            [] => (Reply::Document(String::new()).text(), true),
            [_] => (replies[0].text(), false),
            [..] => (replies.remove(0).text(), false),
        }
    };
    let taken = taken || text.as_ref().is_some_and(|text| text.contains(" 200 "));
    lock(&shared.posts).push(Post { head, body, taken });
    shared.came.notify_all();
    match text {
        None => Some(reader),
        // The sender may have given up.
        Some(text) => {
            reader.into_inner().write_all(text.as_bytes()).ok();
            None
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
