//! The network: libp2p connections that carry the `eth/68` block messages.
//!
//! - `config`, `reason`, `events`, `handle`, `serve`: what the host sees.
//! - `swarm`: the task that owns libp2p's swarm; `limiter` says who may connect, `dialer` whom to
//!   dial, `link` opens streams on a connection and hands out those of the other side.
//! - `session`: one task for each peer, of four parts. `handshake` is the exchange of Statuses,
//!   `streams` the two announce streams, `serving` what the peer asks of us, and `asking` what we
//!   ask of it. The parts own the tasks that read and write.
//! - `announce`, `frames`, `outbox`, `rate`, `tasks`, `peer`, `identity`: what these use.
//!
//! A peer can make us hold no more than [`NetworkLimits`] says, and any breach of the protocol
//! ends its connections with a typed [`Violation`].

mod announce;
mod asking;
mod config;
mod context;
mod dialer;
mod events;
mod frames;
mod handle;
mod handshake;
mod identity;
mod limiter;
mod link;
mod outbox;
mod peer;
mod rate;
mod reason;
mod serve;
mod serving;
mod session;
mod streams;
mod swarm;
mod tasks;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use config::{Mdns, NetworkConfig, NetworkLimits, NetworkTimes};
pub use dialer::AddPeer;
pub use events::{NetworkEvent, NetworkEvents};
pub use handle::{NetworkClosed, NetworkHandle};
pub use identity::{IdentityError, load_or_create_identity};
pub use libp2p::identity::Keypair;
pub use libp2p::{Multiaddr, PeerId};
pub use peer::{ConnectionDirection, PeerInfo};
pub use reason::{DisconnectReason, RequestFailure, StatusMismatch, Violation};
pub use serve::{ChainReader, ForkFit, Serve, serve_bodies, serve_headers};
pub use swarm::StartError;

use context::Context;
use events::EventSender;
use handle::Shared;
use peer::PeerTable;
use swarm::SwarmTask;

/// Commands that wait for the swarm's task; they are rare.
const COMMANDS_WAITING: usize = 64;

/// Starts the network. It listens when this returns; bootnodes are dialed from then on.
///
/// # Errors
/// When an address cannot be listened on, or a transport cannot be had.
pub async fn start(
    config: NetworkConfig,
    host: Arc<dyn Serve>,
) -> Result<(NetworkHandle, NetworkEvents), StartError> {
    let shutdown = CancellationToken::new();
    let peers = Arc::new(PeerTable::default());
    let (events, received) = EventSender::new(config.limits.events, shutdown.clone());
    let local = PeerId::from(config.identity.public());
    let shared = Shared::new(local, config.limits.clone(), Arc::clone(&peers), shutdown);
    let shared = Arc::new(shared);
    let context = Arc::new(Context {
        limits: config.limits.clone(),
        times: config.times.clone(),
        host,
        events,
        peers,
        blocking: TaskTracker::new(),
    });
    let (sender, commands) = mpsc::channel(COMMANDS_WAITING);
    let task = SwarmTask::start(&config, context, Arc::clone(&shared), commands).await?;
    tokio::spawn(task.run());
    Ok((NetworkHandle::new(shared, sender), received))
}
