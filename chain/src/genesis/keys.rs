//! Every key that is known in a genesis file, and what becomes of it. docs/genesis.md shows these
//! tables to users; a test holds it to them.

/// What becomes of a known key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// It is read.
    Read,
    /// The section of a consensus engine, kept for whoever has that engine. Says which, and whether
    /// its clients write other keys into `config` than geth and Besu.
    Engine(&'static str, Client),
    /// The section of an engine whose chains hash their headers in another way. Says which.
    OtherHash(&'static str),
    /// It does not concern what is done here. Says what it is.
    PassedOver(&'static str),
    /// It asks for what is not done here, unless its JSON text is `but`. Says why.
    Refused { but: Option<&'static str>, why: &'static str },
    /// Another client's or format's name for a key that is read, or a usual slip.
    Means(&'static str),
}

/// Whose genesis files have the section of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// Those of geth or Besu: all their keys are in these tables.
    Known,
    /// Those of another client, whose keys are not: where one of them is met, the engine says more.
    Other,
}

impl Use {
    /// Whether a user who wrote something like it is helped by its name.
    fn is_worth_naming(self) -> bool {
        match self {
            Read | Engine(..) | OtherHash(_) | PassedOver(_) => true,
            Refused { .. } | Means(_) => false,
        }
    }
}

/// The keys of one section.
pub(super) type Keys = &'static [(&'static str, Use)];

use Use::{Engine, Means, OtherHash, PassedOver, Read, Refused};

/// The keys at the top.
pub(super) const TOP: Keys = &[
    ("config", Read),
    ("nonce", Read),
    ("timestamp", Read),
    ("extraData", Read),
    ("gasLimit", Read),
    ("difficulty", Read),
    ("mixHash", Read),
    ("coinbase", Read),
    ("alloc", Read),
    ("number", Read),
    ("gasUsed", Read),
    ("parentHash", Read),
    ("baseFeePerGas", Read),
    ("blobGasUsed", Read),
    ("excessBlobGas", Read),
    ("stateRoot", Read),
    ("slotNumber", PassedOver("the slot of block 0, in its header from Amsterdam on")),
    (
        "parentBeaconBlockRoot",
        Refused {
            but: Some("\"0x0000000000000000000000000000000000000000000000000000000000000000\""),
            why: "Besu reads it and geth takes zero, so that their genesis hashes differ; remove it, or \
                  make it zero",
        },
    ),
    ("gasTarget", Means("gasLimit")),
    ("author", Means("coinbase")),
    ("miner", Means("coinbase")),
    ("mixDigest", Means("mixHash")),
    ("baseFee", Means("baseFeePerGas")),
    ("accounts", Means("alloc")),
    ("chainId", Means("config.chainId")),
];

