//! Engines that other software has and that are not here.

use super::EngineError;
use super::choice::has_section;
use crate::genesis::Genesis;

/// An engine that other software has and that is not here, known by its section in a genesis.
#[derive(Debug)]
pub(super) struct ForeignEngine {
    /// The section's name in `config`.
    pub(super) section: &'static str,
    /// What it is, and whose.
    pub(super) about: &'static str,
    /// Whether its blocks can be read without it.
    pub(super) headers: Headers,
}

/// What the headers of a foreign engine are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Headers {
    /// Ethereum's, so its chain can be followed without looking at the seals.
    Ethereum,
    /// Hashed or encoded in a way of their own, so no block links to the one before.
    Other(&'static str),
}

/// IBFT and its descendants hash headers without the seals of the validators that committed them.
const COMMIT_SEALS: Headers = Headers::Other(
    "its block hash leaves the validators' commit seals in the extra data out, so no header here would \
     link to its parent",
);

/// Engines that are not here. Their chains are refused by name.
pub(super) const FOREIGN_ENGINES: &[ForeignEngine] = &[
    ForeignEngine { section: "ibft", about: "Istanbul BFT, of Quorum and early Besu", headers: COMMIT_SEALS },
    ForeignEngine { section: "istanbul", about: "Istanbul BFT, of Quorum", headers: COMMIT_SEALS },
    ForeignEngine { section: "ibft2", about: "IBFT 2.0, of Besu", headers: COMMIT_SEALS },
    ForeignEngine { section: "qbft", about: "QBFT, of Besu and Quorum", headers: COMMIT_SEALS },
    ForeignEngine {
        section: "aura",
        about: "Authority Round, of OpenEthereum and Nethermind",
        headers: Headers::Other(
            "its headers carry a step and a signature where Ethereum's have the mix hash and nonce",
        ),
    },
    ForeignEngine {
        section: "authorityRound",
        about: "Authority Round, of OpenEthereum and Nethermind",
        headers: Headers::Other(
            "its headers carry a step and a signature where Ethereum's have the mix hash and nonce",
        ),
    },
    ForeignEngine { section: "parlia", about: "Parlia, of BNB Smart Chain", headers: Headers::Ethereum },
    ForeignEngine { section: "congress", about: "Congress, of HECO", headers: Headers::Ethereum },
    ForeignEngine { section: "bor", about: "Bor, of Polygon", headers: Headers::Ethereum },
    ForeignEngine { section: "posv", about: "PoSV, of Viction", headers: Headers::Ethereum },
    ForeignEngine { section: "XDPoS", about: "XDPoS, of XinFin", headers: Headers::Ethereum },
    ForeignEngine { section: "oasys", about: "Oasys' proof of stake", headers: Headers::Ethereum },
    ForeignEngine { section: "consortium", about: "Consortium, of Ronin", headers: Headers::Ethereum },
];

/// Refuses the sections of engines that are not here.
pub(super) fn refuse_foreign(genesis: &Genesis) -> Result<(), EngineError> {
    refuse_unreadable(genesis)?;
    let found = FOREIGN_ENGINES.iter().find(|foreign| has_section(genesis, &[foreign.section]));
    match found {
        Some(&ForeignEngine { section, about, headers: _ }) => Err(EngineError::Foreign { section, about }),
        None => Ok(()),
    }
}

/// Chains that even an engine that looks at no seal cannot follow.
pub(super) fn refuse_unreadable(genesis: &Genesis) -> Result<(), EngineError> {
    for &ForeignEngine { section, about, headers } in FOREIGN_ENGINES {
        match headers {
            Headers::Other(why) if has_section(genesis, &[section]) => {
                return Err(EngineError::Unreadable { section, about, why });
            }
            Headers::Other(_) | Headers::Ethereum => {}
        }
    }
    Ok(())
}
