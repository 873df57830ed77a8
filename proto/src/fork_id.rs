//! Fork ids (EIP-2124, with the forks by time of EIP-6122): whether two nodes run the same chain,
//! told from a checksum before anything is exchanged.
//!
//! `alloy-eip2124` has a filter too, and is the oracle of the tests. It is not used, because it departs
//! from geth on private chains: it counts a fork by time as passed while a fork by number is still to
//! come, which gives another checksum; and where times are below block numbers, it refuses a node with
//! the very same schedule. Two tests show these cases, and fail once it agrees.

use core::fmt;

use alloy_primitives::B256;
use thiserror::Error;

use crate::error::DecodeError;
use crate::rlp::{List, ListEncoder};

/// A fork that we do not know ourselves is taken for a time only above this: the time of mainnet's
/// genesis, in seconds since 1970. Below lie block numbers. (The bound that geth uses.)
const FIRST_FORK_TIME: u64 = 1_438_269_973;

/// Which forks a node has passed, and which it knows to come. Closed: EIP-2124 fixes the fields.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ForkId {
    /// CRC-32 of the genesis hash and the forks passed.
    pub hash: [u8; 4],
    /// Block number or time of the next fork; 0 when none is known.
    pub next: u64,
}

impl ForkId {
    /// That of a node that knows no schedule of forks, only a genesis block. No check is made
    /// towards such a node, by either side.
    pub const NONE: Self = Self { hash: [0; 4], next: 0 };

    pub(crate) fn decode(mut list: List<'_>) -> Result<Self, DecodeError> {
        let fork_id = Self { hash: list.fixed("hash")?.0, next: list.u64("next")? };
        list.finish()?;
        Ok(fork_id)
    }

    pub(crate) fn append(&self, list: &mut ListEncoder) {
        list.list(|fields| {
            fields.bytes(&self.hash).u64(self.next);
        });
    }
}

impl fmt::Debug for ForkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ForkId({self})")
    }
}

/// As `0xfc64ec04/1150000`.
impl fmt::Display for ForkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08x}/{}", u32::from_be_bytes(self.hash), self.next)
    }
}

/// Why a remote node does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ForkIdError {
    /// The remote node is behind, on forks that we know, and does not know the fork that comes
    /// next for it: it needs an update before it can follow.
    #[error("the peer is at {remote} and does not know the fork at {expected}: it needs an update")]
    RemoteStale {
        /// The peer's fork id.
        remote: ForkId,
        /// Number or time of the fork that it should know of.
        expected: u64,
    },
    /// Another chain, or forks that we do not know: one of the two needs an update.
    #[error("the peer is at {remote}, we are at {local}: another chain, or we need an update")]
    Incompatible {
        /// The peer's fork id.
        remote: ForkId,
        /// Our fork id at our head.
        local: ForkId,
    },
}

/// A chain's schedule of forks, ready for comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkFilter {
    /// `None` when only a genesis block is known.
    schedule: Option<ForkSchedule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct ForkSchedule {
    /// The first is genesis.
    forks: Vec<ForkEpoch>,
}

/// A fork, and the checksum from it on.
type ForkEpoch = (ForkPoint, [u8; 4]);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ForkPoint {
    Genesis,
    Block(u64),
    Time(u64),
}

impl ForkPoint {
    fn is_passed(self, number: u64, time: u64) -> bool {
        match self {
            Self::Genesis => true,
            Self::Block(at) => at <= number,
            Self::Time(at) => at <= time,
        }
    }

    /// What stands for the fork in a checksum and in [`ForkId::next`].
    fn point(self) -> u64 {
        match self {
            Self::Genesis => 0,
            Self::Block(at) | Self::Time(at) => at,
        }
    }
}

