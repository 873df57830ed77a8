//! When to dial whom: the peers that are to be kept, dialed again with back-off whenever lost.
//!
//! Knows no sockets and reads no clock.

use libp2p::core::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::config::NetworkTimes;

/// What came of adding an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum AddPeer {
    /// It will be dialed now, and again whenever it is lost.
    Added,
    /// It was there before.
    Known,
    /// It is our own.
    Ourselves,
    /// As many are kept as may be.
    Full,
}

/// The kept peers.
#[derive(Debug)]
pub(super) struct Dialer {
    local: PeerId,
    limit: usize,
    times: NetworkTimes,
    kept: Vec<KeptPeer>,
}

#[derive(Debug)]
struct KeptPeer {
    address: Multiaddr,
    /// From the address, or learnt by dialing it.
    peer: Option<PeerId>,
    failures: u32,
    state: DialState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DialState {
    /// Ends when its time has come, or when the peer connects by itself.
    Waiting(Instant),
    /// Ends when the connection stands or fails; libp2p times it.
    Dialing(ConnectionId),
    /// Ends when the peer is gone.
    Connected,
}

impl Dialer {
    pub(super) fn new(local: PeerId, limit: usize, times: NetworkTimes) -> Self {
        Self { local, limit, times, kept: Vec::new() }
    }

    pub(super) fn add(&mut self, address: Multiaddr, now: Instant) -> AddPeer {
        let peer = peer_of(&address);
        if peer == Some(self.local) {
            return AddPeer::Ourselves;
        }
        if self.kept.iter().any(|kept| kept.address == address) {
            return AddPeer::Known;
        }
        if self.kept.len() >= self.limit {
            return AddPeer::Full;
        }
        self.kept.push(KeptPeer { address, peer, failures: 0, state: DialState::Waiting(now) });
        AddPeer::Added
    }

    pub(super) fn forget(&mut self, address: &Multiaddr) {
        self.kept.retain(|kept| kept.address != *address);
    }

    /// When to call [`due`](Self::due) next.
    pub(super) fn next(&self) -> Option<Instant> {
        let waits = self.kept.iter().filter_map(|kept| match kept.state {
            DialState::Waiting(until) => Some(until),
            DialState::Dialing(_) | DialState::Connected => None,
        });
        waits.min()
    }

    /// How to dial an address whose time has come, if there is one; from then on it counts as
    /// being dialed. A peer that is connected already is not dialed.
    pub(super) fn due(&mut self, now: Instant, is_connected: impl Fn(&PeerId) -> bool) -> Option<DialOpts> {
        for kept in &mut self.kept {
            if matches!(kept.state, DialState::Waiting(until) if until <= now) {
                if kept.peer.as_ref().is_some_and(&is_connected) {
                    kept.state = DialState::Connected;
                    continue;
                }
                let address = kept.address.clone();
                let dial = match peer_of(&address) {
                    Some(peer) => DialOpts::peer_id(peer).addresses(vec![address]).build(),
                    None => DialOpts::unknown_peer_id().address(address).build(),
                };
                kept.state = DialState::Dialing(dial.connection_id());
                return Some(dial);
            }
        }
        None
    }

    pub(super) fn on_connected(&mut self, peer: PeerId, connection: ConnectionId) {
        for kept in &mut self.kept {
            if kept.state == DialState::Dialing(connection) {
                kept.peer = Some(peer);
            }
            if kept.peer == Some(peer) {
                kept.state = DialState::Connected;
            }
        }
    }

    pub(super) fn on_dial_failed(&mut self, connection: ConnectionId, now: Instant) {
        for kept in &mut self.kept {
            if kept.state == DialState::Dialing(connection) {
                kept.wait(now, &self.times);
            }
        }
    }

