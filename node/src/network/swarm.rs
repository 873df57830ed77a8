//! The task that owns the libp2p swarm: it dials, lets in, bans, and hands connections to their
//! peers' sessions. It never waits for a peer or for the host.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use libp2p::core::transport::TransportError;
use libp2p::core::upgrade::Version;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, SwarmBuilder, identify, mdns, noise, ping, tcp, yamux};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::config::{Mdns, NetworkConfig};
use super::context::Context;
use super::dialer::{AddPeer, Dialer};
use super::handle::{Shared, SwarmCommand};
use super::limiter::ConnectionLimiter;
use super::link::{Link, LinkBehaviour};
use super::peer::PeerShared;
use super::reason::DisconnectReason;
use super::session::{self, SessionEnd, Wiring};

/// What identify says that we speak; other protocols are told by name on each stream.
const IDENTIFY_PROTOCOL: &str = "/herald/1";

/// Connections that wait for a peer's session; there are fewer at once.
const LINKS_WAITING: usize = 8;

/// Streams that a connection's peer may be opening at once. A negotiation is a few hundred bytes.
const NEGOTIATING_STREAMS: usize = 64;

/// How long connections have to close at shutdown.
const CLOSE_TIME: Duration = Duration::from_secs(2);

/// Why the network did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The identity cannot be used for encryption.
    #[error("the node's key cannot sign the encryption handshake: {0}")]
    Noise(#[from] noise::Error),
    /// No socket for multicast DNS.
    #[error("multicast DNS cannot start: {0}; run without it, or allow multicast here")]
    Mdns(#[source] io::Error),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another address or port")]
    Listen {
        /// The address.
        address: Multiaddr,
        /// What the transport said.
        source: TransportError<io::Error>,
    },
    /// A listener ended before it had an address.
    #[error("cannot listen: {0}; choose another address or port")]
    ListenerClosed(#[source] io::Error),
}

#[derive(NetworkBehaviour)]
#[behaviour(to_swarm = "FromBehaviour")]
pub(super) struct NodeBehaviour {
    // First, so that whom it denies costs the others nothing.
    limiter: ConnectionLimiter,
    links: LinkBehaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    mdns: Toggle<mdns::tokio::Behaviour>,
}

#[derive(Debug)]
pub(super) enum FromBehaviour {
    Connected(PeerId, Box<Link>),
    Ping(ping::Event),
    Mdns(mdns::Event),
    /// Identify's answers are for debugging; libp2p logs them.
    Identify,
}

impl From<Infallible> for FromBehaviour {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<(PeerId, Link)> for FromBehaviour {
    fn from((peer, link): (PeerId, Link)) -> Self {
        Self::Connected(peer, Box::new(link))
    }
}

impl From<identify::Event> for FromBehaviour {
    fn from(_: identify::Event) -> Self {
        Self::Identify
    }
}

impl From<ping::Event> for FromBehaviour {
    fn from(event: ping::Event) -> Self {
        Self::Ping(event)
    }
}

impl From<mdns::Event> for FromBehaviour {
    fn from(event: mdns::Event) -> Self {
        Self::Mdns(event)
    }
}

/// Builds the swarm: TCP with Noise and Yamux, and QUIC where it is compiled in.
fn build(config: &NetworkConfig) -> Result<Swarm<NodeBehaviour>, StartError> {
    let limits = &config.limits;
    let local = PeerId::from(config.identity.public());
    let streams = limits.served_at_once + limits.served_waiting + limits.held_before_status;
    let identify = identify::Config::new(IDENTIFY_PROTOCOL.into(), config.identity.public())
        .with_agent_version(concat!("herald/", env!("CARGO_PKG_VERSION")).into())
        .with_cache_size(0);
    let mdns = match config.mdns {
        Mdns::Off => None,
        Mdns::On => {
            Some(mdns::tokio::Behaviour::new(mdns::Config::default(), local).map_err(StartError::Mdns)?)
        }
    };
    let behaviour = NodeBehaviour {
        limiter: ConnectionLimiter::new(limits.clone()),
        links: LinkBehaviour::new(streams),
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::default(),
        mdns: Toggle::from(mdns),
    };
    let builder = SwarmBuilder::with_existing_identity(config.identity.clone()).with_tokio().with_tcp(
        tcp::Config::default().nodelay(true),
        noise::Config::new,
        yamux::Config::default,
    )?;
    #[cfg(feature = "quic")]
    let builder = builder.with_quic();
    let Ok(builder) = builder.with_behaviour(move |_| behaviour);
    Ok(builder
        .with_swarm_config(|config| {
            config
                .with_max_negotiating_inbound_streams(NEGOTIATING_STREAMS)
                // A request goes out along with the negotiation of its stream and saves a round
                // trip; its answer, or our reading on an announce stream, tells the outcome.
                .with_substream_upgrade_protocol_override(Version::V1Lazy)
        })
        .build())
}

/// A peer's running session, from the swarm's side.
struct RunningSession {
    peer: Arc<PeerShared>,
    links: mpsc::Sender<Link>,
    task: AbortHandle,
}

/// The swarm and all that it decides upon.
pub(super) struct SwarmTask {
    swarm: Swarm<NodeBehaviour>,
    context: Arc<Context>,
    shared: Arc<Shared>,
    commands: mpsc::Receiver<SwarmCommand>,
    dialer: Dialer,
    sessions: BTreeMap<PeerId, RunningSession>,
    ended: JoinSet<SessionEnd>,
}

impl SwarmTask {
    /// Listens, and returns once every listener has an address.
    pub(super) async fn start(
        config: &NetworkConfig,
        context: Arc<Context>,
        shared: Arc<Shared>,
        commands: mpsc::Receiver<SwarmCommand>,
    ) -> Result<Self, StartError> {
        let swarm = build(config)?;
        let dialer = Dialer::new(shared.local, config.limits.static_peers, config.times.clone());
        let ended = JoinSet::new();
        let sessions = BTreeMap::new();
        let mut task = Self { swarm, context, shared, commands, dialer, sessions, ended };
        let mut opening = Vec::new();
        for address in &config.listen {
            let listener = task.swarm.listen_on(address.clone());
            let address = address.clone();
            opening.push(listener.map_err(|source| StartError::Listen { address, source })?);
        }
        while !opening.is_empty() {
            let event = task.swarm.select_next_some().await;
            #[expect(clippy::wildcard_enum_match_arm, reason = "libp2p's enum is non-exhaustive")]
            match &event {
                SwarmEvent::NewListenAddr { listener_id, .. } => {
                    opening.retain(|listener| listener != listener_id);
                }
                SwarmEvent::ListenerClosed { listener_id, reason: Err(error), .. }
                    if opening.contains(listener_id) =>
                {
                    return Err(StartError::ListenerClosed(error.kind().into()));
                }
                _ => {}
            }
            task.on_swarm_event(event);
        }
        for address in &config.bootnodes {
            let _logged = task.add_peer(address.clone());
        }
        Ok(task)
    }

    /// Runs until shutdown, and ends only when all of it has ended.
    pub(super) async fn run(mut self) {
        let shutdown = self.shared.shutdown.clone();
        loop {
            let redial = self.dialer.next();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(ended) = self.ended.join_next() => self.on_session_end(ended),
                command = self.commands.recv() => match command {
                    Some(command) => self.on_command(command),
                    // The last handle is gone.
                    None => break,
                },
                event = self.swarm.select_next_some() => self.on_swarm_event(event),
                () = sleep_until(redial.unwrap_or_else(Instant::now)), if redial.is_some() => {}
            }
            self.dial_due();
        }
        self.end().await;
    }

    async fn end(mut self) {
        self.shared.shutdown.cancel();
        for running in self.sessions.values() {
            running.peer.kick(DisconnectReason::Shutdown);
        }
        while self.ended.join_next().await.is_some() {}
        let peers: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            let _not_connected = self.swarm.disconnect_peer_id(peer);
        }
        let close = async {
            while self.swarm.network_info().connection_counters().num_connections() > 0 {
                self.swarm.select_next_some().await;
            }
        };
        let _too_slow = timeout(CLOSE_TIME, close).await;
        self.context.blocking.close();
        self.context.blocking.wait().await;
        let done = self.shared.done.clone();
        drop(self);
        done.cancel();
    }

    // --- dialing ---

    fn on_command(&mut self, command: SwarmCommand) {
        match command {
            SwarmCommand::AddPeer(address, reply) => {
                let _asker_gone = reply.send(self.add_peer(address));
            }
        }
    }

    fn add_peer(&mut self, address: Multiaddr) -> AddPeer {
        let added = self.dialer.add(address.clone(), Instant::now());
        match added {
            AddPeer::Added | AddPeer::Known => {}
            AddPeer::Ourselves => tracing::debug!(%address, "this address is our own"),
            AddPeer::Full => tracing::warn!(%address, "too many static peers, not dialed"),
        }
        added
    }

    fn dial_due(&mut self) {
        let now = Instant::now();
        loop {
            let sessions = &self.sessions;
            let due = self.dialer.due(now, |peer| sessions.contains_key(peer));
            let Some(dial) = due else { return };
            let connection = dial.connection_id();
            tracing::debug!(peer = ?dial.get_peer_id(), %connection, "dialing");
            if let Err(error) = self.swarm.dial(dial) {
                tracing::debug!(%connection, %error, "cannot dial");
                self.dialer.on_dial_failed(connection, now);
            }
        }
    }

    // --- what libp2p says ---

    #[expect(clippy::wildcard_enum_match_arm, reason = "libp2p's enum is non-exhaustive")]
    fn on_swarm_event(&mut self, event: SwarmEvent<FromBehaviour>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour_event(event),
            SwarmEvent::NewListenAddr { address, .. } => {
                let mut listen = self.listen_addresses();
                let named = address.with_p2p(self.shared.local).unwrap_or_else(|same| same);
                if !listen.contains(&named) {
                    tracing::info!(address = %named, "listening");
                    listen.push(named);
                }
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                let named = address.with_p2p(self.shared.local).unwrap_or_else(|same| same);
                self.listen_addresses().retain(|known| *known != named);
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                tracing::debug!(connection = %connection_id, %error, "dialing failed");
                self.dialer.on_dial_failed(connection_id, Instant::now());
            }
            SwarmEvent::IncomingConnectionError { connection_id, error, .. } => {
                tracing::debug!(connection = %connection_id, %error, "not let in");
            }
            SwarmEvent::ListenerError { error, .. } => {
                tracing::warn!(%error, "a listener has trouble accepting connections");
            }
            _ => {}
        }
    }

    fn listen_addresses(&self) -> std::sync::RwLockWriteGuard<'_, Vec<Multiaddr>> {
        self.shared.listen.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn on_behaviour_event(&mut self, event: FromBehaviour) {
        match event {
            FromBehaviour::Connected(peer, link) => {
                self.dialer.on_connected(peer, link.connection);
                self.on_link(peer, *link);
            }
            FromBehaviour::Ping(ping::Event { peer, connection, result }) => match result {
                Ok(_) | Err(ping::Failure::Unsupported) => {}
                Err(error) => {
                    tracing::debug!(%peer, %connection, %error, "no ping came back");
                    self.swarm.close_connection(connection);
                }
            },
            FromBehaviour::Mdns(mdns::Event::Discovered(found)) => {
                for (peer, address) in found {
                    tracing::debug!(%peer, %address, "found on the local network");
                    let _logged = self.add_peer(address.with_p2p(peer).unwrap_or_else(|same| same));
                }
            }
            FromBehaviour::Mdns(mdns::Event::Expired(lost)) => {
                for (peer, address) in lost {
                    self.dialer.forget(&address.with_p2p(peer).unwrap_or_else(|same| same));
                }
            }
            FromBehaviour::Identify => {}
        }
    }

    // --- sessions ---

    fn on_link(&mut self, peer: PeerId, link: Link) {
        let Some(running) = self.sessions.get(&peer) else {
            self.open_session(peer, link);
            return;
        };
        if let Err(error) = running.links.try_send(link) {
            let link = error.into_inner();
            // Its session is ending, or far behind: the connection would lead nowhere.
            tracing::debug!(%peer, connection = %link.connection, "connection not taken");
            self.swarm.close_connection(link.connection);
        }
    }

    fn open_session(&mut self, id: PeerId, link: Link) {
        let (peer, asks, kicked) = PeerShared::new(id, &self.context.limits);
        let (sender, links) = mpsc::channel(LINKS_WAITING);
        // The channel is new and empty.
        let _sent = sender.try_send(link);
        let wiring = Wiring { peer: Arc::clone(&peer), links, asks, kicked };
        let task = self.ended.spawn(session::run(Arc::clone(&self.context), wiring));
        self.sessions.insert(id, RunningSession { peer, links: sender, task });
    }

    fn on_session_end(&mut self, ended: Result<SessionEnd, JoinError>) {
        let SessionEnd { peer, reason, was_ready, unused } = match ended {
            Ok(end) => end,
            Err(error) => {
                // A bug of ours: seen in the log, and no reason to keep the peer locked out.
                let id = error.id();
                let found = self.sessions.iter().find(|(_, running)| running.task.id() == id);
                let Some(peer) = found.map(|(peer, _)| *peer) else { return };
                tracing::error!(%peer, %error, "a peer's session failed");
                self.context.peers.remove(&peer);
                let reason = DisconnectReason::ConnectionLost;
                let _not_connected = self.swarm.disconnect_peer_id(peer);
                SessionEnd { peer, reason, was_ready: false, unused: Vec::new() }
            }
        };
        self.sessions.remove(&peer);
        let now = Instant::now();
        let mut not_before = None;
        if reason.keeps_out() {
            let until = now + self.context.times.ban;
            self.swarm.behaviour_mut().limiter.ban(peer, now, until);
            not_before = Some(until);
        }
        // A peer that was of no use is dialed less and less often.
        let was_useful = was_ready && !matches!(reason, DisconnectReason::Unhelpful(_));
        self.dialer.on_gone(peer, was_useful, not_before, now);
        if reason == DisconnectReason::ConnectionLost {
            // The peer was faster to come back than the session to end.
            for link in unused {
                self.dialer.on_connected(peer, link.connection);
                self.on_link(peer, link);
            }
        } else {
            let _not_connected = self.swarm.disconnect_peer_id(peer);
        }
    }
}
