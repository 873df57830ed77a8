//! Who may have how much in the queue.
//!
//! As for the bytes in the fetcher, and for the same reason: half of the queue is set aside in equal
//! shares, one for each connected peer, and an eighth for the host's own calls; what somebody has
//! beyond that comes from what is common. So the whole is not passed, and nobody uses the share of
//! another, whatever the others send.

use std::collections::BTreeMap;

use super::queue::QueueLimits;

/// On whose account a call is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Payer<P> {
    /// What the host itself has to say: who comes and goes, news of the chain, questions.
    Host,
    /// What this peer sent.
    Peer(P),
}

/// Calls, and the bytes that they carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PayerLoad {
    calls: u64,
    bytes: u64,
}

impl PayerLoad {
    fn plus(self, other: Self) -> Self {
        Self { calls: self.calls.saturating_add(other.calls), bytes: self.bytes.saturating_add(other.bytes) }
    }

    /// What is left when `other` is taken away.
    fn beyond(self, other: Self) -> Self {
        Self { calls: self.calls.saturating_sub(other.calls), bytes: self.bytes.saturating_sub(other.bytes) }
    }

    fn is_within(self, free: Self) -> bool {
        self.calls <= free.calls && self.bytes <= free.bytes
    }
}

/// There is no capacity for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// Whose account it is, and so which share it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PayerStanding {
    Host,
    /// The fetcher knows the peer. It knows at most [`Config::peers`](crate::Config::peers), so that
    /// there is a share for each.
    Connected,
    /// The fetcher does not know the peer, or no longer: it has no share.
    Stranger,
}

#[derive(Clone, Copy, Debug)]
struct PayerAccount {
    used: PayerLoad,
    standing: PayerStanding,
}

/// The accounts of all that is in the queue.
#[derive(Debug)]
pub(super) struct Shares<P> {
    for_host: PayerLoad,
    for_each_peer: PayerLoad,
    common: PayerLoad,
    /// What the accounts have beyond their shares.
    common_used: PayerLoad,
    host: PayerAccount,
    /// Those of connected peers, and of strangers that have something in the queue.
    peers: BTreeMap<P, PayerAccount>,
}

impl<P: Clone + Ord> Shares<P> {
    /// `peers` may be connected at once.
    pub(super) fn new(limits: QueueLimits, peers: u32) -> Self {
        let whole = PayerLoad { calls: limits.calls.get().into(), bytes: limits.bytes.get().into() };
        let peers = u64::from(peers.max(1));
        let part = |of: u64| PayerLoad { calls: whole.calls / of, bytes: whole.bytes / of };
        let for_host = part(8);
        let for_each_peer = part(peers.saturating_mul(2));
        let for_peers = PayerLoad { calls: for_each_peer.calls * peers, bytes: for_each_peer.bytes * peers };
        Self {
            for_host,
            for_each_peer,
            common: whole.beyond(for_host.plus(for_peers)),
            common_used: PayerLoad::default(),
            host: PayerAccount { used: PayerLoad::default(), standing: PayerStanding::Host },
            peers: BTreeMap::new(),
        }
    }

    /// Charges a call that carries so many bytes, and says how much is to be released for it.
    ///
    /// One that carries more than its payer could ever have counts as that much: it is alone then.
    pub(super) fn charge(&mut self, payer: &Payer<P>, bytes: u64) -> Result<PayerLoad, Full> {
        let account = self.account(payer);
        let share = self.share(account.standing);
        let load = PayerLoad { calls: 1, bytes: bytes.min(share.plus(self.common).bytes) };
        let more = account.used.plus(load).beyond(share).beyond(account.used.beyond(share));
        if !more.is_within(self.common.beyond(self.common_used)) {
            return Err(Full);
        }
        self.set(payer, PayerAccount { used: account.used.plus(load), ..account });
        Ok(load)
    }

    /// Gives back what [`charge`](Self::charge) took.
    pub(super) fn release(&mut self, payer: &Payer<P>, load: PayerLoad) {
        let account = self.account(payer);
        self.set(payer, PayerAccount { used: account.used.beyond(load), ..account });
    }

    /// The fetcher knows this peer from now on.
    pub(super) fn connected(&mut self, peer: &P) {
        self.stand(peer, PayerStanding::Connected);
    }

    /// The fetcher knows this peer no more. What it still has in the queue is moved to what is common,
    /// which may be passed by it until that is handled.
    pub(super) fn gone(&mut self, peer: &P) {
        self.stand(peer, PayerStanding::Stranger);
    }

    fn stand(&mut self, peer: &P, standing: PayerStanding) {
        let payer = Payer::Peer(peer.clone());
        let account = self.account(&payer);
        self.set(&payer, PayerAccount { standing, ..account });
    }

    fn share(&self, standing: PayerStanding) -> PayerLoad {
        match standing {
            PayerStanding::Host => self.for_host,
            PayerStanding::Connected => self.for_each_peer,
            PayerStanding::Stranger => PayerLoad::default(),
        }
    }

    fn account(&self, payer: &Payer<P>) -> PayerAccount {
        const STRANGER: PayerAccount =
            PayerAccount { used: PayerLoad { calls: 0, bytes: 0 }, standing: PayerStanding::Stranger };
        match payer {
            Payer::Host => self.host,
            Payer::Peer(peer) => self.peers.get(peer).copied().unwrap_or(STRANGER),
        }
    }