    /// The peer's last connection is closed. `was_useful` starts the back-off anew; `not_before` is
    /// the end of a ban.
    pub(super) fn on_gone(
        &mut self,
        peer: PeerId,
        was_useful: bool,
        not_before: Option<Instant>,
        now: Instant,
    ) {
        for kept in &mut self.kept {
            if kept.peer == Some(peer) && kept.state == DialState::Connected {
                if was_useful {
                    kept.failures = 0;
                }
                kept.wait(now, &self.times);
                if let (DialState::Waiting(until), Some(not_before)) = (kept.state, not_before) {
                    kept.state = DialState::Waiting(until.max(not_before));
                }
            }
        }
    }
}

impl KeptPeer {
    fn wait(&mut self, now: Instant, times: &NetworkTimes) {
        let doubled = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        let wait = times.redial_first.saturating_mul(doubled).min(times.redial_longest);
        self.failures = self.failures.saturating_add(1);
        self.state = DialState::Waiting(now + wait);
    }
}

fn peer_of(address: &Multiaddr) -> Option<PeerId> {
    address.iter().find_map(|part| if let Protocol::P2p(peer) = part { Some(peer) } else { None })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use super::*;

    fn address(port: u16) -> Multiaddr {
        format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap()
    }

    fn dialer() -> (Dialer, Instant) {
        (Dialer::new(PeerId::random(), 2, NetworkTimes::default()), Instant::now())
    }

    fn never(_: &PeerId) -> bool {
        false
    }

    #[test]
    fn an_address_is_dialed_at_once_and_again_with_doubling_waits() {
        let (mut dialer, start) = dialer();
        assert_eq!(dialer.add(address(1), start), AddPeer::Added);
        let mut now = start;
        let mut waits = Vec::new();
        for _ in 0..9 {
            let dial = dialer.due(now, never).unwrap();
            assert_eq!(dialer.next(), None, "one dial at a time");
            dialer.on_dial_failed(dial.connection_id(), now);
            let next = dialer.next().unwrap();
            assert!(dialer.due(now, never).is_none(), "not before its time");
            waits.push((next - now).as_secs());
            now = next;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn a_lost_peer_is_dialed_again_soon_and_a_banned_one_after_its_ban() {
        let (mut dialer, now) = dialer();
        let peer = PeerId::random();
        let _added = dialer.add(address(1), now);
        let dial = dialer.due(now, never).unwrap();
        dialer.on_connected(peer, dial.connection_id());
        assert_eq!(dialer.next(), None);
        dialer.on_gone(peer, true, None, now);
        assert_eq!(dialer.next(), Some(now + Duration::from_secs(1)));

        dialer.on_connected(peer, ConnectionId::new_unchecked(usize::MAX));
        let ban = now + Duration::from_secs(600);
        dialer.on_gone(peer, true, Some(ban), now);
        assert_eq!(dialer.next(), Some(ban));
    }

    #[test]
    fn a_peer_that_came_by_itself_is_not_dialed() {
        let (mut dialer, now) = dialer();
        let peer = PeerId::random();
        let named = address(1).with(Protocol::P2p(peer));
        let _added = dialer.add(named, now);
        assert!(dialer.due(now, |other| *other == peer).is_none());
        assert_eq!(dialer.next(), None);
        dialer.on_gone(peer, false, None, now);
        assert!(dialer.next().is_some());
    }

    #[test]
    fn addresses_are_bounded_and_ours_is_none() {
        let (mut dialer, now) = dialer();
        let ours = address(9).with(Protocol::P2p(dialer.local));
        assert_eq!(dialer.add(ours, now), AddPeer::Ourselves);
        assert_eq!(dialer.add(address(1), now), AddPeer::Added);
        assert_eq!(dialer.add(address(1), now), AddPeer::Known);
        assert_eq!(dialer.add(address(2), now), AddPeer::Added);
        assert_eq!(dialer.add(address(3), now), AddPeer::Full);
        dialer.forget(&address(1));
        assert_eq!(dialer.add(address(3), now), AddPeer::Added);
    }
}