/// The keys of `config`.
pub(super) const CONFIG: Keys = &[
    ("chainId", Read),
    ("homesteadBlock", Read),
    ("daoForkBlock", Read),
    ("daoForkSupport", Read),
    ("eip150Block", Read),
    ("eip155Block", Read),
    ("eip158Block", Read),
    ("byzantiumBlock", Read),
    ("constantinopleBlock", Read),
    ("petersburgBlock", Read),
    ("constantinopleFixBlock", Read),
    ("istanbulBlock", Read),
    ("muirGlacierBlock", Read),
    ("berlinBlock", Read),
    ("londonBlock", Read),
    ("arrowGlacierBlock", Read),
    ("grayGlacierBlock", Read),
    ("mergeNetsplitBlock", Read),
    ("shanghaiTime", Read),
    ("cancunTime", Read),
    ("pragueTime", Read),
    ("osakaTime", Read),
    ("bpo1Time", Read),
    ("bpo2Time", Read),
    ("bpo3Time", Read),
    ("bpo4Time", Read),
    ("bpo5Time", Read),
    ("amsterdamTime", Read),
    ("bogotaTime", Read),
    ("verkleTime", Read),
    ("ubtTime", Read),
    ("terminalTotalDifficulty", Read),
    ("blobSchedule", Read),
    ("clique", Engine("Clique, proof of authority (EIP-225)", Client::Known)),
    ("ethash", Engine("Ethash, proof of work", Client::Known)),
    ("parlia", Engine("Parlia, BNB Smart Chain's engine", Client::Other)),
    ("bor", Engine("Bor, Polygon's engine", Client::Other)),
    ("congress", Engine("Congress, HECO's engine", Client::Other)),
    ("consortium", Engine("Consortium, Ronin's engine", Client::Other)),
    ("XDPoS", Engine("XDPoS, XDC Network's engine", Client::Other)),
    ("aura", Engine("AuRa, the engine of Parity and Nethermind", Client::Other)),
    ("authorityRound", Engine("AuRa, the engine of Parity and Nethermind", Client::Other)),
    ("optimism", Engine("the OP Stack, whose blocks come from another chain", Client::Other)),
    ("arbitrum", Engine("Arbitrum, whose blocks come from another chain", Client::Other)),
    ("scroll", Engine("Scroll, whose blocks come from another chain", Client::Other)),
    ("keccak256", Engine("Keccak-256 proof of work (ECIP-1049)", Client::Other)),
    ("ibft", OtherHash("IBFT 1.0")),
    ("istanbul", OtherHash("IBFT 1.0 (GoQuorum, Celo)")),
    ("ibft2", OtherHash("IBFT 2.0 (Besu)")),
    ("qbft", OtherHash("QBFT (Besu, GoQuorum)")),
    ("eip150Hash", PassedOver("the hash of the block at `eip150Block`, for old light clients")),
    (
        "terminalTotalDifficultyPassed",
        PassedOver("whether the Merge has happened, a hint for old versions of geth"),
    ),
    ("terminalBlockHash", PassedOver("Besu: the last block before the Merge")),
    ("terminalBlockNumber", PassedOver("Besu: the number of that block")),
    ("mergeForkBlock", PassedOver("geth's old name for `mergeNetsplitBlock`, which it no longer reads")),
    ("preMergeForkBlock", PassedOver("Besu's old name for `mergeNetsplitBlock`, which it no longer reads")),
    ("parisBlock", PassedOver("the Merge by number, which no client reads")),
    ("frontierBlock", PassedOver("Besu: 0 on every chain")),
    ("depositContractAddress", PassedOver("execution: where deposits of validators are logged")),
    ("withdrawalRequestContractAddress", PassedOver("Besu, execution: the contract of EIP-7002")),
    ("consolidationRequestContractAddress", PassedOver("Besu, execution: the contract of EIP-7251")),
    ("contractSizeLimit", PassedOver("Besu, execution: bytes of code at most")),
    ("evmStackSize", PassedOver("Besu, execution: depth of the stack")),
    ("discovery", PassedOver("Besu: boot nodes of its own protocols")),
    ("checkpoint", PassedOver("Besu: a block from which it may sync")),
    ("maxCodeSize", PassedOver("GoQuorum, execution: KiB of code at most")),
    ("maxCodeSizeConfig", PassedOver("GoQuorum, execution: the same by block number")),
    ("txnSizeLimit", PassedOver("GoQuorum: KiB of a transaction at most")),
    ("isMPS", PassedOver("GoQuorum: several private states")),
    (
        "transitions",
        Refused {
            but: Some("{}"),
            why: "Besu uses it to change its engine's settings at later blocks, which is not supported here; give \
                  a chain without transitions",
        },
    ),
    ("zeroBaseFee", Refused { but: Some("false"), why: FEES }),
    ("fixedBaseFee", Refused { but: Some("false"), why: FEES }),
    (
        "ecCurve",
        Refused {
            but: Some("\"secp256k1\""),
            why: "only secp256k1 is known here, so that no signature could be checked; give a chain on \
                  that curve",
        },
    ),
    ("futureEipsTime", Refused { but: None, why: EXPERIMENTS }),
    ("experimentalEipsTime", Refused { but: None, why: EXPERIMENTS }),
    ("enableVerkleAtGenesis", Refused { but: Some("false"), why: OTHER_TRIE }),
    ("enableUBTAtGenesis", Refused { but: Some("false"), why: OTHER_TRIE }),
    (
        "isQuorum",
        Refused {
            but: Some("false"),
            why: "GoQuorum's private chains have other header rules, which are not known here; give a \
                  chain without them",
        },
    ),
    (
        "networkId",
        Refused {
            but: None,
            why: "the network id is no part of a chain's rules, and is not read here; remove it, and give \
                  it with --network-id if it is not the chain id",
        },
    ),
    ("tangerineWhistleBlock", Means("eip150Block")),
    ("spuriousDragonBlock", Means("eip158Block")),
    ("mergeBlock", Means("mergeNetsplitBlock")),
    ("ttd", Means("terminalTotalDifficulty")),
];

