//! Range sync on a real chain and a real network.

use std::sync::Arc;

use alloy_primitives::{B256, U256};
use herald_proto::{Body, Header};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::machine::{HeadNews, RangeSync, SyncOutput};
use super::{ImportFault, SyncChain, SyncRequestId};
use crate::network::{DisconnectReason, NetworkHandle, PeerId, RequestFailure};

/// SyncNews that wait for sync. It does nothing that takes time, so few do.
const NEWS_WAITING: usize = 64;

/// Sync has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("range sync has ended")]
pub struct SyncClosed;

#[derive(Debug)]
enum SyncNews {
    Head { peer: PeerId, hash: B256, total_difficulty: Option<U256>, news: HeadNews },
    Gone(PeerId),
    Headers { peer: PeerId, request: SyncRequestId, headers: Vec<Header> },
    Bodies { peer: PeerId, request: SyncRequestId, bodies: Vec<Body> },
    Failed { peer: PeerId, request: SyncRequestId, failure: RequestFailure },
}

/// Feeds sync. Clones share it.
///
/// Answers go to it by [`SyncRequestId`], whatever else the network carries.
#[derive(Clone, Debug)]
pub struct SyncHandle {
    news: mpsc::Sender<SyncNews>,
    shutdown: CancellationToken,
    done: CancellationToken,
}

/// Starts range sync.
pub fn spawn(chain: Arc<dyn SyncChain>, network: NetworkHandle) -> SyncHandle {
    let (sender, news) = mpsc::channel(NEWS_WAITING);
    let (shutdown, done) = (CancellationToken::new(), CancellationToken::new());
    let handle = SyncHandle { news: sender, shutdown: shutdown.clone(), done: done.clone() };
    let task = SyncTask { machine: RangeSync::new(), chain, network, news, import: None };
    tokio::spawn(async move {
        task.run(shutdown).await;
        done.cancel();
    });
    handle
}

impl SyncHandle {
    /// A peer has a head: from its Status, from what it announces (then without a total
    /// difficulty) or pushes.
    ///
    /// # Errors
    /// When sync has ended. Cancel-safe, as all of these: the news is then not delivered.
    pub async fn head(
        &self,
        peer: PeerId,
        hash: B256,
        total_difficulty: Option<U256>,
        news: HeadNews,
    ) -> Result<(), SyncClosed> {
        self.send(SyncNews::Head { peer, hash, total_difficulty, news }).await
    }

    /// A peer is gone.
    ///
    /// # Errors
    /// When sync has ended.
    pub async fn gone(&self, peer: PeerId) -> Result<(), SyncClosed> {
        self.send(SyncNews::Gone(peer)).await
    }

    /// The answer to a request for headers.
    ///
    /// # Errors
    /// When sync has ended.
    pub async fn headers(
        &self,
        peer: PeerId,
        request: SyncRequestId,
        headers: Vec<Header>,
    ) -> Result<(), SyncClosed> {
        self.send(SyncNews::Headers { peer, request, headers }).await
    }

    /// The answer to a request for bodies.
    ///
    /// # Errors
    /// When sync has ended.
    pub async fn bodies(
        &self,
        peer: PeerId,
        request: SyncRequestId,
        bodies: Vec<Body>,
    ) -> Result<(), SyncClosed> {
        self.send(SyncNews::Bodies { peer, request, bodies }).await
    }

    /// A request of sync has no answer.
    ///
    /// # Errors
    /// When sync has ended.
    pub async fn failed(
        &self,
        peer: PeerId,
        request: SyncRequestId,
        failure: RequestFailure,
    ) -> Result<(), SyncClosed> {
        self.send(SyncNews::Failed { peer, request, failure }).await
    }

    /// Ends sync, after the import that is under way. Cancel-safe.
    pub async fn shutdown(&self) {
        self.shutdown.cancel();
        self.done.cancelled().await;
    }

    async fn send(&self, news: SyncNews) -> Result<(), SyncClosed> {
        self.news.send(news).await.map_err(|_| SyncClosed)
    }
}

struct SyncTask {
    machine: RangeSync,
    chain: Arc<dyn SyncChain>,
    network: NetworkHandle,
    news: mpsc::Receiver<SyncNews>,
    /// At most one import at a time, even when the peer it came from is gone.
    import: Option<JoinHandle<Result<(), ImportFault>>>,
}

impl SyncTask {
    async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let deadline = self.machine.deadline().filter(|_| self.import.is_none());
            let output = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                result = finished(&mut self.import) => self.on_imported(result),
                news = self.news.recv() => match news {
                    Some(news) => self.on_news(news),
                    None => break,
                },
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    self.machine.tick(&*self.chain, Instant::now())
                }
            };
            self.act(output);
        }
        if let Some(import) = self.import {
            // Its blocks are on disk or not; nobody is left to tell.
            let _outcome = import.await;
        }
    }

    fn on_news(&mut self, news: SyncNews) -> Option<SyncOutput> {
        let (machine, chain, now) = (&mut self.machine, &*self.chain, Instant::now());
        match news {
            SyncNews::Head { peer, hash, total_difficulty, news } => {
                machine.on_head(chain, now, peer, hash, total_difficulty, news)
            }
            SyncNews::Gone(peer) => machine.on_gone(chain, now, peer),
            SyncNews::Headers { peer, request, headers } => {
                machine.on_headers(chain, now, peer, request, headers)
            }
            SyncNews::Bodies { peer, request, bodies } => {
                machine.on_bodies(chain, now, peer, request, bodies)
            }
            SyncNews::Failed { peer, request, failure } => {
                machine.on_failed(chain, now, peer, request, failure)
            }
        }
    }

    fn on_imported(&mut self, result: Result<Result<(), ImportFault>, JoinError>) -> Option<SyncOutput> {
        self.import = None;
        let result = result.unwrap_or_else(|error| {
            tracing::error!(%error, "an import of range sync failed");
            Err(ImportFault::Local)
        });
        self.machine.imported(&*self.chain, Instant::now(), result)
    }

    /// Does what the machine wants; a request that cannot be made has failed at once.
    fn act(&mut self, mut output: Option<SyncOutput>) {
        while let Some(wanted) = output.take() {
            let (chain, now) = (&*self.chain, Instant::now());
            output = match wanted {
                SyncOutput::RequestHeaders { request, peer, headers } => {
                    let sent = self.network.send_headers_request(request.as_u64(), peer, headers);
                    sent.err().and_then(|failure| self.machine.on_failed(chain, now, peer, request, failure))
                }
                SyncOutput::RequestBodies { request, peer, hashes } => {
                    let sent = self.network.send_bodies_request(request.as_u64(), peer, hashes);
                    sent.err().and_then(|failure| self.machine.on_failed(chain, now, peer, request, failure))
                }
                SyncOutput::Import(blocks) => {
                    let chain = Arc::clone(&self.chain);
                    self.import = Some(tokio::task::spawn_blocking(move || chain.import(blocks)));
                    None
                }
                SyncOutput::Drop { peer, fault } => {
                    let reason = if fault.is_lie() {
                        DisconnectReason::Penalised(fault.label())
                    } else {
                        DisconnectReason::Unhelpful(fault.label())
                    };
                    self.network.disconnect(peer, reason);
                    self.machine.tick(chain, now)
                }
            };
        }
    }
}

/// Waits for the import, if there is one. Cancel-safe.
async fn finished(
    import: &mut Option<JoinHandle<Result<(), ImportFault>>>,
) -> Result<Result<(), ImportFault>, JoinError> {
    match import {
        Some(import) => import.await,
        None => std::future::pending().await,
    }
}
