//! What the host verifies and imports, each in a task of its own.

use core::fmt;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use tokio::task::{Id, JoinError, JoinSet};

use crate::input::Verdict;
use crate::types::{BlockHash, BlockNumber, BlockOf, Header, Types};

use super::host::Chain;

/// The host's work in progress. The fetcher bounds it: it hands over at most
/// [`Config::importing`](crate::Config::importing) blocks at once.
#[derive(Default)]
pub(super) struct Jobs {
    tasks: JoinSet<Verdict>,
    running: HashMap<Id, Job, FixedState>,
}

/// What the host has answered, to what, and about which block.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) job: Job,
    pub(super) verdict: Verdict,
}

/// A block with the host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) hash: BlockHash,
    pub(super) number: BlockNumber,
    pub(super) kind: JobKind,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum JobKind {
    Verify,
    Import,
}

impl Jobs {
    pub(super) fn verify<T: Types, C: Chain<T>>(&mut self, chain: Arc<C>, header: T::Header) {
        let job = Job { hash: header.hash(), number: header.number(), kind: JobKind::Verify };
        self.start(job, async move { chain.verify_header(header).await });
    }

    pub(super) fn import<T: Types, C: Chain<T>>(&mut self, chain: Arc<C>, block: BlockOf<T>) {
        let job = Job { hash: block.hash(), number: block.number(), kind: JobKind::Import };
        self.start(job, async move { chain.import(block).await });
    }

    pub(super) fn import_header<T: Types, C: Chain<T>>(&mut self, chain: Arc<C>, header: T::Header) {
        let job = Job { hash: header.hash(), number: header.number(), kind: JobKind::Import };
        self.start(job, async move { chain.import_header(header).await });
    }

    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// The next answer; `None` while nothing runs.
    ///
    /// Cancel-safe: an answer is either given, or kept for the next call.
    pub(super) async fn next(&mut self) -> Option<Done> {
        let joined = self.tasks.join_next_with_id().await?;
        Some(self.settle(joined))
    }

    /// The next answer, if one is there.
    pub(super) fn try_next(&mut self) -> Option<Done> {
        let joined = self.tasks.try_join_next_with_id()?;
        Some(self.settle(joined))
    }

    /// Aborts all, and waits until none is left.
    pub(super) async fn stop(&mut self) {
        self.tasks.shutdown().await;
        self.running.clear();
    }

    fn start(&mut self, job: Job, work: impl Future<Output = Verdict> + Send + 'static) {
        let task = self.tasks.spawn(work);
        self.running.insert(task.id(), job);
    }

    fn settle(&mut self, joined: Result<(Id, Verdict), JoinError>) -> Done {
        let (id, verdict) = match joined {
            Ok((id, verdict)) => (id, Ok(verdict)),
            Err(error) => (error.id(), Err(error)),
        };
        let job = self.running.remove(&id).expect("a task is entered when it starts, and joined once");
        let verdict = verdict.unwrap_or_else(|error| {
            let Job { hash, number, kind } = job;
            match kind {
                JobKind::Verify => {
                    tracing::warn!(block = %hash, number, %error, "the host's verification did not end")
                }
                JobKind::Import => {
                    tracing::warn!(block = %hash, number, %error, "the host's import did not end")
                }
            }
            Verdict::LocalFault
        });
        Done { job, verdict }
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("running", &self.running.len()).finish()
    }
}
