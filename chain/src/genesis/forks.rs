//! Forks by the names that genesis files give them.

use strum::VariantArray;

/// Forks that change what a header must have. The others change execution only; they count for
/// the fork id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Fork {
    /// Base fee, and a gas limit that doubles (EIP-1559).
    London,
    /// Withdrawals (EIP-4895).
    Shanghai,
    /// Blob gas and the beacon root (EIP-4844, EIP-4788).
    Cancun,
    /// Requests (EIP-7685).
    Prague,
}

/// Forks that are set by block number, in the order in which mainnet had them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, VariantArray)]
#[non_exhaustive]
pub enum BlockFork {
    /// The first after Frontier: another difficulty formula (EIP-2).
    Homestead,
    /// Ten blocks whose extra data says for or against the DAO's refund (EIP-779).
    Dao,
    /// Tangerine Whistle.
    Eip150,
    /// Chain ids in signatures. Besu has it in Spurious Dragon.
    Eip155,
    /// Spurious Dragon.
    Eip158,
    /// Difficulty counts uncles (EIP-100), and the bomb is put off (EIP-649).
    Byzantium,
    /// The bomb is put off again (EIP-1234).
    Constantinople,
    /// Constantinople without EIP-1283. Besu also calls it `constantinopleFixBlock`.
    Petersburg,
    /// Gas prices only.
    Istanbul,
    /// The bomb is put off (EIP-2384).
    MuirGlacier,
    /// Typed transactions (EIP-2718).
    Berlin,
    /// Base fee (EIP-1559), and the bomb is put off (EIP-3554).
    London,
    /// The bomb is put off (EIP-4345).
    ArrowGlacier,
    /// The bomb is put off for the last time (EIP-5133).
    GrayGlacier,
    /// Nothing changes but the fork id, after the Merge.
    MergeNetsplit,
}

/// Forks that are set by timestamp, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, VariantArray)]
#[non_exhaustive]
pub enum TimeFork {
    /// Withdrawals.
    Shanghai,
    /// Blobs.
    Cancun,
    /// Requests of the execution layer.
    Prague,
    /// Block size and gas rules.
    Osaka,
    /// Blob parameters only (EIP-7892), the first time.
    Bpo1,
    /// The second time.
    Bpo2,
    /// The third time.
    Bpo3,
    /// The fourth time.
    Bpo4,
    /// The fifth time.
    Bpo5,
    /// New header fields (EIP-7928, EIP-7843), which are not read here yet.
    Amsterdam,
    /// After Amsterdam; not specified yet.
    Bogota,
    /// Another state trie, by the name that geth gave it at first.
    Verkle,
    /// Another state trie, by geth's newer name.
    Ubt,
}

impl BlockFork {
    /// Its key in `config`.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Homestead => "homesteadBlock",
            Self::Dao => "daoForkBlock",
            Self::Eip150 => "eip150Block",
            Self::Eip155 => "eip155Block",
            Self::Eip158 => "eip158Block",
            Self::Byzantium => "byzantiumBlock",
            Self::Constantinople => "constantinopleBlock",
            Self::Petersburg => "petersburgBlock",
            Self::Istanbul => "istanbulBlock",
            Self::MuirGlacier => "muirGlacierBlock",
            Self::Berlin => "berlinBlock",
            Self::London => "londonBlock",
            Self::ArrowGlacier => "arrowGlacierBlock",
            Self::GrayGlacier => "grayGlacierBlock",
            Self::MergeNetsplit => "mergeNetsplitBlock",
        }
    }

    /// Every one of them, in order.
    #[must_use]
    pub fn all() -> &'static [Self] {
        Self::VARIANTS
    }

    /// Whether every later fork of this kind brings this one's rules as well.
    pub(super) fn comes_with_later(self) -> bool {
        match self {
            Self::Homestead
            | Self::Eip150
            | Self::Eip155
            | Self::Eip158
            | Self::Byzantium
            | Self::Constantinople
            | Self::Petersburg
            | Self::Istanbul
            | Self::Berlin
            | Self::London => true,
            // A chain may go without a refund, a delay of a bomb that it has not, or a netsplit.
            Self::Dao | Self::MuirGlacier | Self::ArrowGlacier | Self::GrayGlacier | Self::MergeNetsplit => {
                false
            }
        }
    }
}

impl TimeFork {
    /// Its key in `config`.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Shanghai => "shanghaiTime",
            Self::Cancun => "cancunTime",
            Self::Prague => "pragueTime",
            Self::Osaka => "osakaTime",
            Self::Bpo1 => "bpo1Time",
            Self::Bpo2 => "bpo2Time",
            Self::Bpo3 => "bpo3Time",
            Self::Bpo4 => "bpo4Time",
            Self::Bpo5 => "bpo5Time",
            Self::Amsterdam => "amsterdamTime",
            Self::Bogota => "bogotaTime",
            Self::Verkle => "verkleTime",
            Self::Ubt => "ubtTime",
        }
    }

    /// Every one of them, in order.
    #[must_use]
    pub fn all() -> &'static [Self] {
        Self::VARIANTS
    }

    /// Its key in `config.blobSchedule`; `None` for forks that change no blob parameters.
    #[must_use]
    pub fn blob_schedule_key(self) -> Option<&'static str> {
        match self {
            Self::Cancun => Some("cancun"),
            Self::Prague => Some("prague"),
            Self::Osaka => Some("osaka"),
            Self::Bpo1 => Some("bpo1"),
            Self::Bpo2 => Some("bpo2"),
            Self::Bpo3 => Some("bpo3"),
            Self::Bpo4 => Some("bpo4"),
            Self::Bpo5 => Some("bpo5"),
            Self::Amsterdam => Some("amsterdam"),
            Self::Shanghai | Self::Bogota | Self::Verkle | Self::Ubt => None,
        }
    }

    /// Whether it is a matter of the state trie, which may come at any time.
    pub(super) fn changes_trie_only(self) -> bool {
        match self {
            Self::Verkle | Self::Ubt => true,
            Self::Shanghai
            | Self::Cancun
            | Self::Prague
            | Self::Osaka
            | Self::Bpo1
            | Self::Bpo2
            | Self::Bpo3
            | Self::Bpo4
            | Self::Bpo5
            | Self::Amsterdam
            | Self::Bogota => false,
        }
    }

    /// Why a genesis under this fork has a hash that cannot be computed here; `None` when it can.
    pub(super) fn unknown_at_genesis(self) -> Option<&'static str> {
        match self {
            Self::Shanghai
            | Self::Cancun
            | Self::Prague
            | Self::Osaka
            | Self::Bpo1
            | Self::Bpo2
            | Self::Bpo3
            | Self::Bpo4
            | Self::Bpo5 => None,
            Self::Amsterdam | Self::Bogota => Some(
                "is reached at genesis, and the header fields of that fork are not known here, so that the \
                 genesis hash would be wrong; set it later than the genesis' timestamp",
            ),
            Self::Verkle | Self::Ubt => Some(
                "is reached at genesis, and only the Merkle Patricia trie is known here, so that the state \
                 root would be wrong; set it later than the genesis' timestamp",
            ),
        }
    }
}
