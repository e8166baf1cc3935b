//! `conclave serve`: start, signals, drain.
//!
//! The order of the end: listeners, connections, workers, then store and audit, since acks must
//! outlive the sockets.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;

use tokio::runtime::{Builder, LocalOptions, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::audit::{Event, Kind};
use crate::config::Setup;
use crate::handshake::{Pace, Patience, Reception, UnderWay};
use crate::listen::{Door, Listener, TlsKeys, bind, serve_metrics};
use crate::node::Node;
use crate::worker::{Control, Worker};
use crate::{http, nodes, start};

/// Serves until a signal ends it.
///
/// # Errors
/// What kept it from starting, in one line that names the key or file.
pub(crate) fn run(setup: Setup) -> anyhow::Result<()> {
    raise_file_limit();
    let background = Builder::new_multi_thread()
        .worker_threads(background_threads())
        .thread_name("background")
        .enable_all()
        .build()
        .context("cannot start the background runtime")?;
    let signals = Signals::catch(&background).context("cannot listen for signals")?;
    let workers = worker_count(&setup);
    let tls = tls_keys(&setup)?;
    let doors = doors(&setup, tls.as_ref());
    let mut listeners: Vec<Vec<Listener>> = (0..workers).map(|_| Vec::new()).collect();
    let mut addresses = Vec::new();
    for (door, key) in &doors {
        let (address, bound) = match bind(door, workers) {
            // Dev mode listens on ::1 too, which not every machine has.
            Err(error) if setup.profile.dev && is_no_ipv6(door, &error) => continue,
            bound => bound
                .with_context(|| format!("{key}: {}", door.address))
                .map_err(one_line)?,
        };
        addresses.push((address, door.tls.is_some()));
        for (own, listener) in listeners.iter_mut().zip(bound) {
            own.push(listener);
        }
    }
    let (started, controls) = background.block_on(start::start(setup, workers))?;
    let server = Server {
        node: started.node,
        tls,
        stop: watch::channel(false).0,
    };
    if let Some(address) = server.node.setup.config.metrics.listen {
        let router = http::metrics_router(&server.node);
        background
            .block_on(serve_metrics(address, router))
            .with_context(|| format!("metrics.listen: {address}"))
            .map_err(one_line)?;
    }
    let router = http::router(&server.node);
    let threads = server.start_workers(listeners, controls, &router)?;
    server.announce(&addresses);
    let drained = background.block_on(server.until_signal(signals));
    server.finish(threads, drained);
    // Whose connections ended may come back to another node.
    background.block_on(nodes::bequeath(&server.node));
    background.block_on(started.webhooks.finish());
    if let Err(error) = background.block_on(started.store.close()) {
        tracing::error!(%error, "the store did not close in order");
    }
    server
        .node
        .audit
        .record_blocking(Event::new(Kind::Stop, server.node.clock.now()));
    server.node.audit.close();
    background.shutdown_timeout(Duration::from_secs(1));
    Ok(())
}

struct Server {
    node: Arc<Node>,
    tls: Option<Arc<TlsKeys>>,
    stop: watch::Sender<bool>,
}

/// How the connections ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drained {
    /// All in order, or the time was up.
    InTime,
    /// A second signal.
    AtOnce,
}

impl Server {
    fn start_workers(
        &self,
        listeners: Vec<Vec<Listener>>,
        controls: Vec<mpsc::UnboundedReceiver<Control>>,
        router: &axum::Router,
    ) -> anyhow::Result<Vec<JoinHandle<()>>> {
        let mut threads = Vec::new();
        for (number, (listeners, control)) in listeners.into_iter().zip(controls).enumerate() {
            let node = Arc::clone(&self.node);
            let router = router.clone();
            let stop = self.stop.subscribe();
            let runtime = || {
                Builder::new_current_thread()
                    .enable_all()
                    .build_local(LocalOptions::default())
            };
            let thread = std::thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || match runtime() {
                    Ok(runtime) => runtime.block_on(work(Job {
                        worker: Worker::new(number, node),
                        listeners,
                        control,
                        router,
                        stop,
                    })),
                    Err(error) => tracing::error!(%error, number, "a worker cannot start"),
                })
                .context("cannot start a worker thread")?;
            threads.push(thread);
        }
        Ok(threads)
    }

    fn announce(&self, addresses: &[(std::net::SocketAddr, bool)]) {
        let node = &self.node;
        node.audit
            .record_blocking(Event::new(Kind::Start, node.clock.now()));
        for (address, tls) in addresses {
            let scheme = if *tls { "https" } else { "http" };
            tracing::info!(%address, scheme, "listening");
        }
        for warning in &node.setup.warnings {
            tracing::warn!("{warning}");
        }
    }

    async fn until_signal(&self, signals: Signals) -> Drained {
        let Signals {
            mut terminate,
            mut interrupt,
            mut hangup,
        } = signals;
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => self.reread_keys(),
            }
        }
        tracing::info!("draining; a second signal exits at once");
        tokio::select! {
            () = self.drain() => Drained::InTime,
            _ = terminate.recv() => Drained::AtOnce,
            _ = interrupt.recv() => Drained::AtOnce,
        }
    }

    fn reread_keys(&self) {
        let Some(tls) = &self.tls else { return };
        match tls.reread() {
            Ok(()) => tracing::info!("read the certificate again"),
            Err(error) => tracing::error!(%error, "the old certificate stays in use"),
        }
    }

    /// Closes listeners and connections, within the time there is.
    async fn drain(&self) {
        self.node.draining.store(true, Ordering::Relaxed);
        self.stop.send_replace(true);
        // While there are connections to tell.
        self.node.answers.end(self.node.topics.directory()).await;
        let time = Duration::from_secs(u64::from(self.node.setup.config.server.drain_seconds));
        let mut ends = Vec::new();
        for worker in 0..self.node.controls.len() {
            let (done, ended) = oneshot::channel();
            self.node.tell(
                worker,
                Control::Drain {
                    spread: time / 4,
                    done,
                },
            );
            ends.push(ended);
        }
        let all = async {
            for ended in ends {
                // A worker that is gone has no connections.
                ended.await.ok();
            }
        };
        let left = time.saturating_sub(Duration::from_millis(500));
        if tokio::time::timeout(left, all).await.is_err() {
            tracing::warn!("not every connection ended in time");
        }
    }

    fn finish(&self, threads: Vec<JoinHandle<()>>, drained: Drained) {
        if drained == Drained::AtOnce {
            std::process::exit(1);
        }
        self.node.end.send_replace(true);
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a worker panicked");
            }
        }
    }
}