    /// The one place where an account changes, and what is common with it.
    fn set(&mut self, payer: &Payer<P>, account: PayerAccount) {
        let common = |account: PayerAccount| account.used.beyond(self.share(account.standing));
        let (before, after) = (common(self.account(payer)), common(account));
        self.common_used = self.common_used.beyond(before).plus(after);
        match payer {
            Payer::Host => self.host = account,
            Payer::Peer(peer) => match account.standing {
                PayerStanding::Stranger if account.used == PayerLoad::default() => {
                    self.peers.remove(peer);
                }
                PayerStanding::Host | PayerStanding::Connected | PayerStanding::Stranger => {
                    self.peers.insert(peer.clone(), account);
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;

    const HOST: Payer<u8> = Payer::Host;

    fn shares(calls: u32, bytes: u32, peers: u32) -> Shares<u8> {
        let limits =
            QueueLimits { calls: NonZeroU32::new(calls).unwrap(), bytes: NonZeroU32::new(bytes).unwrap() };
        Shares::new(limits, peers)
    }

    /// How many calls of so many bytes there is capacity for.
    fn fill(shares: &mut Shares<u8>, payer: &Payer<u8>, bytes: u64) -> usize {
        core::iter::from_fn(|| shares.charge(payer, bytes).ok()).count()
    }

    #[test]
    fn nobody_uses_the_share_of_another() {
        // 4 calls for each of 8 peers, 8 for the host, 24 for all.
        let mut shares = shares(64, 6_400, 8);
        for peer in 0..8 {
            shares.connected(&peer);
        }
        assert_eq!(fill(&mut shares, &Payer::Peer(0), 0), 4 + 24);
        assert_eq!(fill(&mut shares, &Payer::Peer(99), 0), 0, "a stranger has no share");
        for peer in 1..8 {
            assert_eq!(fill(&mut shares, &Payer::Peer(peer), 0), 4);
        }
        assert_eq!(fill(&mut shares, &HOST, 0), 8);
    }

    #[test]
    fn bytes_are_shared_as_calls_are() {
        // 400 bytes for each of 8 peers, 800 for the host, 2,400 for all.
        let mut shares = shares(64, 6_400, 8);
        shares.connected(&0);
        shares.connected(&1);
        assert_eq!(fill(&mut shares, &Payer::Peer(0), 200), 14);
        assert_eq!(fill(&mut shares, &Payer::Peer(1), 200), 2);
        assert_eq!(fill(&mut shares, &Payer::Peer(1), 0), 2 + 14, "calls that carry nothing go on");
        assert_eq!(fill(&mut shares, &HOST, 200), 4);
    }

    #[test]
    fn a_call_larger_than_all_goes_alone() {
        let mut shares = shares(64, 6_400, 8);
        shares.connected(&0);
        let load = shares.charge(&Payer::Peer(0), 1_000_000).unwrap();
        assert_eq!(shares.charge(&Payer::Peer(0), 1), Err(Full));
        assert_eq!(shares.charge(&Payer::Peer(1), 1), Err(Full));
        shares.release(&Payer::Peer(0), load);
        assert!(shares.charge(&Payer::Peer(1), 1).is_ok());
    }

    #[test]
    fn the_smallest_queue_has_capacity_for_one_call() {
        let mut shares = shares(1, 1, 128);
        assert_eq!(fill(&mut shares, &Payer::Peer(0), 500), 1);
    }

    #[test]
    fn what_a_gone_peer_leaves_is_common_until_it_is_handled() {
        let mut shares = shares(64, 6_400, 8);
        shares.connected(&0);
        assert_eq!(fill(&mut shares, &Payer::Peer(0), 0), 28);
        shares.gone(&0);
        assert_eq!(shares.common_used.calls, 28);
        for _ in 0..28 {
            shares.release(&Payer::Peer(0), PayerLoad { calls: 1, bytes: 0 });
        }
        assert_eq!(shares.common_used, PayerLoad::default());
        assert!(shares.peers.is_empty());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Charge { peer: u8, bytes: u64 },
        Release,
        Connect { peer: u8 },
        Leave { peer: u8 },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..10_u8, 0..3_000_u64).prop_map(|(peer, bytes)| Step::Charge { peer, bytes }),
            3 => Just(Step::Release),
            1 => (0..8_u8).prop_map(|peer| Step::Connect { peer }),
            1 => (0..8_u8).prop_map(|peer| Step::Leave { peer }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_common_is_what_goes_beyond_the_shares(steps in prop::collection::vec(step(), 1..200)) {
            let mut shares = shares(64, 6_400, 8);
            let mut charged = Vec::new();
            for step in steps {
                match step {
                    Step::Charge { peer, bytes } => {
                        // One of them is the host.
                        let payer = if peer == 9 { Payer::Host } else { Payer::Peer(peer) };
                        if let Ok(load) = shares.charge(&payer, bytes) {
                            charged.push((payer, load));
                        }
                    }
                    Step::Release => {
                        if let Some((payer, load)) = charged.pop() {
                            shares.release(&payer, load);
                        }
                    }
                    Step::Connect { peer } => shares.connected(&peer),
                    Step::Leave { peer } => shares.gone(&peer),
                }
                let accounts = shares.peers.values().chain([&shares.host]);
                let beyond = accounts.map(|account| account.used.beyond(shares.share(account.standing)));
                prop_assert_eq!(beyond.fold(PayerLoad::default(), PayerLoad::plus), shares.common_used);
                let used = charged.iter().map(|(_, load)| *load).fold(PayerLoad::default(), PayerLoad::plus);
                let held = shares.peers.values().map(|account| account.used).fold(shares.host.used, PayerLoad::plus);
                prop_assert_eq!(used, held);
            }
        }
    }
}
