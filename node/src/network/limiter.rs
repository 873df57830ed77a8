//! Who may connect: limits by peer, by address and in total, and the peers kept out for a while.
//!
//! Its own behaviour rather than libp2p's: that one never forgets a peer it has seen, so fresh
//! identities would cost memory for ever, and it knows neither addresses nor time.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent,
    ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::config::NetworkLimits;

/// Why a connection was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Denied {
    #[error("{0} connections are open, the most allowed")]
    Total(usize),
    #[error("{0} handshakes are under way, the most allowed")]
    Pending(usize),
    #[error("{0} connections with this peer are open, the most allowed")]
    Peer(usize),
    #[error("{0} connections from this address are open, the most allowed")]
    Address(usize),
    #[error("the peer is kept out for a while")]
    Banned,
}

/// Counts connections, and denies those beyond a limit. It opens no streams of its own.
pub(super) struct ConnectionLimiter {
    limits: NetworkLimits,
    /// Every connection from its first packet on; what it counts for follows from its entry.
    connections: BTreeMap<ConnectionId, Tracked>,
    banned: BTreeMap<PeerId, Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Tracked {
    inbound: Option<IpAddr>,
    stage: ConnectionStage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConnectionStage {
    /// Shaking hands: ends by establishment or by failure, which libp2p times.
    Pending(Endpoint),
    /// Standing: ends when the connection closes.
    Open(PeerId),
}

impl ConnectionLimiter {
    pub(super) fn new(limits: NetworkLimits) -> Self {
        Self { limits, connections: BTreeMap::new(), banned: BTreeMap::new() }
    }

    /// Keeps `peer` out until `until`.
    pub(super) fn ban(&mut self, peer: PeerId, now: Instant, until: Instant) {
        self.banned.retain(|_, end| *end > now);
        self.banned.insert(peer, until);
        while self.banned.len() > self.limits.banned_peers {
            let first = self.banned.iter().min_by_key(|(_, end)| **end).map(|(peer, _)| *peer);
            match first {
                Some(peer) => self.banned.remove(&peer),
                None => break,
            };
        }
    }

    /// Until when `peer` is kept out, if it is.
    pub(super) fn banned_until(&self, peer: &PeerId, now: Instant) -> Option<Instant> {
        self.banned.get(peer).copied().filter(|end| *end > now)
    }

    /// Counted over the few hundred connections there can be; counters beside the map could disagree
    /// with it.
    fn count(&self, counted: impl Fn(&Tracked) -> bool) -> usize {
        self.connections.values().filter(|entry| counted(entry)).count()
    }

    fn check_pending(&self, side: Endpoint) -> Result<(), Denied> {
        let limit = self.limits.pending;
        below(self.count(|entry| entry.stage == ConnectionStage::Pending(side)), limit)
            .map_err(|()| Denied::Pending(limit))
    }

    fn check_address(&self, address: Option<IpAddr>) -> Result<(), Denied> {
        let limit = self.limits.connections_per_address;
        match address {
            Some(address) if !address.is_loopback() => {
                below(self.count(|entry| entry.inbound == Some(address)), limit)
                    .map_err(|()| Denied::Address(limit))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn check_open(&self, peer: &PeerId, now: Instant) -> Result<(), Denied> {
        if self.banned_until(peer, now).is_some() {
            return Err(Denied::Banned);
        }
        let by_peer = self.limits.connections_per_peer;
        below(self.count(|entry| entry.stage == ConnectionStage::Open(*peer)), by_peer)
            .map_err(|()| Denied::Peer(by_peer))?;
        let total = self.limits.connections;
        below(self.count(|entry| matches!(entry.stage, ConnectionStage::Open(_))), total)
            .map_err(|()| Denied::Total(total))
    }

    fn begin(
        &mut self,
        connection: ConnectionId,
        side: Endpoint,
        inbound: Option<IpAddr>,
    ) -> Result<(), Denied> {
        self.check_pending(side)?;
        self.check_address(inbound)?;
        self.connections.insert(connection, Tracked { inbound, stage: ConnectionStage::Pending(side) });
        Ok(())
    }

    fn admit(&mut self, connection: ConnectionId, peer: PeerId, now: Instant) -> Result<(), Denied> {
        match self.check_open(&peer, now) {
            Ok(()) => {
                let entry = Tracked { inbound: None, stage: ConnectionStage::Open(peer) };
                self.connections.entry(connection).or_insert(entry).stage = ConnectionStage::Open(peer);
                Ok(())
            }
            Err(denied) => {
                self.connections.remove(&connection);
                Err(denied)
            }
        }
    }

    fn end(&mut self, connection: ConnectionId) {
        self.connections.remove(&connection);
    }
}

fn below(count: usize, limit: usize) -> Result<(), ()> {
    if count < limit { Ok(()) } else { Err(()) }
}

fn ip(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| {
        if let Protocol::Ip4(ip) = part {
            Some(IpAddr::from(ip))
        } else if let Protocol::Ip6(ip) = part {
            // An IPv4 peer on a dual-stack socket must not count twice.
            Some(ip.to_canonical())
        } else {
            None
        }
    })
}

impl NetworkBehaviour for ConnectionLimiter {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.begin(connection, Endpoint::Listener, ip(remote)).map_err(ConnectionDenied::new)
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _local: &Multiaddr,
        _remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.admit(connection, peer, Instant::now()).map_err(ConnectionDenied::new)?;
        Ok(dummy::ConnectionHandler)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: Option<PeerId>,
        _addresses: &[Multiaddr],
        _role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        if peer.is_some_and(|peer| self.banned_until(&peer, Instant::now()).is_some()) {
            return Err(ConnectionDenied::new(Denied::Banned));
        }
        self.begin(connection, Endpoint::Dialer, None).map_err(ConnectionDenied::new)?;
        Ok(Vec::new())
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _address: &Multiaddr,
        _role: Endpoint,
        _port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.admit(connection, peer, Instant::now()).map_err(ConnectionDenied::new)?;
        Ok(dummy::ConnectionHandler)
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "libp2p's enum is non-exhaustive; only ends of connections matter here"
    )]
    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionClosed(closed) => self.end(closed.connection_id),
            FromSwarm::DialFailure(failure) => self.end(failure.connection_id),
            FromSwarm::ListenFailure(failure) => self.end(failure.connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        _peer: PeerId,
        _connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use super::*;

    fn limiter() -> ConnectionLimiter {
        ConnectionLimiter::new(NetworkLimits {
            connections: 3,
            pending: 2,
            connections_per_peer: 2,
            connections_per_address: 1,
            banned_peers: 2,
            ..NetworkLimits::default()
        })
    }

    fn connect(limiter: &mut ConnectionLimiter, id: usize, peer: PeerId, from: &str) -> Result<(), Denied> {
        let id = ConnectionId::new_unchecked(id);
        limiter.begin(id, Endpoint::Listener, ip(&from.parse().unwrap()))?;
        limiter.admit(id, peer, Instant::now())
    }

    #[test]
    fn the_third_connection_of_a_peer_is_refused_and_forgotten() {
        let (mut limiter, peer) = (limiter(), PeerId::random());
        connect(&mut limiter, 1, peer, "/ip4/127.0.0.1/tcp/1").unwrap();
        connect(&mut limiter, 2, peer, "/ip4/127.0.0.1/tcp/2").unwrap();
        assert_eq!(connect(&mut limiter, 3, peer, "/ip4/127.0.0.1/tcp/3"), Err(Denied::Peer(2)));
        assert_eq!(limiter.connections.len(), 2);
        limiter.end(ConnectionId::new_unchecked(1));
        connect(&mut limiter, 4, peer, "/ip4/127.0.0.1/tcp/4").unwrap();
    }

    #[test]
    fn the_total_holds_over_all_peers() {
        let mut limiter = limiter();
        for id in 1..=3 {
            connect(&mut limiter, id, PeerId::random(), "/ip6/::1/tcp/1").unwrap();
        }
        let refused = connect(&mut limiter, 4, PeerId::random(), "/ip6/::1/tcp/1");
        assert_eq!(refused, Err(Denied::Total(3)));
    }

    #[test]
    fn an_address_has_its_share_and_loopback_is_free() {
        let mut limiter = limiter();
        connect(&mut limiter, 1, PeerId::random(), "/ip4/192.0.2.1/tcp/1").unwrap();
        let mapped = "/ip6/::ffff:192.0.2.1/udp/1/quic-v1";
        assert_eq!(connect(&mut limiter, 2, PeerId::random(), mapped), Err(Denied::Address(1)));
        connect(&mut limiter, 3, PeerId::random(), "/ip4/192.0.2.2/tcp/1").unwrap();
    }

    #[test]
    fn handshakes_under_way_are_bounded() {
        let mut limiter = limiter();
        for id in 1..=2 {
            limiter.begin(ConnectionId::new_unchecked(id), Endpoint::Listener, None).unwrap();
        }
        let refused = limiter.begin(ConnectionId::new_unchecked(3), Endpoint::Listener, None);
        assert_eq!(refused, Err(Denied::Pending(2)));
        limiter.begin(ConnectionId::new_unchecked(4), Endpoint::Dialer, None).unwrap();
    }

    #[test]
    fn a_ban_ends_by_itself_and_the_list_is_bounded() {
        let (mut limiter, now) = (limiter(), Instant::now());
        let peers = [PeerId::random(), PeerId::random(), PeerId::random()];
        for (peer, secs) in peers.into_iter().zip([3, 1, 2]) {
            limiter.ban(peer, now, now + Duration::from_secs(secs));
        }
        let [longest, shortest, middle] = peers;
        assert_eq!(limiter.banned_until(&shortest, now), None, "nearest to its end, so forgotten");
        assert!(limiter.banned_until(&middle, now).is_some());
        assert_eq!(limiter.check_open(&longest, now), Err(Denied::Banned));
        assert_eq!(limiter.check_open(&longest, now + Duration::from_secs(3)), Ok(()));
    }
}
