//! Threads that share the connections out among themselves, each with a runtime of its own.
//!
//! A connection stays on its thread, and so does what its calls wait for: no task moves, and no thread is woken for
//! another's socket. What waits for the database's disk is not for these threads: the dispatcher hands ordinary
//! operations to the runtime that the server was started on. Invariant: the threads run until `stop`, also for
//! tasks that outlive their connections.

use farebox_base::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

pub(crate) struct Workers(Vec<Worker>);

struct Worker {
    handle: Handle,
    connections: Arc<AtomicUsize>,
    /// Ends the thread when it is dropped.
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// A connection's place on a thread; given back when dropped.
pub(crate) struct Seat {
    pub(crate) handle: Handle,
    connections: Arc<AtomicUsize>,
}

impl Workers {
    /// One thread for each core.
    ///
    /// # Errors
    /// `Unavailable` where a thread or its runtime can't be started.
    pub(crate) fn start() -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        (0..cores).map(|_| Worker::start()).collect::<std::io::Result<_>>().map(Self).map_err(|error| {
            Error::unavailable("the server's threads could not be started").with_internal(error.to_string())
        })
    }

    /// A place on the thread with the fewest connections.
    pub(crate) fn seat(&self) -> Option<Seat> {
        let worker = self.0.iter().min_by_key(|worker| worker.connections.load(Ordering::Relaxed))?;
        worker.connections.fetch_add(1, Ordering::Relaxed);
        Some(Seat { handle: worker.handle.clone(), connections: worker.connections.clone() })
    }

    /// Ends the threads, with whatever still runs on them.
    pub(crate) async fn stop(self) {
        for Worker { stop, thread, .. } in self.0 {
            drop(stop);
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::warn!("a thread of the server ended badly");
            }
        }
    }
}

impl Worker {
    fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("http-worker".to_owned()).spawn(move || run(runtime, stopped))?;
        Ok(Self { handle, connections: Arc::default(), stop, thread })
    }
}

fn run(runtime: Runtime, stopped: oneshot::Receiver<()>) {
    let _ = runtime.block_on(stopped);
    runtime.shutdown_background();
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
