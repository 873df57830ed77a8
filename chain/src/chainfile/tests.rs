#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

use std::io::Write;

use herald_proto::Body;

use super::*;
use crate::chain::{BlockError, STORE_DIRECTORY};
use crate::engine::clique::CliqueConfig;
use crate::genesis::{Genesis, GenesisError, Strictness};
use crate::store::Store;
use crate::testkit::{self, child_with, clock, line, open, transaction, trusted_genesis};

fn bytes_of(blocks: &[Block]) -> Vec<u8> {
    blocks.iter().flat_map(Block::encode).collect()
}

fn damage(bytes: &[u8]) -> ChainFileError {
    Reader::new(bytes).unwrap().find_map(Result::err).unwrap()
}

#[test]
fn plain_and_packed_files_give_the_same_blocks() {
    let blocks = line(trusted_genesis("").header(), 5, 1);
    let bytes = bytes_of(&blocks);
    let mut packed = Vec::new();
    // Two members one after the other, as `cat a.gz b.gz` makes them.
    let (front, back) = bytes.split_at(700);
    for part in [front, back] {
        let mut gzip = flate2::write::GzEncoder::new(&mut packed, flate2::Compression::default());
        gzip.write_all(part).unwrap();
        gzip.finish().unwrap();
    }
    for source in [&bytes, &packed] {
        let entries: Vec<FileBlock> = Reader::new(&**source).unwrap().map(Result::unwrap).collect();
        let mut offset = 0;
        for (index, (entry, block)) in entries.iter().zip(&blocks).enumerate() {
            assert_eq!((entry.index, entry.offset), (index as u64, offset));
            assert_eq!(entry.block, *block);
            offset += block.encoded_len() as u64;
        }
        assert_eq!(entries.len(), 5);
    }
    assert!(Reader::new(&b""[..]).unwrap().next().is_none());
}

#[test]
fn damage_is_named_with_its_offset() {
    let blocks = line(trusted_genesis("").header(), 3, 1);
    let bytes = bytes_of(&blocks);
    let third = blocks[0].encoded_len() + blocks[1].encoded_len();
    let cut = damage(&bytes[..bytes.len() - 1]);
    assert_eq!((cut.index, cut.offset), (2, third as u64));
    assert!(matches!(cut.damage, Damage::Truncated { .. }), "{cut}");
    let mut junk = bytes.clone();
    junk[third] = 0x80;
    assert!(matches!(damage(&junk).damage, Damage::NotAList { first: 0x80 }));
    // Refused before anything of that size is read or held.
    let huge = damage(&[&bytes[..third], &[0xff; 9][..]].concat());
    assert!(matches!(huge.damage, Damage::TooLarge { size: u64::MAX }), "{huge}");
    let over = damage(&[0xfb, 0x01, 0, 0, 0]);
    assert!(matches!(over.damage, Damage::TooLarge { .. }), "{over}");
    // A body that is no RLP; its header still says which block it is.
    let mut body = bytes.clone();
    let last = body.len() - 1;
    body[last] = 0xc1;
    let error = damage(&body);
    assert_eq!(error.block, Some((3, blocks[2].hash())));
    assert!(matches!(error.damage, Damage::Encoding(_)), "{error}");
    // After an error there is nothing more.
    let mut reader = Reader::new(&junk[..]).unwrap();
    assert_eq!(reader.by_ref().count(), 3);
    assert!(reader.next().is_none());
}

#[test]
fn an_import_stops_at_a_bad_block_and_a_second_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = trusted_genesis("");
    let chain = open(directory.path(), &genesis, &clock());
    let good = line(genesis.header(), 3, 1);
    let body = Body::new(vec![transaction(1)], Vec::new(), None);
    let fourth = child_with(&good[2].header, &body, |_| {});
    let other = Body::new(vec![transaction(2)], Vec::new(), None);
    let forged = Block::new(fourth.header.clone(), other);
    let path = directory.path().join("file");
    std::fs::write(&path, [bytes_of(&good), forged.encode()].concat()).unwrap();
    let stopped = import_file(&chain, &path, |_| {}).unwrap_err();
    let FileError::Block { index, offset, number, hash, error } = &*stopped.error else {
        panic!("{stopped}")
    };
    assert_eq!((*index, *number, *hash), (3, 4, fourth.hash()));
    assert_eq!(*offset, bytes_of(&good).len() as u64);
    assert!(matches!(error, BlockError::Broken(_)), "{error}");
    assert!(stopped.to_string().contains("transactions root"), "{stopped}");
    assert_eq!(stopped.so_far.imported, 3);

    std::fs::write(&path, [bytes_of(&good), fourth.encode()].concat()).unwrap();
    let import = import_file(&chain, &path, |_| {}).unwrap();
    assert_eq!((import.imported, import.known), (1, 3));
    assert_eq!(chain.head().header, fourth.header);
}

