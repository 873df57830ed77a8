//! Hands what the network brings to the fetcher and the range sync: replies to whoever asked.

use alloy_primitives::{B256, U256};
use herald_fetcher::Admission;
use herald_fetcher::driver::HandleError;
use herald_proto::{Announcement, Block, Status};
use libp2p::PeerId;
use tokio::sync::mpsc;

use super::network::{OutOfReach, failure};
use super::owner::RequestOwner;
use super::penalties::Penalties;
use crate::fetcher::FetcherHandle;
use crate::network::{DisconnectReason, NetworkEvent, NetworkEvents, NetworkHandle, RequestFailure};
use crate::sync::{HeadNews, SyncHandle};
use herald_chain::Chain;

/// The task between the network and those who use it. It ends when the network does.
#[derive(Debug)]
pub(super) struct EventLoop {
    pub(super) chain: Chain,
    pub(super) network: NetworkHandle,
    pub(super) fetcher: FetcherHandle,
    pub(super) sync: SyncHandle,
    pub(super) penalties: Penalties,
    pub(super) events: NetworkEvents,
    pub(super) out_of_reach: mpsc::Receiver<OutOfReach>,
}

/// The driver has ended, and so does the loop.
struct DriverEnded;

impl From<herald_fetcher::driver::Closed> for DriverEnded {
    fn from(_: herald_fetcher::driver::Closed) -> Self {
        Self
    }
}

impl EventLoop {
    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                event = self.events.recv() => {
                    let Some(event) = event else { return };
                    if let Err(DriverEnded) = self.handle(event).await {
                        return;
                    }
                }
                // The driver owns the sender; without it, the loop ends with the network.
                Some(block) = self.out_of_reach.recv() => {
                    self.heard_of(block.peer, block.hash, None, HeadNews::Far).await;
                }
            }
        }
    }

    async fn handle(&mut self, event: NetworkEvent) -> Result<(), DriverEnded> {
        match event {
            NetworkEvent::PeerReady { peer, status } => {
                // It left before it was judged, and is sent away as soon as it is back.
                if let Some(reason) = self.penalties.judged(&peer) {
                    self.network.disconnect(peer, DisconnectReason::Penalised(reason));
                }
                let connection = self.fetcher.peer_connected(peer).await?;
                tracing::info!(%peer, head = %status.head, ?connection, "peer connected");
                self.stated(peer, &status).await;
            }
            NetworkEvent::StatusRenewed { peer, status } => self.stated(peer, &status).await,
            NetworkEvent::PeerGone { peer, reason } => {
                tracing::info!(%peer, %reason, "peer gone");
                // Sync ends before the network; then it needs no news.
                let _ended = self.sync.gone(peer).await;
                self.fetcher.peer_gone(peer).await?;
                if reason.keeps_out() {
                    self.penalties.kept_out(&peer);
                }
            }
            NetworkEvent::PeerRefused { peer, reason } => {
                tracing::info!(%peer, %reason, "peer refused");
            }
            // A flood that is under way when its peer is judged must not be worked through.
            NetworkEvent::Announced { peer, .. } | NetworkEvent::NewBlock { peer, .. }
                if self.penalties.is_going(&peer) => {}
            NetworkEvent::Announced { peer, hashes } => self.announced(peer, hashes).await?,
            NetworkEvent::NewBlock { peer, block, total_difficulty } => {
                self.pushed(peer, block, total_difficulty).await?;
            }
            NetworkEvent::HeadersReply { peer, request, headers } => {
                match RequestOwner::of(request) {
                    RequestOwner::Fetcher(request) => {
                        // What comes back answers none of its requests, and there is nobody else.
                        let _unasked = self.fetcher.filter_headers(peer, request, headers).await;
                    }
                    RequestOwner::Sync(request) => {
                        let _ended = self.sync.headers(peer, request, headers).await;
                    }
                }
            }
            NetworkEvent::BodiesReply { peer, request, bodies } => match RequestOwner::of(request) {
                RequestOwner::Fetcher(request) => {
                    let _unasked = self.fetcher.filter_bodies(peer, request, bodies).await;
                }
                RequestOwner::Sync(request) => {
                    let _ended = self.sync.bodies(peer, request, bodies).await;
                }
            },
            NetworkEvent::RequestFailed { peer, request, reason } => {
                self.failed(peer, request, reason).await?;
            }
        }
        Ok(())
    }

    async fn announced(&self, peer: PeerId, hashes: Vec<Announcement>) -> Result<(), DriverEnded> {
        let blocks = hashes.iter().map(|block| (block.hash, block.number)).collect();
        let admissions = match self.fetcher.announce_many(peer, blocks).await {
            Ok(admissions) => admissions,
            Err(HandleError::Busy) => {
                tracing::debug!(%peer, count = hashes.len(), "announcements dropped: the fetcher is busy");
                return Ok(());
            }
            Err(HandleError::Closed(closed)) => return Err(closed.into()),
        };
        let head = self.chain.head().header.number;
        let above = hashes.iter().zip(admissions).filter(|(block, _)| block.number > head);
        // The highest leads past all the others.
        if let Some((block, admission)) = above.max_by_key(|(block, _)| block.number) {
            self.heard_of(peer, block.hash, None, news(admission)).await;
        }
        Ok(())
    }

    async fn pushed(&self, peer: PeerId, block: Block, total_difficulty: U256) -> Result<(), DriverEnded> {
        let hash = block.hash();
        match self.fetcher.push_block(peer, block).await {
            Ok(admission) => self.heard_of(peer, hash, Some(total_difficulty), news(admission)).await,
            Err(HandleError::Busy) => {
                tracing::debug!(%peer, block = %hash, "block dropped: the fetcher is busy");
            }
            Err(HandleError::Closed(closed)) => return Err(closed.into()),
        }
        Ok(())
    }

    async fn failed(&self, peer: PeerId, request: u64, reason: RequestFailure) -> Result<(), DriverEnded> {
        match RequestOwner::of(request) {
            RequestOwner::Fetcher(request) => {
                self.fetcher.request_failed(peer, request, failure(&reason)).await?;
            }
            RequestOwner::Sync(request) => {
                let _ended = self.sync.failed(peer, request, reason).await;
            }
        }
        Ok(())
    }

    /// Nothing is announced on connecting, so the Status must tell whether there is something to
    /// catch up on.
    async fn stated(&self, peer: PeerId, status: &Status) {
        self.heard_of(peer, status.head, Some(status.total_difficulty), HeadNews::Status).await;
    }

    /// Tells the range sync of a head. It follows those that are unknown here and weigh no less.
    async fn heard_of(&self, peer: PeerId, hash: B256, total_difficulty: Option<U256>, news: HeadNews) {
        let _ended = self.sync.head(peer, hash, total_difficulty, news).await;
    }
}

/// What the fetcher does not follow is the sync's at once.
fn news(admission: Admission) -> HeadNews {
    if admission == Admission::TooFar { HeadNews::Far } else { HeadNews::Near }
}
