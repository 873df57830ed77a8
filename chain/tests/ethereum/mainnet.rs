//! Real blocks: mainnet's first 8,192 through the chain, and later ones by the formula.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use alloy_primitives::{B256, U256, b256};
use herald_chain::engine::ethash::{Ethash, next_difficulty};
use herald_chain::engine::{Ancestry, Engine as _, EngineChoice, VerifyError};
use herald_chain::genesis::{ChainConfig, Genesis};
use herald_chain::store::StoreError;
use herald_chain::testkit;
use herald_chain::{Chain, ChainOptions, Head};
use herald_proto::{Block, Body, Header};

const MAINNET: B256 = b256!("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3");

/// Mainnet's forks that count for difficulty, and its terminal total difficulty.
const FORKS: &str = r#""homesteadBlock": 1150000, "daoForkBlock": 1920000, "daoForkSupport": true,
    "eip150Block": 2463000, "eip155Block": 2675000, "eip158Block": 2675000,
    "byzantiumBlock": 4370000, "constantinopleBlock": 7280000, "petersburgBlock": 7280000,
    "istanbulBlock": 9069000, "muirGlacierBlock": 9200000, "berlinBlock": 12244000,
    "londonBlock": 12965000, "arrowGlacierBlock": 13773000, "grayGlacierBlock": 15050000,
    "terminalTotalDifficulty": 58750000000000000000000, "shanghaiTime": 1681338455,
    "cancunTime": 1710338135"#;

/// Mainnet's forks.
fn forks() -> ChainConfig {
    let json = format!(
        r#"{{"config": {{"chainId": 1, {FORKS}}}, "difficulty": 1, "gasLimit": 5000, "alloc": {{}}}}"#
    );
    Genesis::from_json(&json).unwrap().config().unwrap().clone()
}

fn ethash() -> Ethash {
    Ethash::new(forks())
}

/// One block of an era1 file: its total difficulty is what the file says of it.
struct Entry {
    block: Block,
    total_difficulty: U256,
}

/// Reads an era1 file: records of type, length and value, with headers and bodies snappy-framed.
fn era1(path: &Path) -> Vec<Entry> {
    const HEADER: u16 = 0x03;
    const BODY: u16 = 0x04;
    const TOTAL_DIFFICULTY: u16 = 0x06;
    let bytes = std::fs::read(path).unwrap();
    let mut rest = &bytes[..];
    let (mut header, mut body) = (None, None);
    let mut entries = Vec::new();
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let kind = u16::from_le_bytes([head[0], head[1]]);
        let length = u32::from_le_bytes([head[2], head[3], head[4], head[5]]) as usize;
        let (value, next) = after.split_at(length);
        rest = next;
        let unpack = || {
            let mut unpacked = Vec::new();
            snap::read::FrameDecoder::new(value).read_to_end(&mut unpacked).unwrap();
            unpacked
        };
        match kind {
            HEADER => header = Some(Header::decode(&unpack()).unwrap()),
            BODY => body = Some(Body::decode(&unpack()).unwrap()),
            TOTAL_DIFFICULTY => {
                let block = Block::new(header.take().unwrap(), body.take().unwrap());
                entries.push(Entry { block, total_difficulty: U256::from_le_slice(value) });
            }
            _ => {}
        }
    }
    entries
}

#[test]
fn the_first_8192_blocks_have_the_difficulty_that_follows() {
    let Some(path) = testkit::data("era1/mainnet-00000-5ec1ffb8.era1") else { return };
    let entries = era1(&path);
    assert_eq!((entries.len(), entries[0].block.hash()), (8192, MAINNET));
    let config = forks();
    let mut uncles = 0;
    for pair in entries.windows(2) {
        let [parent, child] = pair else { unreachable!() };
        let header = &child.block.header;
        assert_eq!(next_difficulty(&config, &parent.block.header, header.timestamp), header.difficulty);
        assert_eq!(parent.total_difficulty + header.difficulty, child.total_difficulty);
        uncles += child.block.body.uncles().len();
    }
    println!("8191 difficulties follow, {uncles} uncles");
}

/// The same blocks through the chain, uncles and all. The file has the genesis block without its
/// accounts, so the forks come with the engine.
#[test]
fn the_first_8192_blocks_are_imported_with_their_uncles() {
    let Some(path) = testkit::data("era1/mainnet-00000-5ec1ffb8.era1") else { return };
    let mut entries = era1(&path);
    let genesis = Genesis::from_block(entries.remove(0).block).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let engine = EngineChoice::Given(Arc::new(ethash()));
    let chain = Chain::open(directory.path(), genesis, engine, ChainOptions::default()).unwrap();
    let total_difficulty = entries.last().unwrap().total_difficulty;
    let blocks: Vec<Block> = entries.into_iter().map(|entry| entry.block).collect();
    for batch in blocks.chunks(1024) {
        chain.import(batch).unwrap();
    }
    let head = chain.head();
    assert_eq!((head.header.number, head.total_difficulty), (8191, total_difficulty));
}

#[test]
fn both_sides_of_the_merge_and_later_forks_hold() {
    let Some(directory) = testkit::data("mainnet") else { return };
    let read = |name: &str| -> Vec<Block> {
        let file = std::fs::File::open(directory.join(name)).unwrap();
        herald_chain::chainfile::Reader::new(file).unwrap().map(|entry| entry.unwrap().block).collect()
    };
    let config = forks();
    let frontier = read("46350-46399.blocks");
    for pair in frontier.windows(2) {
        let (parent, header) = (&pair[0].header, &pair[1].header);
        assert_eq!(next_difficulty(&config, parent, header.timestamp), header.difficulty);
    }
    // The last block of proof of work and its child.
    let last = read("15537393.rlp").remove(0).header;
    let first = read("15537394.rlp").remove(0).header;
    let terminal = U256::from(58_750_000_000_000_000_000_000_u128);
    let reached = U256::from(58_750_003_716_598_352_816_469_u128);
    assert!(reached >= terminal && reached - last.difficulty < terminal);
    let engine = ethash();
    let on = |total_difficulty| Head { header: last.clone(), total_difficulty };
    engine.verify_header(&first, &on(reached), &NoAncestry).unwrap();
    assert!(engine.is_paris(&first, &on(reached)));
    let early = engine.verify_header(&first, &on(terminal - U256::ONE), &NoAncestry).unwrap_err();
    let VerifyError::Fault(fault) = early else { panic!("{early}") };
    assert_eq!(fault.label(), "merge");
}

/// Ethash looks at nothing beyond the parent.
struct NoAncestry;

impl Ancestry for NoAncestry {
    fn header(&self, _: &B256) -> Result<Option<Header>, StoreError> {
        Ok(None)
    }

    fn engine_state(&self, _: &B256) -> Result<Option<bytes::Bytes>, StoreError> {
        Ok(None)
    }
}