const FEES: &str = "Besu replaces EIP-1559's base fee by its own rule, which is not known here; give a \
                    chain with EIP-1559's";
const EXPERIMENTS: &str = "it switches on EIPs in Besu that belong to no fork yet and are not known here; \
                           remove it";
const OTHER_TRIE: &str = "only the Merkle Patricia trie is known here, so that the state root would be \
                          wrong; remove it";

/// The keys of an account in `alloc`.
pub(super) const ACCOUNT: Keys = &[
    ("balance", Read),
    ("nonce", Read),
    ("code", Read),
    ("storage", Read),
    ("comment", PassedOver("free text, in Besu's files")),
    ("codeDecompiled", PassedOver("`code` disassembled, in Besu's files")),
    ("privateKey", PassedOver("the account's key, in Besu's files for tests")),
    ("secretKey", PassedOver("the same in reth's files")),
    ("wei", Means("balance")),
];

/// The keys of a fork's entry in `config.blobSchedule`.
pub(super) const BLOB_PARAMETERS: Keys = &[
    ("target", Read),
    ("max", Read),
    ("baseFeeUpdateFraction", Read),
    ("targetBlobsPerBlock", Means("target")),
    ("maxBlobsPerBlock", Means("max")),
    ("updateFraction", Means("baseFeeUpdateFraction")),
];

/// What becomes of the key `name`, in whatever letters; `None` where it is not known.
pub(super) fn find(keys: Keys, name: &str) -> Option<Use> {
    keys.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, used)| *used)
}

/// The consensus engine whose section has that name, where it is a usual one.
pub(super) fn engine(name: &str) -> Option<&'static str> {
    match find(CONFIG, name)? {
        Engine(engine, _) | OtherHash(engine) => Some(engine),
        Read | PassedOver(_) | Refused { .. } | Means(_) => None,
    }
}

/// The known keys that a user may have meant.
pub(super) fn names(keys: Keys) -> impl Iterator<Item = &'static str> {
    keys.iter().filter(|(_, used)| used.is_worth_naming()).map(|(name, _)| *name)
}

/// Longest name for which a close one is looked for.
const COMPARED_CHARS_MAX: usize = 64;
/// Shortest beginning of a name by which the name is known.
const BEGINNING_CHARS: usize = 4;

/// The known name that `name` is most like: it differs in a third of its letters at most, or is the
/// beginning of it.
pub(super) fn closest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let length = name.chars().count();
    if length > COMPARED_CHARS_MAX {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let distance = |known: &str| {
        let known = known.to_ascii_lowercase();
        if length >= BEGINNING_CHARS && known.starts_with(&name) {
            return 1;
        }
        strsim::damerau_levenshtein(&name, &known)
    };
    known
        .into_iter()
        .map(|known| (distance(known), known))
        .filter(|(distance, _)| *distance <= length.max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}