#[test]
fn a_file_of_another_chain_or_of_nothing_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = trusted_genesis("");
    let chain = open(directory.path(), &genesis, &clock());
    let path = directory.path().join("file");
    let other = trusted_genesis(r#", "shanghaiTime": 0"#);
    std::fs::write(&path, other.block().encode()).unwrap();
    let error = import_file(&chain, &path, |_| {}).unwrap_err();
    assert!(matches!(*error.error, FileError::OtherGenesis { .. }), "{error}");
    std::fs::write(&path, b"").unwrap();
    let error = import_file(&chain, &path, |_| {}).unwrap_err();
    assert!(matches!(*error.error, FileError::Empty), "{error}");
    let error = import_file(&chain, &directory.path().join("none"), |_| {}).unwrap_err();
    assert!(matches!(*error.error, FileError::Open(_)), "{error}");
}

#[test]
fn an_export_gives_back_the_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = trusted_genesis("");
    let blocks = line(genesis.header(), 4, 1);
    open(directory.path(), &genesis, &clock()).import(&blocks).unwrap();
    let store = Store::open_existing(&directory.path().join(STORE_DIRECTORY)).unwrap();
    let path = directory.path().join("out.rlp");
    // What is there is replaced, whole.
    std::fs::write(&path, b"old").unwrap();
    let all = Range { from: 1, to: None };
    assert_eq!(export(&store, &path, all, |_| {}).unwrap(), 4);
    assert_eq!(std::fs::read(&path).unwrap(), bytes_of(&blocks));
    let with_genesis = Range { from: 0, to: Some(1) };
    assert_eq!(export(&store, &path, with_genesis, |_| {}).unwrap(), 2);
    let expected = [genesis.block().encode(), blocks[0].encode()].concat();
    assert_eq!(std::fs::read(&path).unwrap(), expected);

    let packed = directory.path().join("out.rlp.gz");
    export(&store, &packed, all, |_| {}).unwrap();
    assert!(std::fs::read(&packed).unwrap().starts_with(&GZIP_MAGIC));
    let read = Reader::new(std::fs::File::open(&packed).unwrap()).unwrap();
    assert!(read.map(|entry| entry.unwrap().block).eq(blocks));

    for (from, to) in [(1, Some(5)), (3, Some(2)), (5, None)] {
        let error = export(&store, &path, Range { from, to }, |_| {}).unwrap_err();
        assert!(matches!(error, ExportError::Range { head: 4, .. }), "{error}");
    }
    let nowhere = directory.path().join("no/where");
    let error = export(&store, &nowhere, all, |_| {}).unwrap_err();
    assert!(matches!(error, ExportError::File { .. }), "{error}");
    // Nothing half-written stays.
    assert!(!directory.path().join("out.rlp.partial").exists());
}

proptest::proptest! {
    /// Whatever a file holds, reading it ends, and in an error or in blocks.
    #[test]
    fn no_bytes_make_the_reader_panic(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600),
        offset in 0_usize..1500,
        value: u8,
    ) {
        let read = |bytes: &[u8]| Reader::new(bytes).unwrap().count();
        read(&bytes);
        let blocks = line(trusted_genesis("").header(), 2, 1);
        let mut changed = bytes_of(&blocks);
        let offset = offset % changed.len();
        changed[offset] = value;
        proptest::prop_assert!(read(&changed) >= 1);
    }
}

#[test]
fn files_that_are_no_genesis_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("genesis");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        read_genesis(&path, Strictness::Strict).unwrap_err()
    };
    assert!(matches!(read(b""), GenesisFileError::Empty));
    assert!(matches!(read(b"  {\xff}"), GenesisFileError::NotText));
    let other_format = |error| matches!(error, GenesisFileError::Genesis(GenesisError::OtherFormat { .. }));
    assert!(other_format(read(b" [1]")));
    assert!(other_format(read(b"\"0xf90200\"")));
    assert!(other_format(read(b"\xef\xbb\xbf[1]")));
    assert!(matches!(read(b"hello"), GenesisFileError::NotGenesisFile { .. }));
    let genesis = testkit::trusted_genesis("");
    let later = testkit::child(genesis.header(), |_| {});
    assert!(matches!(
        read(&later.encode()),
        GenesisFileError::Genesis(GenesisError::NotBlockZero { number: 1 })
    ));
    std::fs::write(&path, genesis.block().encode()).unwrap();
    assert_eq!(read_genesis(&path, Strictness::Strict).unwrap().hash(), genesis.hash());
    let missing = read_genesis(&directory.path().join("none"), Strictness::Strict).unwrap_err();
    assert!(matches!(missing, GenesisFileError::File { .. }));
}

#[test]
fn a_genesis_may_begin_with_a_byte_order_mark() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("genesis.json");
    let json = testkit::clique_json(&testkit::signers(1), CliqueConfig::default());
    std::fs::write(&path, format!("\u{feff}{json}")).unwrap();
    let expected = Genesis::from_json(&json).unwrap().hash();
    assert_eq!(read_genesis(&path, Strictness::Strict).unwrap().hash(), expected);
    assert_eq!(Genesis::from_json(&format!("\u{feff}{json}")).unwrap().hash(), expected);
}
