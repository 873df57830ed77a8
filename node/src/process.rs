//! What the process gives to nodes: a runtime for each, and signals that end them.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::logging::LogFile;

/// How long tasks and blocking calls have to end once their node has been shut down. They have
/// ended by then; this only keeps a defect from hanging the process.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// The runtime of one node. All of its threads log to the node's file.
#[derive(Debug)]
pub(crate) struct NodeRuntime(Runtime);

impl NodeRuntime {
    /// A runtime with that many threads for tasks; as many as there are cores by default.
    pub(crate) fn new(log: &LogFile, workers: Option<usize>) -> io::Result<Self> {
        let log = log.clone();
        let mut builder = Builder::new_multi_thread();
        builder.enable_all().on_thread_start(move || log.enter_thread());
        if let Some(workers) = workers {
            builder.worker_threads(workers);
        }
        Ok(Self(builder.build()?))
    }

    pub(crate) fn handle(&self) -> &Handle {
        self.0.handle()
    }

    /// Runs a task of the node and waits for it, from whatever runtime.
    pub(crate) async fn run<R: Send + 'static>(&self, task: impl Future<Output = R> + Send + 'static) -> R {
        match self.0.spawn(task).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => unreachable!("nobody aborts the task, and the runtime lives as long as self"),
            },
        }
    }

    /// Ends the threads. Not to be called from async code.
    pub(crate) fn end(self) {
        self.0.shutdown_timeout(END_TIMEOUT);
    }
}

/// Waits for Ctrl-C or SIGTERM.
///
/// # Errors
/// A system that does not let itself be asked.
pub(crate) async fn stop_signal() -> io::Result<()> {
    #[cfg(unix)]
    {
        let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = term.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
