//! Chain data that stands beside the project, not in it.

use std::io::Read;
use std::path::PathBuf;

use herald_proto::rlp::Item;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name)
}

/// A file; `None`, said aloud, where the data is not here.
pub(crate) fn read(name: &str) -> Option<Vec<u8>> {
    match std::fs::read(path(name)) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            assert!(!path("INDEX.md").exists(), "{name} is missing from the data");
            println!("skipped: ../shared/data is not here");
            None
        }
        Err(error) => panic!("{name}: {error}"),
    }
}

pub(crate) fn json(name: &str) -> Option<serde_json::Value> {
    read(name).map(|bytes| serde_json::from_slice(&bytes).unwrap())
}

/// The blocks of a file that has one after the other.
pub(crate) fn blocks(name: &str) -> Vec<Vec<u8>> {
    let mut blocks = Vec::new();
    let file = read(name).unwrap_or_default();
    let mut rest = file.as_slice();
    while !rest.is_empty() {
        let (item, after) = Item::split_first(rest).unwrap();
        blocks.push(item.raw().to_vec());
        rest = after;
    }
    blocks
}

pub(crate) const CHAINS: [&str; 5] = [
    "execution-apis-2025-02/chain.rlp",
    "besu/snap-testBlockchain.blocks",
    "besu/fork-upgraded.blocks",
    "besu/fork-outdated.blocks",
    "mainnet/46350-46399.blocks",
];

pub(crate) const SINGLE_BLOCKS: [&str; 11] = [
    "execution-apis-2025-02/genesis_block.rlp",
    "mainnet/00000001.rlp",
    "mainnet/00000002.rlp",
    "mainnet/00000003.rlp",
    "mainnet/00000004.rlp",
    "mainnet/00000005.rlp",
    "mainnet/04400002.rlp",
    "mainnet/15537393.rlp",
    "mainnet/15537394.rlp",
    "mainnet/17034869.rlp",
    "mainnet/19426587.rlp",
];

/// Headers and bodies of the era1 archive, in order: e2store records (type, length, reserved;
/// little-endian), each snappy in frames.
pub(crate) fn era1() -> Vec<(Vec<u8>, Vec<u8>)> {
    const HEADER: u16 = 0x03;
    const BODY: u16 = 0x04;
    let file = read("era1/mainnet-00000-5ec1ffb8.era1").unwrap_or_default();
    let mut rest = file.as_slice();
    let mut headers = Vec::new();
    let mut bodies = Vec::new();
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let kind = u16::from_le_bytes([head[0], head[1]]);
        let length = u32::from_le_bytes([head[2], head[3], head[4], head[5]]) as usize;
        let (value, after) = after.split_at(length);
        rest = after;
        if kind == HEADER || kind == BODY {
            let mut plain = Vec::new();
            snap::read::FrameDecoder::new(value).read_to_end(&mut plain).unwrap();
            if kind == HEADER { &mut headers } else { &mut bodies }.push(plain);
        }
    }
    assert_eq!(headers.len(), bodies.len());
    headers.into_iter().zip(bodies).collect()
}