/// Signals that are caught instead of ending the process.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Catches them from now on, so that none that comes during the start is lost or kills.
    fn catch(background: &Runtime) -> std::io::Result<Self> {
        let _entered = background.enter();
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

struct Job {
    worker: Rc<Worker>,
    listeners: Vec<Listener>,
    control: mpsc::UnboundedReceiver<Control>,
    router: axum::Router,
    stop: watch::Receiver<bool>,
}

async fn work(job: Job) {
    let Job {
        worker,
        listeners,
        control,
        router,
        stop,
    } = job;
    let mut end = worker.node().end.subscribe();
    let run = Rc::clone(&worker).run(control);
    let under_way = UnderWay::default();
    let node = worker.node();
    let per_second = node.setup.config.limits.handshakes_per_second;
    let pace = Pace::new(per_second, node.controls.len(), node.clock.monotonic());
    let patience = Rc::new(Patience::default());
    let reception = Rc::new(Reception {
        worker,
        router,
        stop,
        under_way,
        pace,
        patience,
    });
    tokio::task::spawn_local(watch_silence(Rc::clone(&reception)));
    let mut listening = JoinSet::new();
    for listener in listeners {
        let reception = Rc::clone(&reception);
        listening.spawn_local(async move {
            if let Err(error) = listener.run(reception).await {
                tracing::error!(%error, "cannot listen");
            }
        });
    }
    tokio::select! {
        // The sender lives in the node, which the worker holds.
        _ = end.wait_for(|ended| *ended) => {}
        () = run => {
            tracing::error!("a worker can deliver no more: the process ends");
            std::process::abort();
        }
    }
    // Who was queued when listening ended still gets an answer.
    let answered = async {
        while listening.join_next().await.is_some() {}
        while !reception.under_way.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LAST_ANSWERS, answered).await.ok();
}

async fn watch_silence(reception: Rc<Reception>) {
    let node = Arc::clone(reception.worker.node());
    let patience = Rc::clone(&reception.patience);
    patience.watch(reception.stop.clone(), &*node.clock).await;
}

/// One for two cores: a second thread is woken to look for work whenever the first has some.
fn background_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).clamp(1, BACKGROUND_THREADS_MAX)
}

fn worker_count(setup: &Setup) -> usize {
    match setup.config.server.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => usize::from(workers),
    }
}

fn tls_keys(setup: &Setup) -> anyhow::Result<Option<Arc<TlsKeys>>> {
    let tls = &setup.config.server.tls;
    match (&tls.cert, &tls.key) {
        (Some(cert), Some(key)) => Ok(Some(Arc::new(TlsKeys::read(cert, key)?))),
        (None, None) => Ok(None),
        (Some(_), None) => anyhow::bail!("server.tls.key: missing, where server.tls.cert is set"),
        (None, Some(_)) => anyhow::bail!("server.tls.cert: missing, where server.tls.key is set"),
    }
}

/// Every address, whether it speaks TLS, and the key it comes from.
fn doors(setup: &Setup, keys: Option<&Arc<TlsKeys>>) -> Vec<(Door, String)> {
    let server = &setup.config.server;
    let apart = !server.tls.listen.is_empty();
    let door = |key: &str, index: usize, address, tls| {
        (Door { address, tls }, format!("server.{key}[{index}]"))
    };
    let plain =
        server.listen.iter().enumerate().map(|(index, address)| {
            door("listen", index, *address, keys.filter(|_| !apart).cloned())
        });
    let encrypted = server
        .tls
        .listen
        .iter()
        .enumerate()
        .filter_map(|(index, address)| {
            keys.map(|keys| door("tls.listen", index, *address, Some(Arc::clone(keys))))
        });
    plain.chain(encrypted).collect()
}

fn is_no_ipv6(door: &Door, error: &std::io::Error) -> bool {
    door.address.is_ipv6()
        && (error.kind() == std::io::ErrorKind::AddrNotAvailable
            || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error()))
}

fn one_line(error: anyhow::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}

/// A connection is a file: take as many as the system allows.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}

const BACKGROUND_THREADS_MAX: usize = 4;
/// Within the half second that the drain leaves.
const LAST_ANSWERS: Duration = Duration::from_millis(400);
