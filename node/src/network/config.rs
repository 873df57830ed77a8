//! What the network may use: addresses, limits and times. Every limit is enforced where it is used.

use std::time::Duration;

use herald_proto::Limits as MessageLimits;
use libp2p::Multiaddr;
use libp2p::identity::Keypair;

/// Where the node listens, whom it dials, and what it allows its peers.
///
/// Closed on purpose: it is written with `..NetworkConfig::new(identity)`, which the attribute
/// would forbid. A new field gets its default there.
#[derive(Clone, Debug)]
pub struct NetworkConfig {
    /// The node's identity; see [`load_or_create_identity`](super::load_or_create_identity).
    pub identity: Keypair,
    /// Addresses to listen on. Port 0 takes a free one;
    /// [`listen_addrs`](super::NetworkHandle::listen_addrs) says which.
    pub listen: Vec<Multiaddr>,
    /// Peers that are dialed now, and again whenever they are lost.
    pub bootnodes: Vec<Multiaddr>,
    /// Whether peers on the local network are found by multicast DNS. It never sees nodes on the
    /// loopback interface.
    pub mdns: Mdns,
    /// What peers may take up.
    pub limits: NetworkLimits,
    /// How long things may take.
    pub times: NetworkTimes,
}

impl NetworkConfig {
    /// The defaults for this identity: no addresses, no bootnodes, no mDNS.
    #[must_use]
    pub fn new(identity: Keypair) -> Self {
        Self {
            identity,
            listen: Vec::new(),
            bootnodes: Vec::new(),
            mdns: Mdns::Off,
            limits: NetworkLimits::default(),
            times: NetworkTimes::default(),
        }
    }
}

/// Whether multicast DNS looks for peers.
///
/// Closed on purpose: a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mdns {
    /// Only the peers that are named, and those that dial us.
    Off,
    /// Everybody on the local network as well.
    On,
}

/// What peers may take up.
///
/// The most memory that the network holds for its peers, libp2p's own windows aside:
/// `connections * (peer_buffer + served_at_once * (messages.reply_bytes + messages.frame_bytes) + outbox)`, where the
/// outbox is `outbox_blocks` frames, shared among the peers that the same block goes to. The
/// middle term needs blocks of the frame limit in our own chain; with a body of usual size it is
/// `served_at_once * messages.reply_bytes`.
///
/// Closed on purpose: it is written with `..NetworkLimits::default()`, which the attribute would
/// forbid. A new field gets its default there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkLimits {
    /// Connections in total, both directions. 100: twice geth's 50 peers, so that simultaneous
    /// dials of all of them fit.
    pub connections: usize,
    /// Connections that have not finished their handshake, for each direction. 64.
    pub pending: usize,
    /// Connections with one peer. 2: both sides may dial at once; a third is never needed.
    pub connections_per_peer: usize,
    /// Connections from one IP address, loopback excepted. 8: a household behind one address.
    pub connections_per_address: usize,
    /// Peers that are kept out at the same time, the one nearest to its end forgotten first. 1,024.
    pub banned_peers: usize,
    /// Static peers and bootnodes together. 256.
    pub static_peers: usize,
    /// What a single message may carry, and where an answer stops.
    pub messages: MessageLimits,
    /// Bytes of frames that one peer may have in our memory at once: being received, being
    /// decoded, or waiting for the host. 16 MiB: one frame of the limit and some small ones.
    pub peer_buffer: usize,
    /// Permits for requests of one peer, one for each that is served at the same time. 16.
    pub served_at_once: usize,
    /// Requests of one peer that wait for one of those permits; more are closed unanswered.
    /// 16: the asker counts an answer as done a moment before or after we do.
    pub served_waiting: usize,
    /// Requests held until the peer's Status is here. 4.
    pub held_before_status: usize,
    /// Requests closed unanswered for being too many before the peer is dropped, regained at one a
    /// second. 64.
    pub refusals: u32,
    /// Requests of one peer that are served each second, on average. 100: three times what a range
    /// sync asks at 20 ms round trip; a flood waits.
    pub served_per_second: u32,
    /// Requests that may come at once after a quiet time. 200.
    pub served_burst: u32,
    /// Our requests in flight with one peer; others wait. 16, what a peer serves at once.
    pub asked_at_once: usize,
    /// Our requests that wait for capacity to be in flight with one peer. 256.
    pub asked_waiting: usize,
    /// Announcements that wait to be sent to one peer, the oldest dropped. 16.
    pub outbox_hashes: usize,
    /// Blocks that wait to be sent to one peer, the oldest dropped. 4.
    pub outbox_blocks: usize,
    /// Announce streams that a peer may open at once after a quiet time, regained at one a second.
    /// 8: a lost one is reopened with back-off.
    pub announce_streams: u32,
    /// Events that wait for the host. 256; see [`NetworkEvents`](super::NetworkEvents).
    pub events: usize,
}

impl Default for NetworkLimits {
    fn default() -> Self {
        Self {
            connections: 100,
            pending: 64,
            connections_per_peer: 2,
            connections_per_address: 8,
            banned_peers: 1024,
            static_peers: 256,
            messages: MessageLimits::default(),
            peer_buffer: 16 << 20,
            served_at_once: 16,
            served_waiting: 16,
            held_before_status: 4,
            refusals: 64,
            served_per_second: 100,
            served_burst: 200,
            asked_at_once: 16,
            asked_waiting: 256,
            outbox_hashes: 16,
            outbox_blocks: 4,
            announce_streams: 8,
            events: 256,
        }
    }
}

/// How long things may take.
///
/// Closed on purpose: as [`NetworkLimits`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkTimes {
    /// From connecting, or from the end of a peer's announce stream, to its Status. 5 s.
    pub status: Duration,
    /// From a frame's first byte to its last, either way; for the first frame of a request stream
    /// from its opening. 15 s.
    pub frame: Duration,
    /// From asking to the whole answer. 15 s; the fetcher's own deadlines are shorter.
    pub request: Duration,
    /// Opening a stream on a connection that stands. 5 s.
    pub open_stream: Duration,
    /// After a Status that does not fit, how long the other side has to read ours and to judge as
    /// well. 1 s.
    pub farewell: Duration,
    /// How long a peer that broke the protocol is kept out. 10 min.
    pub ban: Duration,
    /// The first wait before a lost static peer is dialed again; doubled each time. 1 s.
    pub redial_first: Duration,
    /// The longest such wait. 60 s.
    pub redial_longest: Duration,
    /// The first wait before a lost announce stream is opened again; doubled each time. 100 ms.
    pub reopen_first: Duration,
}

impl Default for NetworkTimes {
    fn default() -> Self {
        Self {
            status: Duration::from_secs(5),
            frame: Duration::from_secs(15),
            request: Duration::from_secs(15),
            open_stream: Duration::from_secs(5),
            farewell: Duration::from_secs(1),
            ban: Duration::from_secs(600),
            redial_first: Duration::from_secs(1),
            redial_longest: Duration::from_secs(60),
            reopen_first: Duration::from_millis(100),
        }
    }
}