impl ForkFilter {
    /// From the forks of a chain's configuration, in any order: those by block number, and those
    /// by time in seconds since 1970. Forks that were there at genesis do not count: those at
    /// block 0, and those at or before `genesis_time`. Forks at one point count once.
    #[must_use]
    pub fn new(
        genesis_hash: B256,
        genesis_time: u64,
        block_forks: impl IntoIterator<Item = u64>,
        time_forks: impl IntoIterator<Item = u64>,
    ) -> Self {
        let mut blocks: Vec<u64> = block_forks.into_iter().filter(|at| *at > 0).collect();
        let mut times: Vec<u64> = time_forks.into_iter().filter(|at| *at > genesis_time).collect();
        for forks in [&mut blocks, &mut times] {
            forks.sort_unstable();
            forks.dedup();
        }
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(genesis_hash.as_slice());
        let mut forks = vec![(ForkPoint::Genesis, checksum.clone().finalize().to_be_bytes())];
        let points = blocks.into_iter().map(ForkPoint::Block);
        for fork in points.chain(times.into_iter().map(ForkPoint::Time)) {
            checksum.update(&fork.point().to_be_bytes());
            forks.push((fork, checksum.clone().finalize().to_be_bytes()));
        }
        Self { schedule: Some(ForkSchedule { forks }) }
    }

    /// For a chain of which only the genesis block is known: its fork id is [`ForkId::NONE`] and
    /// every other fits.
    #[must_use]
    pub fn none() -> Self {
        Self { schedule: None }
    }

    /// The fork id with the head at block `number` and `time`.
    #[must_use]
    pub fn current(&self, number: u64, time: u64) -> ForkId {
        self.schedule.as_ref().map_or(ForkId::NONE, |schedule| schedule.current(number, time))
    }

    /// Whether a node with fork id `remote` fits ours, with our head at block `number` and
    /// `time`. The rules are those of EIP-2124; towards [`ForkId::NONE`], from either side, none
    /// applies.
    ///
    /// # Errors
    /// It does not; who needs an update.
    pub fn check(&self, remote: ForkId, number: u64, time: u64) -> Result<(), ForkIdError> {
        match &self.schedule {
            Some(schedule) if remote != ForkId::NONE => schedule.check(remote, number, time),
            Some(_) | None => Ok(()),
        }
    }
}

impl ForkSchedule {
    fn current(&self, number: u64, time: u64) -> ForkId {
        let (passed, coming) = self.split(number, time);
        ForkId {
            hash: passed.last().map_or([0; 4], |(_, checksum)| *checksum),
            next: coming.first().map_or(0, |(fork, _)| fork.point()),
        }
    }

    fn check(&self, remote: ForkId, number: u64, time: u64) -> Result<(), ForkIdError> {
        let local = self.current(number, time);
        let (passed, coming) = self.split(number, time);
        if remote.hash == local.hash {
            // Rule 1: both stand at the same fork. The peer must not expect one that we have
            // passed without it.
            let passed_without_it =
                number >= remote.next || (remote.next > FIRST_FORK_TIME && time >= remote.next);
            return if remote.next != 0 && remote.next != local.next && passed_without_it {
                Err(ForkIdError::Incompatible { remote, local })
            } else {
                Ok(())
            };
        }
        if let Some(index) = passed.iter().position(|(_, checksum)| *checksum == remote.hash) {
            // Rule 2: the peer is behind on our chain. It must know the fork that comes next.
            let expected = passed.get(index + 1).map_or(0, |(fork, _)| fork.point());
            return if remote.next == expected {
                Ok(())
            } else {
                Err(ForkIdError::RemoteStale { remote, expected })
            };
        }
        if coming.iter().any(|(_, checksum)| *checksum == remote.hash) {
            // Rule 3: the peer is ahead on forks that we know of.
            return Ok(());
        }
        // Rule 4.
        Err(ForkIdError::Incompatible { remote, local })
    }

    /// Forks passed with the head there, and those to come. The first is genesis, always passed.
    fn split(&self, number: u64, time: u64) -> (&[ForkEpoch], &[ForkEpoch]) {
        let passed = self.forks.iter().take_while(|(fork, _)| fork.is_passed(number, time));
        self.forks.split_at(passed.count())
    }
}
